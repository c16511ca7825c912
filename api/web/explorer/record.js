// One record: the figures taken and why, both sides' claims side by side, who brokered it, its history.

import { get, pathOf } from "./api.js";
import { $, el, fill } from "./dom.js";
import { claimsNodes } from "./claims.js";
import { historyNodes } from "./history.js";
import { problemNodes } from "./problems.js";
import { citer, copier, download } from "./share.js";
import { closeRecord, hrefOf, pinQuery, withRecord } from "./state.js";
import { KINDS, ROLES, STATUSES, capital, dateText, listed, nameOf, number, theName, wordOf } from "./words.js";
import { articleList } from "./articles.js";

const dialog = $("#record");
let shown = null;
let opener = ""; // the id that was opened first: where the focus goes back to

dialog.addEventListener("cancel", (event) => { event.preventDefault(); closeRecord(); });
dialog.addEventListener("click", (event) => { if (event.target === dialog) closeRecord(); });

/** Show the record of that id, or none. */
export async function showRecord(id, state) {
  const key = id === null ? null : `${id}?${pinQuery(state)}`;
  if (key === shown) return;
  shown = key;
  if (id === null) {
    dialog.close();
    $(`#list [data-key="${CSS.escape(opener)}"]`)?.focus();
    return;
  }
  const close = el("button", { type: "button", class: "close", onclick: closeRecord, "aria-label": "Close the record" }, "Close");
  fill(dialog, el("article", { "aria-busy": "true" }, close, el("h2", { id: "record-title" }, el("span", { class: "skeleton" }, "Loading the record"))));
  if (!dialog.open) {
    opener = id;
    dialog.showModal();
  }
  dialog.scrollTop = 0;
  const path = `/v1/exchanges/${encodeURIComponent(id)}`;
  try {
    const record = await get(pathOf(path, pinQuery(state)));
    if (shown === key) fill(dialog, el("article", {}, close, recordNodes(record, pathOf(path, pinQuery(state)), state)));
  } catch (error) {
    if (!error.told) throw error;
    if (shown !== key) return;
    const retry = () => { shown = null; showRecord(id, state); };
    const nodes = problemNodes(error, retry).filter(Boolean);
    nodes[0].id = "record-title";
    fill(dialog, el("article", { class: "problem" }, close, nodes, el("p", {}, el("a", { href: hrefOf(withRecord(null, state)) }, "Back to the list"))));
  }
  close.focus();
}

function recordNodes(record, path, state) {
  const articles = new Map(record.articles.map((article) => [article.id, article]));
  const citation = el("div", { "aria-live": "polite" });
  const place = record.location?.name;
  return [
    el("p", { class: "kicker" }, [capital(wordOf(KINDS, record.kind)), record.status === "completed" ? null : wordOf(STATUSES, record.status)].filter(Boolean).join(" · ")),
    el("h2", { id: "record-title" }, record.summary ?? record.id),
    el("p", { class: "dateline" }, el("time", { datetime: record.date }, dateText(record)), " · ", listed(record.parties.map(nameOf)), place ? ` · ${place}` : null),
    el("div", { class: "tools" },
      citer(citation, () => get(pathOf(`/v1/exchanges/${encodeURIComponent(record.id)}/citation`, pinQuery(state)))),
      copier("Copy API URL", () => new URL(path, location.href).href, "API URL"),
      download("Download CSV", `/v1/claims.csv?exchange=${encodeURIComponent(record.id)}${pinQuery(state).size ? `&${pinQuery(state)}` : ""}`),
      el("a", { class: "button", href: `/curate?exchange=${encodeURIComponent(record.id)}` }, "Correct this record"),
    ),
    citation,
    claimsNodes(record, articles),
    mediationNodes(record, articles),
    overlapNodes(record),
    el("section", {},
      el("h3", {}, `Sources: ${number(record.articles.length)} ${record.articles.length === 1 ? "article" : "articles"}, ${number(record.independent_sources)} independent`),
      articleList(record.articles)),
    historyNodes(record),
  ];
}

function mediationNodes(record, articles) {
  if (record.mediations.length === 0) return null;
  return el("section", {},
    el("h3", {}, "Who brokered it"),
    el("ul", { class: "mediations" }, record.mediations.map((each) => {
      const who = each.claimant === null ? "the articles say" : `${theName(each.claimant)} ${each.stance === "denies" ? "denies" : "says"}`;
      return el("li", {},
        el("b", {}, nameOf(each.actor)), ` as ${wordOf(ROLES, each.role)}, `,
        each.stance === "denies" && each.claimant === null ? "which the articles deny" : `${who}${each.stance === "denies" ? " it" : ""}`,
        articleList(each.citations.map((id) => articles.get(id)).filter(Boolean)));
    })));
}

function overlapNodes(record) {
  if (record.overlaps.length === 0) return null;
  return el("section", {},
    el("h3", {}, "Counted in another record too"),
    el("ul", {}, record.overlaps.map((each) => el("li", {},
      `${number(each.count)} of those from ${theName(each.released_by)} to ${theName(each.received_by)} are in `,
      el("a", { href: hrefOf(withRecord(each.exchange)) }, each.exchange), each.note ? `: ${each.note}` : "."))));
}
