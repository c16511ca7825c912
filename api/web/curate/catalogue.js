// What forms choose from: actors, publishers, articles, agreements, exchanges and the words of the codebook.
// Names are matched by the service, which folds every script; besides, by what they begin with while one types.

import { get, getAll, pathOf } from "../explorer/api.js";
import { dateText, learn, nameOf, shortDayText, wordOf } from "../explorer/words.js";

const MOST = 12;
const actors = new Map();
const publishers = new Map();
const agreements = new Map();
const articles = new Map(); // those that were seen, by id; new ones by their URL
const vocabularies = new Map();
let loading = null;

/** Load what is small enough to be kept: asked for once, however often the page is signed in to. */
export function loadCatalogue() {
  loading ??= load().catch((error) => { loading = null; throw error; });
  return loading;
}

async function load() {
  const [everyActor, everyPublisher, everyAgreement, book] = await Promise.all([
    getAll("/v1/actors?limit=1000"), getAll("/v1/publishers?limit=1000"), getAll("/v1/agreements?limit=1000"), get("/v1/codebook"),
  ]);
  learn(everyActor);
  for (const each of everyActor) actors.set(each.id, each);
  for (const each of everyPublisher) publishers.set(each.id, each);
  for (const each of everyAgreement) agreements.set(each.id, each);
  for (const { name, words } of book.vocabularies) vocabularies.set(name, words);
}

/** The words of a vocabulary, each with its meaning. */
export const wordsOf = (name) => vocabularies.get(name);

/** Learn what articles there are. */
export function learnArticles(found) {
  for (const each of found) articles.set(each.id ?? each.url, each);
}

/** Learn of a publisher that was just made. */
export const learnPublisher = (publisher) => publishers.set(publisher.id, publisher);

export const articleOf = (id) => articles.get(id) ?? null;
export const publisherText = (id) => publishers.get(id)?.name ?? id;
export const agreementText = (id) => agreements.get(id)?.title ?? id;

/** An article as one line: who published it, when, and its title or where it is. */
export function articleText(id) {
  const article = articles.get(id);
  if (!article) return id;
  const day = article.published_on ? `, ${shortDayText(article.published_on)}` : "";
  return `${publisherText(article.publisher)}${day}`;
}

/** What tells an article from others of the same publisher and day. */
function articleDetail(id) {
  const article = articles.get(id);
  if (!article) return "";
  return article.title ?? article.url.replace(/^https?:\/\/(www\.)?/, "");
}

export const actorOptions = { textOf: nameOf, search: named(actors, "/v1/actors", (each) => [each.id, each.name, ...each.aliases], (each) => ({ value: each.id, text: nameOf(each.id), detail: wordOf({}, each.kind) }), true) };
export const publisherOptions = { textOf: publisherText, search: named(publishers, "/v1/publishers", (each) => [each.id, each.name, ...each.aliases], publisherChoice) };
export const agencyOptions = { textOf: publisherText, search: named(publishers, "/v1/publishers?is_agency=true", (each) => (each.is_agency ? [each.id, each.name, ...each.aliases] : []), publisherChoice, true) };
export const agreementOptions = { textOf: agreementText, search: named(agreements, "/v1/agreements", (each) => [each.id, each.title], (each) => ({ value: each.id, text: each.title, detail: shortDayText(each.date) }), true) };

function publisherChoice(each) {
  return { value: each.id, text: each.name, detail: each.is_agency ? "agency" : "" };
}

/** A search among records that are all loaded: what the service finds by whole words, then what begins alike. */
function named(all, path, namesOf, choice, showsAll = false) {
  return async (text, signal) => {
    const begun = text.trim().toLowerCase();
    if (!begun) return showsAll ? [...all.values()].filter((each) => namesOf(each).length).map(choice).sort((a, b) => a.text.localeCompare(b.text)) : [];
    const like = (name) => (` ${name.toLowerCase()}`).includes(` ${begun}`);
    const alike = [...all.values()].filter((each) => namesOf(each).some(like));
    const whole = await searched(path, { q: text, limit: MOST }, signal);
    const exact = alike.filter((each) => namesOf(each).some((name) => name.toLowerCase() === begun));
    const ids = new Set([...exact, ...whole, ...alike].map(({ id }) => id));
    return [...ids].filter((id) => all.has(id)).slice(0, MOST).map((id) => choice(all.get(id)));
  };
}

async function searched(path, query, signal) {
  const text = new URLSearchParams(query).toString();
  return (await get(`${path}${path.includes("?") ? "&" : "?"}${text}`, signal)).data;
}

/** Articles by words of their titles or publishers, by id or by URL; first of all those at hand. */
export function articleOptions(atHand) {
  const choice = (id) => ({ value: id, text: articleText(id), detail: articleDetail(id) });
  return {
    textOf: articleText,
    detailOf: articleDetail,
    async search(text, signal) {
      const near = atHand();
      if (!text.trim()) return near.map(choice);
      const found = text.includes("://") ? (await articlesAt(text.trim(), signal)).found : await searched("/v1/articles", { q: text, limit: MOST }, signal);
      learnArticles(found);
      const like = near.filter((id) => `${id} ${articleText(id)} ${articleDetail(id)}`.toLowerCase().includes(text.trim().toLowerCase()));
      return [...new Set([...like, ...found.map(({ id }) => id)])].map(choice);
    },
  };
}

/** The article under a URL, as a list of one or of none, and the form of the URL that the service compares. */
export async function articlesAt(url, signal) {
  const { data, meta } = await get(pathOf("/v1/articles", new URLSearchParams({ url })), signal);
  return { found: data, compared: meta.query.url[0] };
}

/** Exchanges by the words of their records or by id. */
export const exchangeOptions = {
  textOf: (id) => id,
  async search(text, signal) {
    if (!text.trim()) return [];
    const found = await searched("/v1/exchanges", { q: text, limit: MOST }, signal);
    const id = /^[a-z0-9-]+$/.test(text.trim()) ? await get(`/v1/exchanges/${text.trim()}`, signal).then((each) => [each], () => []) : [];
    return [...id, ...found].map((each) => ({ value: each.id, text: exchangeText(each), detail: each.summary }));
  },
};

/** An exchange as one line: its date and its parties. */
export function exchangeText(exchange) {
  return `${dateText(exchange)}: ${exchange.parties.map(nameOf).join(", ")}`;
}

/** The exchanges of the days before an article and of the day after, the newest first. */
export async function exchangesAround(day) {
  const from = new Date(Date.parse(day) - 4 * 86_400_000).toISOString().slice(0, 10);
  const to = new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);
  return (await get(pathOf("/v1/exchanges", new URLSearchParams({ date_from: from, date_to: to, limit: 20 })))).data;
}
