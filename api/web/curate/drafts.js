// An exchange as it is being written: plain data in the shape in which the API takes it.
// Here it is made, compared with what was loaded, and turned into what is sent.

import { articleOf } from "./catalogue.js";

/** What a curator writes of an exchange; all else is derived by the service. */
export const FIELDS = [
  "kind", "status", "date", "date_end", "date_precision", "parties", "summary", "location", "agreement", "claims", "mediations", "citations", "overlaps",
];

/** What is written of a record, apart from what is derived. */
export function draftOf(record) {
  return structuredClone(Object.fromEntries(FIELDS.map((name) => [name, record[name]])));
}

/** A new exchange that cites an article. */
export function newDraft(citation) {
  return {
    kind: "", status: "completed", date: "", date_end: null, date_precision: "day", parties: [], summary: "", location: null, agreement: null,
    claims: [], mediations: [], citations: [citation], overlaps: [],
  };
}

/** A new claim, in the direction of the last one, or else of the parties if there are two. */
export function newClaim({ claims, parties }, citation) {
  const last = claims.at(-1);
  const [from, to] = parties.length === 2 ? parties : [];
  return {
    released_by: last?.released_by ?? from ?? null, received_by: last?.received_by ?? to ?? null, category: "total", count: "", qualifier: "exact",
    claimant: null, covers: "all", rank: "normal", note: null, citations: citation ? [citation] : [],
  };
}

/** A new mediation. */
export function newMediation(citation) {
  return { actor: null, role: "mediator", stance: "asserts", claimant: null, citations: citation ? [citation] : [] };
}

export const same = (a, b) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/** What is sent: nothing for what is empty and must not be, null for what may be, new articles as objects. */
export function bodyOf(draft) {
  const { location } = draft;
  return {
    ...said(draft, ["date_end", "agreement"]),
    location: location === null || (!location.name && location.citations.length === 0) ? null : { ...said(location), citations: cited(location) },
    claims: draft.claims.map((claim) => ({ ...said(claim, ["claimant", "note"]), citations: cited(claim) })),
    mediations: draft.mediations.map((mediation) => ({ ...said(mediation, ["claimant"]), citations: cited(mediation) })),
    citations: cited(draft),
  };
}

function said(given, mayBeNull = []) {
  const pairs = Object.entries(given).map(([name, value]) => [name, value === "" ? null : value]);
  return Object.fromEntries(pairs.filter(([name, value]) => value !== null || mayBeNull.includes(name)));
}

function cited({ citations }) {
  return citations.map((each) => {
    const article = articleOf(each);
    return article && !article.id ? article : each;
  });
}

/** What changes of a record, as a merge patch. */
export function patchOf(record, body) {
  return Object.fromEntries(Object.entries(body).filter(([name, value]) => !same(value, record[name])));
}

/** Every article that a draft cites, the record's own first. */
export function citedIn(draft) {
  const all = [draft, ...draft.claims, ...draft.mediations, draft.location].filter(Boolean);
  return [...new Set(all.flatMap(({ citations }) => citations))];
}
