# A record that is read, merged into another of the same revision number, and read again.

library(prisonerexchanges)

given <- commandArgs(trailingOnly = TRUE)
client <- exchanges_client(given[1], key = given[2])
publishers <- PublishersApi$new(client)
old <- given[3]
first <- publishers$GetPublisher(old, .answer = TRUE)
etag <- first$headers$ETag
merged <- WritingApi$new(client)$MergePublisher(
  old,
  into = given[4], reason = "a try", if_match = etag, .answer = TRUE
)
told <- list(
  first$content$id, etag, merged$headers$ETag,
  publishers$GetPublisher(old)$id, publishers$GetPublisher(old)$id
)
cat(jsonlite::toJSON(told, auto_unbox = TRUE))
