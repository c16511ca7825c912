// From the address of an article to the record that it supports: look it up, describe it if it is new, then
// choose the exchange that it is about or begin another one.

import { get } from "../explorer/api.js";
import { $, el, fill } from "../explorer/dom.js";
import { counted, shortDayText } from "../explorer/words.js";
import { articleForm } from "./article.js";
import { mayDiscard } from "./asking.js";
import { articleOf, articleText, articlesAt, exchangeOptions, exchangeText, exchangesAround, learnArticles } from "./catalogue.js";
import { combobox } from "./combobox.js";
import { draftOf, newDraft } from "./drafts.js";
import { openEditor } from "./editor.js";
import { faultSummary, field, showFaults, textField } from "./fields.js";
import { orSay, send } from "./session.js";
import { faultsOf, pathOfExchange } from "./writing.js";

const section = $("#write");
const found = el("div", { class: "found" });
const editing = el("div", { class: "editing", hidden: true });
let writing = null; // what may be lost: an open editor, or the form of a new article
let url = "";
let looking = 0; // the newest search: an answer to an older one comes too late

/** Whether something is written here that nothing has stored. */
export const isUnsaved = () => writing?.isDirty() ?? false;

/** Show the form anew, for somebody who may do something else with it. */
export const redraw = () => writing?.redraw?.();

/** Show where an article's address goes in. */
export function prepareWorkspace() {
  const messages = el("div");
  const form = el("form", { class: "find", novalidate: true, autocomplete: "off", onsubmit: (event) => { event.preventDefault(); lookUp(form, messages); } },
    el("h2", {}, "Which article?"),
    messages,
    textField({ pointer: "/address", label: "Address of the article", hint: "Paste it as it is: the scheme, “www.”, a closing slash and the parameters utm_…, fbclid and gclid make no difference.", value: "", onValue: (text) => { url = text.trim(); } }, { inputmode: "url", spellcheck: "false", placeholder: "https://" }),
    el("button", { type: "submit" }, "Look it up"));
  fill(section, el("div", { class: "finding" }, form, found), editing);
}

/** Open the exchange that an address of this page names. */
export async function openNamed(id) {
  await open(id, null);
}

async function lookUp(form, messages) {
  if (!(await mayDiscard())) return;
  writing = null;
  const mine = looking += 1;
  fill(messages);
  showFaults(form, []);
  fill(found, el("p", { class: "skeleton" }, "Looking it up"));
  try {
    const { found: [article], compared } = await articlesAt(url);
    const exchanges = article ? (await get(`/v1/articles/${encodeURIComponent(article.id)}/exchanges?limit=200`)).data : [];
    if (mine !== looking) return;
    if (article) showKnown(article, exchanges);
    else showUnknown(compared);
  } catch (error) {
    if (!error.told) throw error;
    if (mine !== looking) return;
    fill(found);
    const summary = faultSummary("This address cannot be looked up", showFaults(form, faultsOf(error).map((fault) => (fault.pointer === "/url" ? { ...fault, pointer: "/address" } : fault))));
    fill(messages, summary);
    summary.focus();
  }
}

function showKnown(article, exchanges) {
  learnArticles([article]);
  const heading = el("h2", { tabindex: "-1" }, "The article is known");
  fill(found, heading, cardOf(article.id),
    el("h3", {}, exchanges.length ? `${counted(exchanges.length, ["exchange cites it", "exchanges cite it"])}` : "No exchange cites it"),
    exchangeList(exchanges, article.id), choiceNodes(article.id, exchanges));
  heading.focus();
}

function showUnknown(compared) {
  const heading = el("h2", { tabindex: "-1" }, "Nobody has cited this article yet");
  const form = articleForm(url, (citation) => {
    writing = { isDirty: () => true };
    const next = el("h2", { tabindex: "-1" }, "What is the article about?");
    fill(found, next, cardOf(citation), el("p", { class: "faint" }, "It is stored together with the first record that cites it."), choiceNodes(citation, []));
    next.focus();
  });
  writing = form;
  fill(found, heading, el("p", {}, "It was looked for as ", el("code", {}, compared), ". Describe the page; what is not seen on it stays empty."), form.node);
  heading.focus();
}

function cardOf(citation) {
  const article = articleOf(citation);
  return el("div", { class: "card" },
    el("p", {}, el("b", {}, articleText(citation)), article.agency ? ` (${article.agency})` : null, article.title ? [el("br"), article.title] : null),
    el("p", { class: "faint" }, el("a", { href: article.url, rel: "noreferrer" }, article.url), article.id ? [" ", el("code", {}, article.id)] : null));
}

/** A new exchange, or another one that the article shall support as well. */
function choiceNodes(citation, listed) {
  const nearby = el("div", { hidden: true });
  offerNearby(nearby, citation, listed);
  return el("div", { class: "choose" }, nearby,
    field({ pointer: "/other", label: "Add it to another exchange" }, combobox({ options: exchangeOptions, value: null, onValue: (id) => { if (id) open(id, citation); }, placeholder: "words of the record, or its id" })),
    el("p", { class: "ways" }, el("button", { type: "button", class: "main", onclick: () => begin(citation) }, "Write a new exchange")));
}

async function offerNearby(place, citation, listed) {
  const { published_on: day } = articleOf(citation);
  if (!day) return;
  const known = new Set(listed.map(({ id }) => id));
  const around = await orSay(exchangesAround(day)) ?? [];
  const near = around.filter(({ id }) => !known.has(id));
  if (near.length === 0) return;
  fill(place, el("h3", {}, `Around ${shortDayText(day)}`), exchangeList(near, citation)).hidden = false;
}

function exchangeList(exchanges, citation) {
  return el("ul", { class: "exchanges" }, exchanges.map((each) => el("li", {},
    el("button", { type: "button", class: "plain", onclick: () => open(each.id, citation) }, exchangeText(each)), el("span", { class: "faint" }, ` ${each.summary}`))));
}

function begin(citation) {
  looking += 1;
  edit({ draft: newDraft(citation), record: null, etag: null, source: articleOf(citation).url, added: null });
}

/** Open an exchange; an article that it does not cite yet is added. */
async function open(id, citation) {
  const mine = looking += 1;
  try {
    const { body: record, etag } = await send("GET", pathOfExchange(id));
    if (mine !== looking) return;
    const draft = draftOf(record);
    const source = citation === null ? "" : articleOf(citation).url;
    edit({ draft, record, etag, source, added: citation });
  } catch (error) {
    if (!error.told) throw error;
    if (mine !== looking) return;
    fill(found, faultSummary("The exchange cannot be opened", showFaults(section, faultsOf(error))));
  }
}

function edit(start) {
  const finding = $(".finding", section);
  const pending = writing?.isDirty() ?? false; // an article that is stored with the exchange, if at all
  const editor = openEditor(editing, { ...start, pending }, async () => {
    if (!(await mayDiscard())) return;
    writing.stop();
    writing = null;
    fill(editing);
    editing.hidden = true;
    finding.hidden = false;
    fill(found);
    $("input", finding).value = "";
    $("input", finding).focus();
  });
  writing = editor;
  finding.hidden = true;
  editing.hidden = false;
  $("h2", editing).focus();
}
