/** What refused requests come to. */

import { checked, connect } from "prisoner-exchanges";

const [base = "", key = "", word = ""] = process.argv.slice(2);
const client = connect(base, { key });
const impatient = connect(base, { longestWait: 0.05 });
const actor = (record_id: string) => ({ params: { path: { record_id } } });
const query = { reason: "a try" };
const header = { "Idempotency-Key": word };
const body = { id: word, name: `The ${word}`, is_agency: false, aliases: [] };
const told = [
  checked(await client.GET("/v1/actors/{record_id}", actor("uae"))).id,
  (await impatient.GET("/v1/actors/{record_id}", actor("russia"))).response.status,
  (await client.POST("/v1/publishers", { params: { query }, body })).response.status,
  (await client.POST("/v1/publishers", { params: { query, header }, body })).response.status,
];
console.log(JSON.stringify(told));
