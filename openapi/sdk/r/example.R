# What the package is for, in one program: `Rscript example.R URL KEY`. It writes, so give it a service to try on.

library(prisonerexchanges)

new_year <- "2024-12-30-russia-ukraine"

# Ask for a list, walk over all pages of another, fetch a record, and read a whole result as a data frame.
read <- function(url) {
  client <- exchanges_client(url)
  exchanges <- ExchangesApi$new(client)
  brokered <- exchanges$ListExchanges(mediator = "UAE")
  walked <- all_records(exchanges$ListExchanges, limit = 100)
  fetched <- exchanges$GetExchange(new_year)
  again <- exchanges$GetExchange(new_year) # not sent again: it has not changed
  frame <- read_export(client, "exchanges", mediator = "UAE")
  list(
    mediated = brokered$meta$total,
    walked = length(unique(vapply(walked, function(each) each$id, ""))),
    fetched = list(fetched$id, fetched$date, fetched$persons$best),
    unchanged = identical(fetched, again),
    frame = list(nrow(frame), sum(frame$persons_best, na.rm = TRUE))
  )
}

# Store a note, change it, and be refused where it was read before the change.
write <- function(url, key) {
  writing <- WritingApi$new(exchanges_client(url, key = key))
  reason <- "trying the package"
  note <- CoverageInput(
    date_from = as.Date("2023-03-01"),
    date_to = as.Date("2023-03-31"),
    scope = ExchangeKind$prisoner_exchange,
    status = CoverageStatus$not_searched,
    statement = "Written by an example.",
    languages_searched = character()
  )
  unique_word <- basename(tempfile("example-"))
  answer <- writing$CreateCoverage(note, reason = reason, idempotency_key = unique_word, .answer = TRUE)
  id <- answer$content$id
  as_read <- answer$headers$ETag

  change <- function(status) {
    writing$UpdateCoverage(id, CoveragePatch(status = status), reason = reason, if_match = as_read)
  }
  changed <- change(CoverageStatus$none_known)
  refusal <- tryCatch(change(CoverageStatus$reconciled), exchanges_problem = identity)
  removed <- writing$DeleteCoverage(
    id,
    reason = reason, if_match = refusal$problem$current_etag, .answer = TRUE
  )
  list(
    created = answer$status,
    revision = changed$revision,
    stale = refusal$status,
    removed = removed$status
  )
}

given <- commandArgs(trailingOnly = TRUE)
cat(jsonlite::toJSON(c(read(given[1]), write(given[1], given[2])), auto_unbox = TRUE), "\n")
