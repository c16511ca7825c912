# What refused requests come to.

library(prisonerexchanges)

given <- commandArgs(trailingOnly = TRUE)
client <- exchanges_client(given[1], key = given[2])
impatient <- exchanges_client(given[1], longest_wait = 0.05)
word <- given[3]
status <- function(answer) tryCatch(answer$status, exchanges_problem = function(refusal) refusal$status)
create <- function(...) WritingApi$new(client)$CreatePublisher(..., reason = "a try", .answer = TRUE)
body <- PublisherInput(id = word, name = paste("The", word), is_agency = FALSE, aliases = list())
told <- list(
  ActorsApi$new(client)$GetActor("uae")$id,
  status(ActorsApi$new(impatient)$GetActor("russia", .answer = TRUE)),
  status(create(body)),
  status(create(body, idempotency_key = word))
)
cat(jsonlite::toJSON(told, auto_unbox = TRUE))
