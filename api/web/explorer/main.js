// The page put together: whenever its address changes, everything is asked and shown anew.

import { get, getAll, pathOf } from "./api.js";
import { hideTip } from "./charts.js";
import { $, el, fill } from "./dom.js";
import { prepare, reflect } from "./filters.js";
import { emptyNodes, problemNodes } from "./problems.js";
import { showRecord } from "./record.js";
import { citationOf, citer, copier, download } from "./share.js";
import { current, filterQuery, listQuery, onChange, openRecord } from "./state.js";
import { tableNodes } from "./table.js";
import { MEASURES, counted, dayText, exchanges, learn, number } from "./words.js";
import { ask, measureOf, showCumulative, showMediators, showTimeline } from "./views.js";

const PER_PAGE = "50";
const TITLE = document.title;
const results = $("#results");
let going = new AbortController();
let known = null; // actors and mediators, asked for once
let seen = null; // the answers that are shown, to be drawn again at another width
let asked = null; // the query that they answer

function names() {
  known ??= Promise.all([getAll("/v1/actors?limit=1000"), getAll("/v1/mediators?limit=1000")]).then(([actors, mediators]) => {
    learn(actors);
    prepare(actors, mediators);
  });
  known.catch(() => { known = null; });
  return known;
}

async function load() {
  const state = current();
  const query = listQuery(state).toString();
  const unnamed = () => {}; // where names cannot be had, the results cannot either, and tell why
  const opening = names().then(() => showRecord(openRecord(state), state), unnamed);
  if (query !== asked) {
    asked = query;
    await loadResults(state);
  }
  await opening;
}

async function loadResults(state) {
  going.abort();
  going = new AbortController();
  const { signal } = going;
  hideTip();
  results.setAttribute("aria-busy", "true");
  const limited = listQuery(state);
  if (!limited.has("limit")) limited.append("limit", PER_PAGE);
  const answers = ask(state, signal);
  for (const answer of Object.values(answers)) answer.catch(() => {}); // each is looked at where it is shown
  const list = get(pathOf("/v1/exchanges", limited), signal);
  list.catch(() => {});
  try {
    await names();
    reflect(state);
    const [page, total, summed] = await Promise.all([list, answers.total, answers.summed]);
    if (signal.aborted) return;
    showProblem(null);
    reflect(state, total.meta.query);
    showSummary(total, summed, page, state);
    showList(page, state);
    seen = { answers, total, state, signal };
    await drawCharts();
  } catch (error) {
    if (error.name === "AbortError" || signal.aborted) return;
    asked = null;
    if (!error.told) throw error;
    reflect(state);
    showProblem(error);
  } finally {
    if (!signal.aborted) results.setAttribute("aria-busy", "false");
  }
}

async function drawCharts() {
  const { answers, total, state, signal } = seen;
  const each = await Promise.allSettled([
    Promise.all([answers.timeline, answers.ranking]).then(([timeline, ranking]) => showTimeline(timeline, ranking, state)),
    answers.mediators.then((mediators) => showMediators(mediators, total.meta.query, state)),
    answers.totals.then((totals) => showCumulative(total, totals, state, signal)),
  ]);
  const figures = ["timeline", "by-mediator", "cumulative"].map((id) => $(`#${id}`));
  each.forEach(({ reason }, place) => {
    if (!reason || reason.name === "AbortError") return;
    if (!reason.told) throw reason;
    fill(figures[place], el("div", { class: "problem" }, problemNodes(reason, retry)));
  });
}

function retry() {
  asked = null;
  load();
}

function showProblem(error) {
  const place = $("#problem");
  place.hidden = error === null;
  fill(place, error === null ? [] : problemNodes(error, retry));
  results.classList.toggle("failed", error !== null);
  if (error !== null) document.title = `${error.told.title} · ${TITLE}`;
}

function showSummary({ total, meta }, summed, page, state) {
  const noun = MEASURES[measureOf(state)];
  const many = page.meta.total;
  const none = many === 0;
  const heading = none ? "No exchange matches"
    : total.exchanges === 0 ? `${exchanges(many)}, none completed`
    : total.best === null ? `${exchanges(many)}, no number known` : `${counted(total.best, noun)} in ${exchanges(summed)}`;
  results.classList.toggle("none", none);
  fill($("#summary-title"), heading);
  document.title = state.size ? `${heading} · Prisoner exchanges` : TITLE;
  const words = [];
  if (total.low !== total.high) words.push(`Where sources differ, they give between ${number(total.low)} and ${number(total.high)} in all; the number above follows one rule.`);
  const unknown = summed - (total.exchanges - total.without_figure);
  if (unknown > 0 && total.best !== null) words.push(`For ${exchanges(unknown)} no number of ${noun[1]} is known.`);
  fill($("#summary-text"), none ? emptyNodes(state) : words.join(" "));
  const path = pathOf("/v1/exchanges", filterQuery(state));
  const citation = el("div", { "aria-live": "polite" });
  fill($("#tools"),
    citer(citation, () => citationOf(path)),
    copier("Copy API URL", () => new URL(path, location.href).href, "API URL"),
    download("Download CSV", pathOf("/v1/exchanges.csv", filterQuery(state))),
    citation,
  );
  const notes = new Map([...meta.notes, ...page.meta.notes].map((note) => [note.code, note.text]));
  fill($("#notes"), notes.size ? el("details", { class: "numbers" },
    el("summary", {}, `What to know about these numbers (${number(notes.size)})`),
    el("ul", {}, [...notes.values()].map((text) => el("li", {}, text)))) : null);
  const { revision, release, updated_at: written } = page.meta.dataset;
  fill($("#source"), `Source: Prisoner exchanges: claims and their sources, ${release ? `release ${release}, ` : ""}dataset revision ${revision}, ${dayText(written)}. `,
    el("a", { href: "https://creativecommons.org/licenses/by/4.0/", rel: "license noreferrer" }, "CC BY 4.0"), ".");
}

function showList(page, state) {
  const list = $("#list");
  const key = list.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  fill(list, tableNodes(page, state));
  if (key !== undefined) $(`[data-key="${CSS.escape(key)}"]`, list)?.focus();
}

let width = innerWidth;
let resizing = 0;
addEventListener("resize", () => {
  clearTimeout(resizing);
  resizing = setTimeout(() => {
    if (innerWidth === width || seen === null) return;
    width = innerWidth;
    drawCharts();
  }, 150);
});

onChange(load);
load();
