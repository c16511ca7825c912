// The key, which is held in a variable of this module and nowhere else, and the requests that carry it.
// What everybody may read is asked without it.

import { Problem, answerOf, pathOf } from "../explorer/api.js";
import { say } from "../explorer/dom.js";

const WRITERS = ["curator", "admin"];

let key = null;
let holder = null;
let sent = null; // the last write, and the name under which it can be sent again without being run twice
const listeners = [];

/** Who the key belongs to, as the service tells it; null without one. */
export const me = () => holder;

/** Whether what is saved is written at once; a contributor's becomes a proposal. */
export const mayWrite = () => WRITERS.includes(holder?.role);

/** Have something run whenever somebody signs in or the key is forgotten; it is told why, if there is a reason. */
export const onSession = (listener) => listeners.push(listener);
const tell = (why = "") => listeners.forEach((listener) => listener(why));

/** Take a key if the service knows it. */
export async function signIn(text) {
  const unfit = !/^[\x21-\x7e]+$/.test(text);
  if (unfit) throw new Problem({ code: "unauthenticated", title: "Key needed", detail: "A key is one word, such as the service printed it when the key was made." });
  const known = (await request(text, "GET", "/v1/me", {})).body;
  key = text;
  holder = known;
  tell();
}

/** Let go of the key. */
export function forget(why = "") {
  key = null;
  holder = null;
  sent = null;
  tell(why);
}

/** Ask with the key; a key that does not hold any more is forgotten. */
export async function send(method, path, options = {}) {
  if (key === null) throw new Problem({ code: "unauthenticated", title: "Key needed", detail: "The key was forgotten. Go in again, and it goes on." });
  const asked = key; // the answer may come when somebody has gone in with another
  try {
    return await request(asked, method, path, options);
  } catch (error) {
    if (error.told?.code === "unauthenticated" && key === asked) forget(`${error.message} What you wrote is still here.`);
    throw error;
  }
}

/** Wait for what is asked on the side: a failure is said, and gives null. */
export async function orSay(answer) {
  try {
    return await answer;
  } catch (error) {
    if (!error.told) throw error;
    say(error.message);
    return null;
  }
}

/** Send a write that must not be run twice if its answer is lost and it is sent again. */
export async function sendOnce(method, path, options) {
  const text = JSON.stringify([method, path, options.query ?? {}, options.etag ?? "", options.body ?? null]);
  if (sent?.text !== text) sent = { text, name: randomName() };
  try {
    const answer = await send(method, path, { ...options, name: sent.name });
    sent = null;
    return answer;
  } catch (error) { // a refusal is kept under the name too; what got no answer, or still runs, needs it again
    if (error.told?.errors.length || error.told?.conflicts?.length) sent = null;
    throw error;
  }
}

async function request(asked, method, path, { body, etag, query = {}, name, signal }) {
  const headers = { Accept: "application/json", Authorization: `Bearer ${asked}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (etag) headers["If-Match"] = etag;
  if (name) headers["Idempotency-Key"] = name;
  const { headers: told, text } = await answerOf(pathOf(path, new URLSearchParams(query)), {
    method, headers, signal, cache: "no-store", body: body === undefined ? undefined : JSON.stringify(body),
  });
  return { body: text ? JSON.parse(text) : null, etag: told.get("ETag") };
}

function randomName() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
