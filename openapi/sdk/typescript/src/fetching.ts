/**
 * How requests travel: refused ones again when the service says, and known answers only if they changed.
 */

/** What to allow for. */
export interface Patience {
  /** How often a request that is refused with 429 or 503 is repeated at most; 3 unless given. */
  retries?: number;
  /** How many seconds to wait at most before each of them, whatever Retry-After says; 60 unless given. */
  longestWait?: number;
  /** How many answers are remembered; 256 unless given, and 0 in browsers, which have a cache of their own. */
  cacheSize?: number;
}

type Fetching = (request: Request) => Promise<Response>;

const BACKOFF = 0.5; // seconds, doubled each time, where there is no Retry-After
const ENCODED = ["content-encoding", "content-length", "transfer-encoding"];
const VARYING = ["accept", "accept-datetime", "authorization"];

/** Make a `fetch` that repeats refused requests and remembers answers. */
export function politely(fetching: Fetching, patience: Patience = {}): Fetching {
  const { retries = 3, longestWait = 60 } = patience;
  const { cacheSize = "document" in globalThis ? 0 : 256 } = patience;
  return remembering(repeating(fetching, retries, longestWait), cacheSize);
}

function repeating(fetching: Fetching, retries: number, longestWait: number): Fetching {
  return async (request) => {
    // After a 503, a POST may have been carried out nevertheless.
    const isNewEachTime = request.method === "POST" && !request.headers.has("Idempotency-Key");
    const refusals = isNewEachTime ? [429] : [429, 503];
    for (let made = 0; ; made++) {
      const answer = await fetching(request.clone());
      if (made >= retries || !refusals.includes(answer.status)) return answer;
      await answer.body?.cancel();
      const wait = secondsToWait(answer.headers.get("Retry-After")) ?? BACKOFF * 2 ** made;
      await pause(Math.min(wait, longestWait), request.signal);
    }
  };
}

function secondsToWait(told: string | null): number | undefined {
  if (told === null) return undefined;
  if (/^\d+$/.test(told)) return Number(told);
  const moment = Date.parse(told);
  return Number.isNaN(moment) ? undefined : Math.max(0, (moment - Date.now()) / 1000);
}

function pause(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, seconds * 1000);
    signal.addEventListener("abort", stop, { once: true });
  });
}

function remembering(fetching: Fetching, size: number): Fetching {
  const stored = new Map<string, { headers: Headers; text: string; etag: string }>();
  return async (request) => {
    if (size === 0 || request.method !== "GET" || request.headers.has("If-None-Match")) {
      return fetching(request);
    }
    const key = [request.url, ...VARYING.map((name) => request.headers.get(name))].join("\n");
    const known = stored.get(key);
    if (known) request.headers.set("If-None-Match", known.etag);
    const answer = await fetching(request);
    if (known && answer.status === 304 && answer.redirected) {
      request.headers.delete("If-None-Match"); // said of the record that this one was merged into
      stored.delete(key);
      return fetching(request);
    }
    if (known && answer.status === 304) {
      stored.delete(key); // and again as the newest one
      stored.set(key, known);
      const headers = new Headers(known.headers);
      for (const [name, value] of answer.headers) headers.set(name, value);
      return new Response(known.text, { status: 200, headers });
    }
    const etag = answer.headers.get("ETag");
    // Records and first pages; files are whole results, and walks are long.
    const isJson = answer.headers.get("Content-Type")?.startsWith("application/json");
    const isFurther = new URL(request.url).searchParams.has("cursor");
    if (answer.status !== 200 || etag === null || !isJson || isFurther) return answer;
    const text = await answer.text();
    const headers = new Headers(answer.headers);
    for (const name of ENCODED) headers.delete(name);
    stored.delete(key);
    stored.set(key, { headers, text, etag });
    const [oldest] = stored.keys();
    if (stored.size > size && oldest !== undefined) stored.delete(oldest);
    return new Response(text, { status: 200, headers });
  };
}
