/** A record that is read, merged into another of the same revision number, and read again. */

import { checked, connect } from "prisoner-exchanges";

const [base = "", key = "", old = "", staying = ""] = process.argv.slice(2);
const client = connect(base, { key });
const path = { record_id: old };
const read = () => client.GET("/v1/publishers/{record_id}", { params: { path } });
const first = await read();
const etag = first.response.headers.get("ETag") ?? "";
const query = { into: staying, reason: "a try" };
const merged = await client.POST("/v1/publishers/{record_id}/merge", {
  params: { path, query, header: { "If-Match": etag } },
});
const told = [checked(first).id, etag, merged.response.headers.get("ETag")];
console.log(JSON.stringify([...told, checked(await read()).id, checked(await read()).id]));
