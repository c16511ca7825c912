// All that a proposal says or changes, whole: what a curator accepts becomes public, so nothing of it is cut,
// left out or told by an id alone. What no rule here knows is shown as it is.

import { get } from "../explorer/api.js";
import { el } from "../explorer/dom.js";
import { capital } from "../explorer/words.js";
import { articleOf, articleText, learnArticles } from "./catalogue.js";
import { FIELDS, same } from "./drafts.js";
import { claimText, labelOf, mediationText, scalarText } from "./telling.js";

const TOLD = { // what the sentence of a part tells; all else of it is shown below the sentence
  claims: [claimText, ["released_by", "received_by", "category", "count", "qualifier", "claimant", "covers", "rank"]],
  mediations: [mediationText, ["actor", "role", "stance", "claimant"]],
};
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isEmpty = (value) => value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
const PLURALS = { claims: "Claims", mediations: "Mediations" };
const named = (name) => PLURALS[name] ?? capital(labelOf({ field: name }).replaceAll("_", " "));

/** Get what articles say that these documents cite, as far as they can be had. */
export async function learnCited(...documents) {
  const ids = new Set(documents.flatMap(citedIn).filter((each) => typeof each === "string" && articleOf(each) === null));
  const found = await Promise.all([...ids].map((id) => get(`/v1/articles/${encodeURIComponent(id)}`).catch((error) => {
    if (!error.told) throw error;
    return null; // it is told by its id then
  })));
  learnArticles(found.filter(Boolean));
}

function citedIn(value) {
  if (Array.isArray(value)) return value.flatMap(citedIn);
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, each]) => (name === "citations" ? each : citedIn(each)));
}

/** These fields of a record, each with all that it says. */
export function saidNodes(record, fields) {
  const place = (name) => (FIELDS.includes(name) ? FIELDS.indexOf(name) : FIELDS.length);
  const ordered = fields.filter((name) => !isEmpty(record[name])).sort((a, b) => place(a) - place(b));
  return ordered.map((name) => el("li", {}, el("b", {}, named(name)), valueNode(name, record[name])));
}

/** What differs in these fields, each place with what it said before and what it says after. */
export function changedNodes(before, after, fields) {
  return fields.flatMap((name) => differences(named(name), name, before[name], after[name])).map((each) => el("li", {},
    el("b", {}, each.label),
    each.before === undefined ? side("New", each.name, each.after)
      : each.after === undefined ? side("Taken out", each.name, each.before)
        : el("div", { class: "two" }, side("Before", each.name, each.before), side("After", each.name, each.after))));
}

const side = (title, name, value) => el("div", {}, el("p", { class: "side" }, title), valueNode(name, value));

function differences(label, name, before, after) {
  if (same(before, after)) return [];
  if (isObject(before) && isObject(after)) {
    return Object.keys({ ...before, ...after }).flatMap((key) => differences(`${label}, ${named(key).toLowerCase()}`, key, before[key], after[key]));
  }
  if (!Array.isArray(before) || !Array.isArray(after)) return [{ label, name, before, after }];
  if (name === "citations") return setDifferences(label, name, before, after);
  if (![...before, ...after].some(isObject)) return [{ label, name, before, after }];
  return partDifferences(label, name, before, after);
}

function setDifferences(label, name, before, after) {
  const without = (all, others) => all.filter((each) => !others.some((other) => same(each, other)));
  const [gone, added] = [without(before, after), without(after, before)];
  if (gone.length + added.length === 0) return [{ label: `${label}, in another order`, name, before, after }];
  return [
    ...(gone.length ? [{ label, name, before: gone }] : []),
    ...(added.length ? [{ label, name, after: added }] : []),
  ];
}

/** Parts are matched by their ids, so that one more at the top does not make all others look changed. */
function partDifferences(label, name, before, after) {
  const twin = (part, all) => all.find((each) => (part.id ? each.id === part.id : same(each, part)));
  const labelled = ({ id }) => labelOf({ field: name, id });
  const found = [
    ...after.flatMap((part) => {
      const old = twin(part, before);
      return old ? differences(labelled(part), name, old, part) : [{ label: labelled(part), name, after: [part] }];
    }),
    ...before.filter((part) => !twin(part, after)).map((part) => ({ label: labelled(part), name, before: [part] })),
  ];
  return found.length ? found : [{ label: `${label}, in another order`, name, before, after }];
}

function valueNode(name, value) {
  if (name === "claimant" && value === null) return el("p", {}, "the article’s own voice");
  if (isEmpty(value)) return el("p", { class: "faint" }, "nothing");
  if (name === "citations") return el("ul", { class: "cited" }, value.map((each) => el("li", {}, isObject(each) ? ["A new article:", entries(each)] : articleNodes(each))));
  if (Array.isArray(value) && value.some(isObject)) return el("ol", { class: "parts" }, value.map((each) => el("li", {}, partNodes(name, each))));
  if (isObject(value)) return entries(value);
  if (typeof value === "string" && /^https?:\/\//.test(value)) return el("p", {}, el("a", { href: value, rel: "noreferrer" }, value));
  return el("p", { class: "text" }, scalarText(name, value));
}

function partNodes(name, part) {
  const [tell, told] = TOLD[name] ?? [null, []];
  return [tell ? el("p", {}, `${tell(part)}.`) : null, entries(part, told)];
}

function entries(given, told = []) {
  const left = Object.entries(given).filter(([name, value]) => !told.includes(name) && !isEmpty(value));
  return left.length === 0 ? null : el("ul", { class: "entries" }, left.map(([name, value]) => el("li", {}, el("b", {}, named(name)), valueNode(name, value))));
}

function articleNodes(id) {
  const article = articleOf(id);
  if (article === null) return el("code", {}, id);
  return [articleText(id), article.title ? `, “${article.title}”` : null, " ", el("a", { href: article.url, rel: "noreferrer" }, article.url)];
}
