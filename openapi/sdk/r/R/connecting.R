# The way to the service: what is refused is asked again, and what has not changed is not sent again.

Client <- R6Class(
  "Client",
  public = list(
    url = NULL,
    key = NULL,
    timeout = NULL,
    max_tries = NULL,
    longest_wait = NULL,
    cache = NULL,
    initialize = function(url, key, timeout, max_tries, longest_wait, cache) {
      self$url <- sub("/+$", "", url)
      self$key <- key
      self$timeout <- timeout
      self$max_tries <- max_tries
      self$longest_wait <- longest_wait
      self$cache <- cache
    },
    # Ask, and give status, headers and content, or stop with a condition of class `exchanges_problem`.
    send = function(method, path, in_path, query, headers, body, media_types, accept) {
      for (name in names(in_path)) {
        value <- utils::URLencode(plainly(in_path[[name]]), reserved = TRUE)
        path <- sub(paste0("{", name, "}"), value, path, fixed = TRUE)
      }
      req <- request(paste0(self$url, path))
      req <- req_method(req, method)
      req <- req_url_query(req, !!!spelt(query))
      # The first of them is the one of a success; several in one header mean something else to the service.
      req <- req_headers(req, Accept = accept[1], !!!compact(headers))
      req <- req_user_agent(req, paste0("prisonerexchanges/", utils::packageVersion("prisonerexchanges"), " (R)"))
      req <- req_timeout(req, self$timeout)
      if (!is.null(self$key)) {
        req <- req_auth_bearer_token(req, self$key)
      }
      if (!is.null(body)) {
        req <- req_body_raw(req, if (R6::is.R6(body)) body$toJSONString() else body, type = media_types[1])
      }
      careful <- self$careful(req, method, headers)
      resp <- req_perform(if (method == "GET" && !is.null(self$cache)) req_cache(careful, self$cache) else careful)
      if (resp_status(resp) == 304 && resp$url != req$url) { # said of the record that this one was merged into
        resp <- req_perform(careful)
      }
      received(resp, expected = accept[1])
    },
    # What is left to httr2: asking again.
    careful = function(req, method, headers) {
      # After a 503, a POST may have been carried out nevertheless.
      is_new_each_time <- method == "POST" && is.null(headers[["Idempotency-Key"]])
      refusals <- if (is_new_each_time) 429 else c(429, 503)
      req <- req_retry(
        req,
        max_tries = self$max_tries,
        is_transient = function(resp) resp_status(resp) %in% refusals,
        after = function(resp) min(resp_retry_after(resp), self$longest_wait)
      )
      req_error(req, is_error = function(resp) FALSE)
    }
  )
)

#' Make a client
#'
#' To be handed to the classes of operations, as `ExchangesApi$new(client)`. What is refused with 429 or 503 is
#' asked again after the time in Retry-After, and an answer that has not changed is not sent again (ETag, 304).
#' A refusal is an error of class `exchanges_problem`: `status`, and as `problem` what the service says.
#'
#' @param url Where the service is, as `https://example.org`.
#' @param key A key of the form `exk_...`, needed to write.
#' @param timeout How many seconds to wait for an answer.
#' @param max_tries How often to ask at most.
#' @param longest_wait How many seconds to wait at most before asking again, whatever Retry-After says.
#' @param cache A folder that keeps answers, by default until R ends; `NULL` for none.
#' @return A client.
#' @export
exchanges_client <- function(url, key = NULL, timeout = 60, max_tries = 4, longest_wait = 60,
                             cache = tempfile("exchanges")) {
  Client$new(url, key, timeout, max_tries, longest_wait, cache)
}

# Parameters as the service spells them: each value of a vector by itself, yes and no as in JSON.
spelt <- function(query) {
  pairs <- lapply(names(query), function(name) {
    values <- query[[name]]
    values <- if (is.logical(values)) tolower(as.character(values)) else plainly(values)
    stats::setNames(as.list(values), rep(name, length(values)))
  })
  do.call(c, pairs)
}

# as.character(100000) is "1e+05".
plainly <- function(values) {
  if (is.numeric(values)) {
    format(values, scientific = FALSE, trim = TRUE, digits = 15, drop0trailing = TRUE)
  } else {
    as.character(values)
  }
}

compact <- function(values) {
  Filter(Negate(is.null), values)
}

received <- function(resp, expected) {
  status <- resp_status(resp)
  if (status == 304) { # httr2 has put in what it kept
    status <- 200
  } else if (!is.na(resp_content_type(resp))) {
    expected <- resp_content_type(resp)
  }
  is_json <- grepl("[/+]json$", expected)
  content <- if (length(resp$body) == 0) {
    NULL
  } else if (is_json) {
    jsonlite::fromJSON(resp_body_string(resp, "UTF-8"), simplifyVector = FALSE)
  } else {
    resp_body_raw(resp)
  }
  if (status >= 400) {
    stop(problem_condition(status, if (is_json) content else list()))
  }
  list(status = status, headers = resp_headers(resp), content = content)
}

problem_condition <- function(status, problem) {
  wrong <- if (length(problem$errors) > 1) { # of a single one, the detail tells everything
    vapply(problem$errors, function(each) paste0("\n", each$parameter, each$pointer, ": ", each$message), "")
  }
  what <- if (is.null(problem$detail)) "from a proxy" else paste0(problem$code, ": ", problem$detail)
  structure(
    class = c("exchanges_problem", "error", "condition"),
    list(
      message = paste0(status, " ", what, paste(wrong, collapse = "")),
      call = NULL,
      status = status,
      problem = problem
    )
  )
}
