// The three charts of the page: what each is asked, its words, and the table that stands for it.

import { getText, get, getAll, pathOf } from "./api.js";
import { chooser, show, widthOf } from "./charts.js";
import { $, el } from "./dom.js";
import { follow } from "./filters.js";
import * as series from "./series.js";
import { cumulativeSpec, mediatorSpec, timelineSpec } from "./specs.js";
import { PERIOD, changed, filterQuery, go, hrefOf } from "./state.js";
import { MEASURES, QUALIFIERS, capital, counted, dayText, exchanges, nameOf, number, shortDayText } from "./words.js";

const ENDS = ["released_by", "received_by"];
const MOST_BARS = 12;
const COMPARED = ["mediator", "released_by", "received_by", "kind", "date_from", "date_to", "as_of", "release"]; // a total can be set beside no other query

/** Whom the page counts: bodies where only their handovers are asked for, else living people. */
export function measureOf(state) {
  const kinds = state.getAll("kind");
  return kinds.length === 1 && kinds[0] === "remains" ? "remains" : "persons";
}

function sums(state, left, ...dimensions) {
  const query = filterQuery(state, left);
  query.append("measure", measureOf(state));
  for (const each of dimensions) query.append("group_by", each);
  return pathOf("/v1/stats", query);
}

/**
 * How many exchanges of the list are summed: those completed, unless the query says otherwise. Sums of one
 * direction tell of others besides: exchanges between the same two of which nobody states that direction.
 */
async function summedOf(total, state, signal) {
  if (!ENDS.some((end) => state.has(end))) return (await total).total.exchanges;
  const query = filterQuery(state);
  if (!query.has("status")) query.append("status", "completed");
  query.append("limit", "1");
  return (await get(pathOf("/v1/exchanges", query), signal)).meta.total;
}

/** Ask for all that the page shows besides the list; each answer is a promise of its own. */
export function ask(state, signal) {
  const total = get(sums(state, [], "month"), signal);
  return {
    total,
    summed: summedOf(total, state, signal),
    timeline: get(sums(state, PERIOD, "month", "direction"), signal),
    mediators: get(sums(state, ["mediator"], "mediator"), signal),
    ranking: get("/v1/stats?group_by=direction", signal),
    totals: published(state, signal),
  };
}

/** The published totals with the scope of the query, if totals can be set beside it at all. */
async function published(state, signal) {
  const filters = filterQuery(state);
  const names = [...filters.keys()];
  const comparable = names.every((name) => COMPARED.includes(name)) && names.length === new Set(names).size;
  if (!comparable || filters.get("mediator") === "none" || (filters.has("kind") && !["prisoner_exchange", "remains"].includes(filters.get("kind")))) return [];
  const query = new URLSearchParams({
    measure: "persons", category: measureOf(state) === "remains" ? "remains" : "total", mediator: filters.get("mediator") ?? "none",
    agreement: "none", limit: "1000", sort: "date",
  });
  if (!filters.has("released_by") && !filters.has("received_by")) for (const end of ENDS) query.append(end, "none");
  for (const name of ["as_of", "release"]) if (filters.has(name)) query.append(name, filters.get(name));
  return getAll(pathOf("/v1/totals", query), signal);
}

const legend = (entries) => el("ul", { class: "legend" }, entries.map(({ colour, text, best, mark, state }) => {
  const swatch = el("span", { class: `swatch ${mark ?? ""}`, "aria-hidden": "true" });
  if (colour) swatch.style.setProperty("--swatch", colour);
  const words = state ? el("a", { href: hrefOf(state), onclick: (event) => follow(event, state) }, text) : text;
  return el("li", {}, swatch, words, best === undefined ? null : el("b", {}, ` ${number(best)}`));
}));

/** A legend whose directions can be chosen, if there are several. */
function directions(entries) {
  return legend(entries.map((entry) => {
    if (entry.direction === null || entries.length === 1) return entry;
    const [from, to] = entry.direction.split(".");
    return { ...entry, state: changed({ released_by: from, received_by: to }) };
  }));
}

const people = (state) => capital(MEASURES[measureOf(state)][1]);
const nothing = (state) => `No number of ${MEASURES[measureOf(state)][1]} is known for what is chosen.`;

/** Bars by period, coloured by direction; all periods are there, and the one that is chosen stands out. */
export function showTimeline(answer, ranking, state) {
  const figure = $("#timeline");
  const cells = answer.data.filter((cell) => cell.best !== null);
  if (cells.length === 0) return show(figure, { title: `${people(state)} handed over`, empty: nothing(state) });
  const noun = MEASURES[measureOf(state)];
  const entries = series.palette(cells, ranking.data.filter((cell) => cell.best !== null).sort((a, b) => b.best - a.best).map((cell) => cell.group));
  const room = widthOf(figure);
  const chosen = PERIOD.map((name) => state.get(name));
  const rows = series.timeline(cells, entries, room, chosen, noun);
  const word = series.periodWord(rows.period);
  const choose = ({ from, to, exact }) => go(changed(exact ? { date_from: null, date_to: null } : { date_from: from, date_to: to }));
  const most = rows.whole.reduce((a, b) => (b.best > a.best ? b : a));
  return show(figure, {
    title: `${people(state)} handed over, by ${word}`,
    lead: [directions(entries)],
    told: `Bars by ${word}. In all: ${entries.map(({ text, best }) => `${text} ${number(best)}`).join("; ")}. Most: ${number(most.best)} in ${most.text}.`,
    spec: timelineSpec(rows, room, 250),
    choose,
    note: `${chosen.some(Boolean) ? `The numbers beside the directions are of every ${word}, not of the period chosen alone. ` : ""}Choose a bar to see its exchanges below${chosen.some(Boolean) ? "; choose it again to see all" : ""}.`,
    table: {
      caption: `${people(state)} handed over, by ${word} and direction`,
      head: [capital(word), ...entries.map(({ text }) => text), "Together"],
      rows: rows.whole.filter((each) => each.best > 0).reverse().map((each) => ({
        chosen: each.exact,
        cells: [chooser(each.from, each.text, each.exact, () => choose(each)), ...each.parts.map(number), number(each.best)],
      })),
    },
  });
}

/** Bars of mediators; all are there, and the one that is chosen stands out. */
export function showMediators(answer, understood, state) {
  const figure = $("#by-mediator");
  const title = `${people(state)} handed over, by mediator`;
  const rows = series.mediators(answer.data, understood.mediator ?? []);
  if (rows.length === 0) return show(figure, { title, empty: nothing(state) });
  const named = rows.filter((row) => !row.none);
  const drawn = [...named.slice(0, MOST_BARS), ...rows.filter((row) => row.none)].map((row) => (
    { ...row, short: number(row.best), long: `${number(row.best)} in ${exchanges(row.exchanges)}`, told: [capital(row.name), `${counted(row.best, MEASURES[measureOf(state)])} in ${exchanges(row.exchanges)}`] }
  ));
  const choose = ({ mediator, exact }) => go(changed({ mediator: exact ? null : mediator }));
  const left = named.length - MOST_BARS;
  return show(figure, {
    title,
    told: `Bars, the longest first: ${drawn.map((row) => `${row.name}, ${row.long}`).join("; ")}.`,
    spec: mediatorSpec(drawn, widthOf(figure)),
    choose,
    note: `An exchange with several mediators is in the bar of each.${drawn.some((row) => row.exact) ? " The grey bars count all exchanges of the others, not of what is chosen alone." : ""}${left > 0 ? ` ${counted(left, ["more mediator is", "more mediators are"])} in the table.` : ""}`,
    table: {
      caption: title,
      head: ["Mediator", capital(MEASURES[measureOf(state)][1]), "Exchanges"],
      rows: rows.map((row) => ({ chosen: row.exact, cells: [chooser(row.mediator, capital(row.name), row.exact, () => choose(row)), number(row.best), number(row.exchanges)] })),
    },
  });
}

/** The days of the line: one by one where there are not too many, else by month. */
async function daysOf(total, state, signal) {
  const { exchanges: many } = total.total;
  if (!series.daysWanted(many)) return series.byMonth(total.data);
  const query = filterQuery(state);
  for (const field of series.DAY_FIELDS) query.append("fields", field);
  return series.byDay(await getText(pathOf("/v1/exchanges.csv", query), "text/csv", signal), measureOf(state), total.meta.query);
}

/** A line that adds up, and the totals that were published beside it. */
export async function showCumulative(total, totals, state, signal) {
  const figure = $("#cumulative");
  const title = `${people(state)} handed over: running total`;
  const days = total.total.best === null ? [] : await daysOf(total, state, signal);
  if (signal.aborted) return;
  if (days.length === 0) { await show(figure, { title, empty: nothing(state) }); return; }
  const points = series.running(days);
  const [from, to] = ENDS.map((end) => total.meta.query[end]?.[0] ?? null);
  const marks = series.fitting(totals, points[0].day, { released_by: from, received_by: to }, PERIOD.map((name) => state.get(name)));
  const last = points.at(-1);
  const entries = [{ text: "sum of the recorded exchanges", best: last.best, mark: "line" }];
  if (marks.some((mark) => mark.begins)) entries.push({ text: "announced total", mark: "dot" });
  if (marks.some((mark) => !mark.begins)) entries.push({ text: "announced total, first day not stated", mark: "diamond" });
  if (marks.some((mark) => !mark.exact)) entries.push({ text: "hollow: not an exact number", mark: "hollow" });
  await show(figure, {
    title,
    lead: [legend(entries)],
    told: [`A line that rises from 0 to ${number(last.best)}, from ${dayText(days[0].day)} to ${dayText(last.day)}.`, ...marks.slice(-1).map((mark) => `The last announced total: ${mark.told.join(", ")}.`)].join(" "),
    spec: cumulativeSpec(points, marks, widthOf(figure), 290),
    note: marks.length ? "A total whose first day is not stated may count more or less than the line does." : "No published total counts exactly what is chosen here. Choose a mediator, or one direction in the legend above, to see what was announced of it.",
    table: cumulativeTable(points.slice(1), marks, title),
  });
}

function cumulativeTable(points, marks, caption) {
  const sumOn = (day) => points.filter((point) => point.day <= day).at(-1)?.best ?? 0;
  const told = ({ total }) => el("a", { href: total.source_url, rel: "noreferrer" }, `${QUALIFIERS[total.qualifier]}${number(total.value)}`, ` (${total.claimant === null ? "the press" : nameOf(total.claimant)})`);
  const years = points.filter((point, place) => points[place + 1]?.day.slice(0, 4) !== point.day.slice(0, 4));
  const rows = [
    ...years.map((point) => ({ day: point.day, sum: point.best, mark: null })),
    ...marks.map((mark) => ({ day: mark.day, sum: sumOn(mark.day), mark })),
  ].sort((a, b) => (a.day < b.day ? 1 : -1));
  return {
    caption,
    head: ["Day", "Sum of the records", "Announced"],
    rows: rows.map(({ day, sum, mark }) => ({ cells: [shortDayText(day), number(sum), mark ? told(mark) : ""] })),
  };
}
