// What a save is as a request: a write by a curator, a proposal by a contributor; and what a refusal says of fields.

import { get } from "../explorer/api.js";
import { bodyOf, patchOf } from "./drafts.js";
import { mayWrite, send, sendOnce } from "./session.js";

export const pathOfExchange = (id) => `/v1/exchanges/${encodeURIComponent(id)}`;

/** Try a piece of work out: what would change, or a refusal. */
export function tryOut(work, signal) {
  const { method, path, ...options } = requestOf(work, { dry_run: "true" }, "not said yet");
  return send(method, path, { ...options, signal }).then(({ body }) => body);
}

/** Save it, so that sending it again does not save it twice. */
export function save(work) {
  const { method, path, ...options } = requestOf(work, {}, "");
  return sendOnce(method, path, options);
}

function requestOf({ draft, record, etag, reason, source, allowDuplicate }, query, unsaid) {
  const body = bodyOf(draft);
  const creating = record === null;
  if (creating && allowDuplicate) query = { ...query, allow_duplicate: "true" };
  if (mayWrite()) {
    if (reason) query = { ...query, reason };
    return creating ? { method: "POST", path: "/v1/exchanges", body, query } : { method: "PUT", path: pathOfExchange(record.id), body, query, etag };
  }
  const named = creating
    ? { action: "create", content: body }
    : { action: "update", record_id: record.id, base_revision: record.revision, content: patchOf(record, body) };
  return { method: "POST", path: "/v1/proposals", query, body: { ...named, resource: "exchange", source_url: source || (unsaid && record?.source_url) || "", comment: reason || unsaid } };
}

/** Whether a refusal may mean that the record was written since it was loaded; if so, how it stands now. */
export async function standsNow(error, { record }) {
  if (record === null || !["precondition_failed", "conflict"].includes(error.told?.code)) return null;
  const { body, etag } = await send("GET", pathOfExchange(record.id));
  return body.id !== record.id || body.revision === record.revision ? null : { record: body, etag };
}

/** Why a record was last written, and by whom. */
export async function lastWrite(id) {
  const revisions = (await get(`${pathOfExchange(id)}/revisions?limit=1000`)).data;
  return revisions.reduce((last, each) => (each.number > last.number ? each : last));
}

const ELSEWHERE = { "/comment": "/reason", "/source_url": "/source" };
const ID_IS_MADE = "the id of a new record is made of its date and its parties; give both";

/** What is wrong, by fields of the form. */
export function faultsOf({ told, message }) {
  const { errors, conflicts = [] } = told;
  const faults = errors.map(({ parameter, pointer, code, message: text }) => {
    if (parameter) return { pointer: `/${parameter}`, message: text };
    const place = (pointer ?? "").replace(/^\/content(?=\/|$)/, "");
    if (place === "/id" && code === "missing") return { pointer: "/date", message: ID_IS_MADE };
    return { pointer: ELSEWHERE[place] ?? place, message: text };
  });
  const others = conflicts.map(({ resource, id, message: text }) => ({
    message: `${id}: ${text}`, href: resource === "exchange" ? `/?record=${encodeURIComponent(id)}` : undefined,
  }));
  return faults.length || others.length ? [...(faults.length ? [] : [{ message }]), ...faults, ...others] : [{ message }];
}

/** Whether it is refused for being very probably there already. */
export const isDuplicate = ({ told }) => told.code === "conflict" && /allow_duplicate/.test(told.detail ?? "");
