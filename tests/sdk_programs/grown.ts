/** A record from another time: words and a field that the package does not know. */

import { checked, connect } from "prisoner-exchanges";

const client = connect(process.argv[2] ?? "");
const path = { record_id: "2024-12-30-russia-ukraine" };
const read = checked(await client.GET("/v1/exchanges/{record_id}", { params: { path } }));
const claim = read.claims[0] as (typeof read.claims)[number] & { weather: string };
console.log(JSON.stringify([read.kind, claim.qualifier, claim.rank, claim.weather, claim.count]));
