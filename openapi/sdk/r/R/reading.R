# Whole results: page after page, or as a file.

#' Read every record of a list
#'
#' All pages are of one state of the dataset, whatever is written meanwhile.
#'
#' @param operation A list, as `ExchangesApi$new(client)$ListExchanges`.
#' @param ... What to ask for, as `mediator = "UAE"`.
#' @return A list of records.
#' @export
all_records <- function(operation, ...) {
  page <- operation(...)
  read <- list(page$data)
  while (!is.null(page$meta$next_cursor)) {
    page <- operation(..., cursor = page$meta$next_cursor)
    read <- c(read, list(page$data))
  }
  do.call(c, read)
}

#' Read a whole result as a tibble
#'
#' From its CSV export: days are dates, moments are times in UTC, and the items of a list are joined by `|`. The
#' attribute `dataset_revision` tells which state of the dataset was read.
#'
#' @param client What exchanges_client() made.
#' @param name What to read: `"exchanges"`, `"claims"`, `"figures"`, ...
#' @param ... What to ask for, as `mediator = "UAE"`.
#' @return A tibble.
#' @export
read_export <- function(client, name, ...) {
  operation <- paste0("Export", toupper(substr(name, 1, 1)), substr(name, 2, nchar(name)))
  export <- ExportsApi$new(client)[[operation]]
  if (is.null(export)) {
    stop("There is no export of ", name, ".", call. = FALSE)
  }
  answer <- export("csv", ..., .answer = TRUE)
  table <- readr::read_csv(
    answer$content,
    na = "",
    trim_ws = FALSE,
    guess_max = Inf,
    show_col_types = FALSE,
    progress = FALSE
  )
  empty <- vapply(table, function(column) all(is.na(column)), TRUE)
  table[empty] <- lapply(table[empty], as.character)
  attr(table, "dataset_revision") <- as.integer(answer$headers$`X-Dataset-Revision`)
  tibble::as_tibble(table)
}
