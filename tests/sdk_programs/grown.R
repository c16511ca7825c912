# A record from another time: words and a field that the package does not know.

library(prisonerexchanges)

exchanges <- ExchangesApi$new(exchanges_client(commandArgs(trailingOnly = TRUE)[1]))
read <- exchanges$GetExchange("2024-12-30-russia-ukraine")
claim <- read$claims[[1]]
told <- list(read$kind, claim$qualifier, claim$rank, claim$weather, claim$count)
cat(jsonlite::toJSON(told, auto_unbox = TRUE))
