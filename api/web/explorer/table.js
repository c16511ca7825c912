// The list of exchanges: one row each, with the figure of each direction, the mediators and the sources.

import { el } from "./dom.js";
import { follow } from "./filters.js";
import { changed, hrefOf, withRecord } from "./state.js";
import { KINDS, QUALIFIERS, STATUSES, counted, dateText, listed, nameOf, number, rangeText, theName, wordOf } from "./words.js";

const MEDIATING = ["mediator", "facilitator", "host"];

/** The figures to show of a record: living people, or bodies where only those were handed over. */
function mainFigures(record) {
  const of = (measure) => record.figures.filter((figure) => figure.measure === measure);
  return of("persons").length ? of("persons") : of("remains");
}

/** Who is said to have brokered it. */
export function brokers(record) {
  const said = record.mediations.filter(({ stance, role }) => stance === "asserts" && MEDIATING.includes(role));
  return [...new Set(said.map(({ actor }) => actor))];
}

function figureNodes(record) {
  const figures = mainFigures(record);
  if (figures.length === 0) return el("span", { class: "faint" }, "no number known");
  return figures.map((figure) => el("span", { class: "direction" },
    el("b", {}, QUALIFIERS[figure.best_qualifier], number(figure.best)),
    figure.measure === "remains" ? ` ${figure.best === 1 ? "body" : "bodies"}` : null,
    el("span", { class: "way" }, " from ", theName(figure.released_by), " to ", theName(figure.received_by)),
    figure.low !== figure.high ? el("span", { class: "range" }, ` ${rangeText(figure.low, figure.high)}`) : null,
    figure.disputed ? el("span", { class: "disputed" }, figure.disputed_by_parties ? " disputed by the two sides" : " disputed") : null,
  ));
}

function row(record, state) {
  const href = hrefOf(withRecord(record.id, state));
  const open = (event) => follow(event, withRecord(record.id), { opened: true });
  const named = brokers(record);
  return el("tr", { data: { id: record.id }, onclick: (event) => { if (!event.target.closest("a") && !getSelection().toString()) open(event); } },
    cell("Date", { class: "date" }, el("time", { datetime: record.date }, dateText(record))),
    cell("Exchange", { class: "what" },
      record.kind === "prisoner_exchange" && record.status === "completed" ? null : el("span", { class: "kicker" },
        [wordOf(KINDS, record.kind), record.status === "completed" ? null : wordOf(STATUSES, record.status)].filter(Boolean).join(" · ")),
      el("a", { href, onclick: open, data: { key: record.id } }, record.summary ?? record.id)),
    cell("Handed over", { class: "people" }, figureNodes(record)),
    cell("Brokered by", { class: "by" }, named.length ? listed(named.map(nameOf)) : el("span", { class: "faint" }, "nobody named")),
    cell("Sources", { class: "number" }, number(record.independent_sources)),
  );
}

function cell(label, given, ...children) {
  return el("td", { role: "cell", data: { label }, ...given }, children);
}

function head(label, given = {}, order) {
  return el("th", { scope: "col", role: "columnheader", "aria-sort": order, ...given }, label);
}

function sorter(label, state, [falling, rising], given = {}) {
  const sort = state.get("sort") ?? "-date";
  const order = sort === falling ? "descending" : sort === rising ? "ascending" : undefined;
  const next = changed({ sort: sort === falling ? rising : falling === "-date" ? null : falling }, state);
  const arrow = order ? (order === "descending" ? " ↓" : " ↑") : "";
  return head(el("a", { href: hrefOf(next), data: { key: `sort-${rising}` }, onclick: (event) => follow(event, next) }, label, el("span", { "aria-hidden": "true" }, arrow)), given, order);
}

/** The table of a page of the list, and the way to the next page. */
export function tableNodes({ data, meta }, state) {
  const first = changed({}, state);
  const next = new URLSearchParams(first);
  if (meta.next_cursor !== null) next.set("cursor", meta.next_cursor);
  const turn = (to) => (event) => {
    follow(event, to);
    if (!event.defaultPrevented) return;
    const title = document.getElementById("list-title");
    title.scrollIntoView();
    title.focus({ preventScroll: true });
  };
  return [
    el("table", { class: "exchanges", role: "table", "aria-labelledby": "list-title" },
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" },
        sorter("Date", state, ["-date", "date"], { class: "date" }), head("Exchange"), sorter("Handed over", state, ["-persons", "persons"]),
        head("Brokered by"), head("Sources", { class: "number", title: "Independent sources: distinct agencies or publishers" }))),
      el("tbody", { role: "rowgroup" }, data.map((record) => { const made = row(record, state); made.setAttribute("role", "row"); return made; })),
    ),
    el("nav", { class: "pages", "aria-label": "Pages of the list" },
      el("span", { class: "faint" }, `${counted(data.length, ["exchange", "exchanges"])} of ${number(meta.total)} on this page`),
      state.has("cursor") ? el("a", { href: hrefOf(first), onclick: turn(first) }, "First page") : null,
      meta.next_cursor === null ? null : el("a", { href: hrefOf(next), rel: "next", onclick: turn(next) }, "Next page"),
    ),
  ];
}
