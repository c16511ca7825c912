/** What the package is for, in one program: `node example.js URL KEY`. It writes, so give it a service to try on. */

import { checked, connect, type CoveragePatch, ProblemError, readAll, walk, written } from "prisoner-exchanges";

const NEW_YEAR = "2024-12-30-russia-ukraine";

/** Ask for a list, walk over all pages of another, fetch a record, and read a whole result. */
async function read(baseUrl: string) {
  const client = connect(baseUrl);
  const brokered = checked(
    await client.GET("/v1/exchanges", { params: { query: { mediator: ["UAE"] } } }),
  );
  const walked = new Set<string>();
  for await (const exchange of walk(client, "/v1/exchanges", { query: { limit: 100 } })) {
    walked.add(exchange.id);
  }
  const fetch = async () =>
    checked(await client.GET("/v1/exchanges/{record_id}", { params: { path: { record_id: NEW_YEAR } } }));
  const fetched = await fetch();
  const again = await fetch(); // not sent again: it has not changed
  const rows = await readAll(client, "exchanges", { mediator: ["UAE"] });
  return {
    mediated: brokered.meta.total,
    walked: walked.size,
    fetched: [fetched.id, fetched.date, fetched.persons.best],
    unchanged: JSON.stringify(fetched) === JSON.stringify(again),
    frame: [rows.length, rows.reduce((sum, row) => sum + (row.persons.best ?? 0), 0)],
  };
}

/** Store a note, change it, and be refused where it was read before the change. */
async function write(baseUrl: string, key: string) {
  const client = connect(baseUrl, { key });
  const query = { reason: "trying the package" };
  const answer = await client.POST("/v1/coverage", {
    params: { query, header: { "Idempotency-Key": crypto.randomUUID() } },
    body: {
      date_from: "2023-03-01",
      date_to: "2023-03-31",
      scope: "prisoner_exchange",
      status: "not_searched",
      statement: "Written by an example.",
      languages_searched: [],
    },
  });
  const made = written(answer);
  const path = { record_id: made.id };
  const asRead = answer.response.headers.get("ETag") ?? "";

  const change = async (status: NonNullable<CoveragePatch["status"]>) => {
    const params = { path, query, header: { "If-Match": asRead } };
    return written(await client.PATCH("/v1/coverage/{record_id}", { params, body: { status } }));
  };

  const changed = await change("none_known");
  let refusal: ProblemError | undefined;
  try {
    await change("reconciled");
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    refusal = error;
  }
  const removed = await client.DELETE("/v1/coverage/{record_id}", {
    params: { path, query, header: { "If-Match": refusal?.problem.current_etag ?? "" } },
  });
  return {
    created: answer.response.status,
    revision: changed.revision,
    stale: refusal?.problem.status,
    removed: removed.response.status,
  };
}

const [baseUrl = "", key = ""] = process.argv.slice(2);
console.log(JSON.stringify({ ...(await read(baseUrl)), ...(await write(baseUrl, key)) }));
