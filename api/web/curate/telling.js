// Values of a record in words, for the eyes of whoever compares them.

import { CATEGORIES, KINDS, QUALIFIERS, ROLES, STATUSES, capital, counted, dayText, listed, nameOf, number, theName, wordOf } from "../explorer/words.js";
import { agreementText, articleText, publisherText } from "./catalogue.js";

const LABELS = {
  kind: "Kind", status: "Status", date: "Date", date_end: "Last day", date_precision: "Date known to the", parties: "Parties", summary: "Summary", location: "Place",
  agreement: "Agreement", citations: "Articles", overlaps: "Counted elsewhere", claims: "Claim", mediations: "Mediation", released_by: "released by",
  received_by: "received by", category: "category", count: "count", qualifier: "qualifier", claimant: "said by", covers: "covers", rank: "rank", note: "note",
  terms: "Term", url: "Address", archive_url: "Lasting copy", actor: "broker", role: "role", stance: "stance",
};
const NOTHING = "nothing";

/** The name of a field, or of a part of the record and a field of it. */
export function labelOf({ field, id, name }) {
  if (!id) return LABELS[field] ?? field;
  const part = `${LABELS[field] ?? capital(field)} ${id.slice(id.lastIndexOf(":") + 2)}`;
  return name ? `${part}, ${LABELS[name] === "Articles" ? "articles" : LABELS[name] ?? name}` : part;
}

/** The name of what a JSON Pointer points at. */
export function placeText(pointer) {
  const [, field, place, name] = pointer.split("/");
  const part = /^\d+$/.test(place) && ["claims", "mediations"].includes(field) ? ` ${Number(place) + 1}` : "";
  return [`${LABELS[field] ?? field}${part}`, part && name ? (LABELS[name] ?? name).toLowerCase() : null].filter(Boolean).join(", ");
}

/** A value of such a field. */
export function valueText({ field, id, name }, value) {
  if (value === undefined) return "not there";
  if (id && !name) return field === "claims" ? claimText(value) : mediationText(value);
  const what = name ?? field;
  if (what === "claimant" && value === null) return "the article’s own voice";
  if (value === null || value === "" || (Array.isArray(value) && value.length === 0)) return NOTHING;
  return (TEXTS[what] ?? String)(value);
}

const SCALARS = [
  "kind", "status", "date_precision", "agreement", "released_by", "received_by", "claimant", "actor", "role", "category", "qualifier", "covers", "rank", "stance", "publisher", "agency",
];
const word = (value) => capital(wordOf({}, value));
const TEXTS = {
  kind: (value) => capital(wordOf(KINDS, value)), status: (value) => capital(wordOf(STATUSES, value)), date: dayText, date_end: dayText, date_precision: word,
  parties: (ids) => listed(ids.map(nameOf)), location: (value) => value.name || NOTHING, agreement: agreementText, overlaps: (all) => all.map(({ exchange, count }) => `${number(count)} in ${exchange}`).join("; "),
  citations: (all) => all.map((each) => each.url ?? articleText(each)).join("; "), released_by: nameOf, received_by: nameOf, claimant: nameOf, actor: nameOf, role: (value) => capital(wordOf(ROLES, value)),
  category: word, qualifier: word, covers: word, rank: word, stance: word, publisher: publisherText, agency: publisherText, count: (value) => (typeof value === "number" ? number(value) : String(value)),
};

/** A word, a number, a day, a text or a list of such, whole. */
export function scalarText(name, value) {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return name === "year" ? String(value) : number(value);
  if (Array.isArray(value)) return listed(value.map(["parties", "members"].includes(name) ? nameOf : String));
  if (/^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(Date.parse(value))) return dayText(value);
  return SCALARS.includes(name) ? TEXTS[name](value) : value;
}

/** A claim in a sentence. */
export function claimText({ released_by: from, received_by: to, category, count, qualifier, claimant, covers, rank }) {
  const marks = [covers === "all" ? null : covers, rank === "normal" ? null : rank].filter(Boolean);
  const who = claimant ? theName(claimant) : "the articles";
  const people = typeof count === "number" ? counted(count, CATEGORIES[category] ?? [category, category]) : `${count ?? "?"} ${category}`;
  return `${capital(theName(from ?? "?"))} to ${theName(to ?? "?")}: ${QUALIFIERS[qualifier] ?? ""}${people}, according to ${who}${marks.length ? ` (${marks.join(", ")})` : ""}`;
}

/** A mediation in a sentence. */
export function mediationText({ actor, role, stance, claimant }) {
  const who = claimant ? theName(claimant) : "the articles";
  return `${capital(theName(actor ?? "?"))} as ${wordOf(ROLES, role)}, ${stance === "denies" ? "denied" : "asserted"} by ${who}`;
}
