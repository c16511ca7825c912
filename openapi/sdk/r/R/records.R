# Bodies of requests. Answers are plain lists, just as the JSON has them: nothing in them is lost or refused,
# whatever the service has learnt since this package was made.

#' A body to send
#'
#' What CoverageInput() and the like make. A record as it was read becomes one by `Record$new(record)`.
#'
#' @export
Record <- R6Class(
  "Record",
  public = list(
    # a named list; NULL in it is sent as null
    fields = NULL,
    initialize = function(fields) {
      self$fields <- fields
    },
    toJSONString = function(...) {
      as.character(jsonlite::toJSON(plain(self$fields), auto_unbox = TRUE, null = "null", digits = NA, ...))
    }
  )
)

plain <- function(value) {
  if (R6::is.R6(value)) {
    return(plain(value$fields))
  }
  if (is.list(value)) lapply(value, plain) else value
}

# The record of what the caller of a constructor gave.
record_of <- function(frame, names, required, arrays) {
  given <- Filter(function(name) !eval(call("missing", as.name(name)), frame), names(names))
  lacking <- setdiff(required, given)
  if (length(lacking) > 0) {
    stop("Needed, and not given: ", paste(lacking, collapse = ", "), call. = FALSE)
  }
  fields <- list()
  for (name in given) {
    value <- get(name, frame)
    if (name %in% arrays && !is.null(value)) {
      value <- as.list(value) # one of them is a list, too
    }
    fields[names[[name]]] <- list(value)
  }
  Record$new(fields)
}
