# Numbers that R writes with an exponent by itself, in a path and in a query.

library(prisonerexchanges)

client <- exchanges_client(commandArgs(trailingOnly = TRUE)[1])
refusal <- function(answer) tryCatch(answer, exchanges_problem = function(refusal) refusal$status)
told <- list(
  refusal(HistoryApi$new(client)$GetActorRevision("uae", 100000)),
  refusal(ActorsApi$new(client)$GetActor("uae", as_of = 1e15)),
  ExchangesApi$new(client)$ListExchanges(limit = 100L)$meta$limit
)
cat(jsonlite::toJSON(told, auto_unbox = TRUE))
