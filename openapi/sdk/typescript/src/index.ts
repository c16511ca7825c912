/**
 * Client of the prisoner exchange dataset. The types are generated from the contract of the service; this
 * file adds what makes them pleasant: pages that follow each other, whole results, and errors that say why.
 */

import createClient, { type Client } from "openapi-fetch";

import { type Patience, politely } from "./fetching.js";
import type { DryRun, paths, Problem } from "./schema.js";

export type { Patience } from "./fetching.js";
export type * from "./schema.js";

/** A client of the service: `client.GET("/v1/exchanges", { params: { query: { mediator: ["UAE"] } } })`. */
export type ExchangesClient = Client<paths>;

/** How to reach the service. */
export interface Connection extends Patience {
  /** A key of the form `exk_…`, needed to write. */
  key?: string;
  /** What to use in place of the global `fetch`. */
  fetch?: (request: Request) => Promise<Response>;
}

type Page<T> = { data: T[]; meta: { next_cursor: string | null } };
type ListAt<P extends keyof paths> = paths[P] extends {
  get: { responses: { 200: { content: { "application/json": infer A extends Page<unknown> } } } };
}
  ? A
  : never;
type Asked<P extends keyof paths> = paths[P] extends { get: { parameters: infer A } } ? A : never;
type Query<P extends keyof paths> = Asked<P> extends { query?: infer Q } ? NonNullable<Q> : never;

/** The path of a list that comes in pages. */
export type ListPath = { [P in keyof paths]: ListAt<P> extends never ? never : P }[keyof paths];

/** The record that a list holds. */
export type RecordAt<P extends ListPath> = ListAt<P>["data"][number];

/** What a list may be asked for: `query`, and `path` where its path has parameters. */
export type ListParameters<P extends ListPath> = Pick<Asked<P>, keyof Asked<P> & ("query" | "path")>;

/** The name of a list that is a file, too: `exchanges`, `claims`, … */
export type ExportName = {
  [P in keyof paths]: P extends `/v1/${infer N}.{format}` ? (`/v1/${N}` extends ListPath ? N : never) : never;
}[keyof paths];

/** An answer that is not a success, with what the service says about it. */
export class ProblemError extends Error {
  override name = "ProblemError";

  constructor(
    /** The problem: `code`, `status`, `detail`, `errors`, `current_etag`, `conflicts`. */
    readonly problem: Problem,
    /** The answer as it came. */
    readonly response: Response,
  ) {
    const wrong = problem.errors ?? []; // of a single one, the detail tells everything
    const told = wrong.length < 2 ? [] : wrong.map((each) => `${each.parameter ?? each.pointer}: ${each.message}`);
    const what = problem.detail ? `${problem.code}: ${problem.detail}` : response.statusText; // a proxy's answer
    super([`${response.status} ${what}`, ...told].join("\n"));
  }
}

/** Make a client. It repeats what is refused with 429 or 503 after Retry-After, and honours ETags. */
export function connect(baseUrl: string, connection: Connection = {}): ExchangesClient {
  const { key, fetch = (request) => globalThis.fetch(request), ...patience } = connection;
  return createClient<paths>({
    baseUrl,
    fetch: politely(fetch, patience),
    ...(key === undefined ? {} : { headers: { Authorization: `Bearer ${key}` } }),
  });
}

/** Give the data of an answer, or throw a {@link ProblemError}. */
export function checked<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  if (!answer.response.ok) throw new ProblemError((answer.error ?? {}) as Problem, answer.response);
  return answer.data as T;
}

/** Give the record as a write has stored it, or throw: a {@link ProblemError}, or an error after a dry run. */
export function written<T>(answer: { data?: T; error?: unknown; response: Response }): Exclude<T, DryRun> {
  const stored = checked(answer);
  if (typeof stored === "object" && stored !== null && "changes" in stored && !("id" in stored)) {
    throw new Error("Nothing was stored: this was a dry run.");
  }
  return stored as Exclude<T, DryRun>;
}

/** Give every page of a list; all of them are of one state of the dataset. */
export async function* pages<P extends ListPath>(
  client: ExchangesClient,
  path: P,
  parameters: ListParameters<P>,
): AsyncGenerator<ListAt<P>, void, undefined> {
  const get = client.GET as (
    path: string,
    options: object,
  ) => Promise<{ data?: ListAt<P>; error?: unknown; response: Response }>;
  let params: { query?: object; path?: object } = parameters;
  for (;;) {
    const page = checked(await get(path, { params }));
    yield page;
    const cursor = page.meta.next_cursor;
    if (cursor === null) return;
    params = { ...params, query: { ...params.query, cursor } };
  }
}

/** Give every record of a list: `for await (const exchange of walk(client, "/v1/exchanges", {}))`. */
export async function* walk<P extends ListPath>(
  client: ExchangesClient,
  path: P,
  parameters: ListParameters<P>,
): AsyncGenerator<RecordAt<P>, void, undefined> {
  for await (const page of pages(client, path, parameters)) yield* page.data as RecordAt<P>[];
}

/** Read a whole result from its NDJSON export: `await readAll(client, "claims", { claimant: ["ukraine"] })`. */
export async function readAll<N extends ExportName>(
  client: ExchangesClient,
  name: N,
  query: Query<`/v1/${N}.{format}` & keyof paths>,
): Promise<RecordAt<`/v1/${N}` & ListPath>[]> {
  const get = client.GET as (
    path: string,
    options: object,
  ) => Promise<{ data?: string; error?: unknown; response: Response }>;
  const params = { path: { format: "ndjson" }, query };
  const text = checked(await get(`/v1/${name}.{format}`, { params, parseAs: "text" }));
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as RecordAt<`/v1/${N}` & ListPath>);
}
