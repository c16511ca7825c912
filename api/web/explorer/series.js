// From sums to the rows that charts draw. Pure functions: they know neither the page nor the service.

import { QUALIFIERS, capital, counted, dayText, localeOf, monthText, nameOf, number, wordOf } from "./words.js";

const YEAR = 12;
const PERIODS = [1, 3, YEAR, 5 * YEAR, 10 * YEAR, 50 * YEAR, 100 * YEAR];
const NARROWEST = 6; // pixels from one bar to the next
const COLOURED = 4; // directions that have a colour of their own
const PERIOD_WORDS = { 1: "month", 3: "quarter", [YEAR]: "year" };
const QUARTERS = ["first", "second", "third", "fourth"];
export const DAY_FIELDS = ["id", "date", "status", "figures", "overlaps"];
const FEW = 2000; // exchanges of which the days are asked one by one
const DAY = 24 * 3600 * 1000;

const monthOf = (text) => Number(text.slice(0, 4)) * YEAR + Number(text.slice(5, 7)) - 1;
const firstDay = (month) => `${String(Math.floor(month / YEAR)).padStart(4, "0")}-${String((month % YEAR) + 1).padStart(2, "0")}-01`;
const dayBefore = (day) => new Date(Date.parse(day) - DAY).toISOString().slice(0, 10);

export const periodWord = (months) => PERIOD_WORDS[months] ?? `${months / YEAR} years`;

/** The text of a direction: who released, an arrow, who received. */
function directionText(direction) {
  const [from, to] = direction.split(".");
  return `${nameOf(from)} → ${nameOf(to)}`;
}

function periodText(start, months) {
  const year = Math.floor(start / YEAR);
  if (months === 1) return monthText(firstDay(start));
  if (months < YEAR) return `the ${QUARTERS[(start % YEAR) / months]} quarter of ${year}`;
  return months === YEAR ? String(year) : `${year}–${year + months / YEAR - 1}`;
}

function summed(rows, keyOf) {
  const sums = new Map();
  for (const row of rows) sums.set(keyOf(row), (sums.get(keyOf(row)) ?? 0) + row.best);
  return sums;
}

/** Choose the directions to tell apart and their colours: those with the most people of all have a colour of their own in all views. */
export function palette(cells, ranking) {
  const sums = summed(cells, (cell) => cell.group2);
  const most = [...sums.keys()].sort((a, b) => sums.get(b) - sums.get(a));
  const named = most.slice(0, most.length === COLOURED + 1 ? COLOURED - 1 : COLOURED);
  const usual = ranking.slice(0, COLOURED);
  let spare = COLOURED; // the colours behind those of the usual ones, so that none is taken for another
  const colourOf = (direction) => (usual.includes(direction) ? usual.indexOf(direction) : spare++);
  const entries = named.map((each) => ({
    direction: each, text: directionText(each), colour: `var(--direction-${colourOf(each)})`, best: sums.get(each),
  }));
  const rest = most.slice(named.length);
  if (rest.length > 0) {
    const best = rest.reduce((sum, each) => sum + sums.get(each), 0);
    entries.push({ direction: null, text: `${number(rest.length)} other directions`, colour: "var(--rest)", best });
  }
  return entries;
}

/** Bars of a timeline: by month where there is room, else by quarter or year; `chosen` is the period asked for. */
export function timeline(cells, entries, width, chosen, noun) {
  const known = cells.filter((cell) => cell.best !== null);
  const months = known.map((cell) => monthOf(cell.group));
  const [first, last] = [Math.min(...months), Math.max(...months)];
  const period = PERIODS.find((each) => (Math.floor(last / each) - Math.floor(first / each) + 1) * NARROWEST <= width) ?? PERIODS.at(-1);
  const starts = [];
  for (let start = Math.floor(first / period) * period; start <= last; start += period) starts.push(start);
  const rankOf = (direction) => {
    const place = entries.findIndex((entry) => entry.direction === direction);
    return place === -1 ? entries.length - 1 : place;
  };
  const sums = new Map(starts.map((start) => [start, entries.map(() => 0)]));
  for (const cell of known) sums.get(Math.floor(monthOf(cell.group) / period) * period)[rankOf(cell.group2)] += cell.best;
  const whole = starts.map((start) => {
    const [from, to] = [firstDay(start), dayBefore(firstDay(start + period))];
    const parts = sums.get(start);
    const best = parts.reduce((a, b) => a + b, 0);
    const text = capital(periodText(start, period));
    const lines = entries.map((entry, place) => (parts[place] ? `${entry.text}: ${number(parts[place])}` : null));
    return {
      period: start, from, to, best, text, parts, told: [`${text}: ${counted(best, noun)}`, ...lines.filter(Boolean)],
      chosen: (chosen[0] ?? "") <= to && from <= (chosen[1] ?? "9999"), exact: chosen[0] === from && chosen[1] === to,
    };
  });
  const bars = whole.flatMap((each) => entries.map((entry, rank) => (
    { period: each.period, best: each.parts[rank], rank, colour: entry.colour, chosen: each.chosen }
  )).filter((bar) => bar.best > 0));
  return { period, starts, whole, bars, labels: labels(starts, period, width / starts.length) };
}

/** The labels of periods so far apart that they do not touch; the year stands below the first of its months. */
function labels(starts, period, pixels) {
  const distances = [1, 3, YEAR, 2 * YEAR, 5 * YEAR, 10 * YEAR, 20 * YEAR, 50 * YEAR, 100 * YEAR, 500 * YEAR];
  const distance = distances.find((each) => each % period === 0 && (each / period) * pixels >= 40) ?? distances.at(-1);
  const months = new Intl.DateTimeFormat(localeOf(), { month: "short", timeZone: "UTC" });
  const found = {};
  let year = null;
  for (const start of starts.filter((each) => each % distance === 0)) {
    const own = Math.floor(start / YEAR);
    const name = period === 3 ? `Q${(start % YEAR) / 3 + 1}` : months.format(new Date(firstDay(start)));
    found[start] = distance >= YEAR ? String(own) : own === year ? name : `${name}\n${own}`;
    year = own;
  }
  return found;
}

/** Bars of mediators, the largest first, and last the one for where nobody is named. */
export function mediators(cells, chosen) {
  const known = cells.filter((cell) => cell.best !== null && cell.best > 0);
  return known.map((cell) => ({
    mediator: cell.group, name: cell.group === "none" ? "no mediator named" : nameOf(cell.group), best: cell.best,
    exchanges: cell.exchanges, none: cell.group === "none", chosen: chosen.length === 0 || chosen.includes(cell.group),
    exact: chosen.length === 1 && chosen[0] === cell.group,
  })).sort((a, b) => a.none - b.none || b.best - a.best || (a.name < b.name ? -1 : 1));
}

/** Whether the days of so many exchanges are worth asking for. */
export const daysWanted = (exchanges) => exchanges <= FEW;

/** Sums by day from the file of exchanges with the columns DAY_FIELDS; people in two records are counted once.
 * `from` and `to` are the ends of directions that are summed, all where they are empty. */
export function byDay(csv, measure, { released_by: from = [], received_by: to = [] }) {
  const [header, ...lines] = csv.trim().split(/\r?\n/).map((line) => line.split(",").map((cell) => cell.replace(/^"|"$/g, "")));
  const records = lines.map((cells) => Object.fromEntries(header.map((name, place) => [name, cells[place]])));
  const counts = ({ groups }) => (
    groups.measure === measure && (from.length === 0 || from.includes(groups.from)) && (to.length === 0 || to.includes(groups.to))
  );
  const here = new Set(records.map(({ id }) => id));
  const sums = new Map();
  for (const { date, status, figures, overlaps } of records) {
    const numbers = parts(figures, FIGURE).filter(counts);
    if (status !== "completed" || numbers.length === 0) continue;
    const shared = parts(overlaps, OVERLAP).filter(({ groups }) => counts({ groups }) && here.has(groups.id));
    const add = (sum, { groups }) => sum + Number(groups.count);
    sums.set(date, (sums.get(date) ?? 0) + numbers.reduce(add, 0) - shared.reduce(add, 0));
  }
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([day, best]) => ({ day, best }));
}

const FIGURE = /^(?<from>[^.]+)\.(?<to>[^.]+)\.(?<measure>\w+)=(?<count>\d+)$/;
const OVERLAP = /^(?<id>[^.]+)\.(?<from>[^.]+)\.(?<to>[^.]+)\.(?<measure>\w+)=(?<count>\d+)$/;
const parts = (cell, form) => cell.split("|").map((part) => part.match(form)).filter(Boolean);

/** The same from sums by month, each at the end of its month. */
export function byMonth(cells) {
  return cells.filter((cell) => cell.best !== null).map((cell) => ({ day: dayBefore(firstDay(monthOf(cell.group) + 1)), best: cell.best }));
}

/** The running total from the first of the month in which it begins. */
export function running(days) {
  let sum = 0;
  const points = days.map(({ day, best }) => ({ day, best: (sum += best) }));
  return [{ day: `${days[0].day.slice(0, 7)}-01`, best: 0 }, ...points];
}

/** Both ends of a direction: between two parties, either one tells the other. */
function endsOf({ released_by: from, received_by: to }, parties) {
  const other = (end) => (parties.length === 2 && end !== null ? parties[1 - parties.indexOf(end)] ?? null : null);
  return `${from ?? other(to)}.${to ?? other(from)}`;
}

/** The published totals that count what the line counts: the same direction, from the same day on, until no later day. */
export function fitting(totals, first, direction, [begin, end]) {
  return totals.filter((total) => {
    if (total.as_of < first || endsOf(total, total.parties) !== endsOf(direction, total.parties)) return false;
    const starts = total.year === null ? total.since : `${total.year}-01-01`;
    const ends = total.year === null ? null : `${total.year}-12-31`;
    if (ends !== null ? ends !== end : end !== null && total.as_of > end) return false;
    return starts === begin || (begin === null && starts !== null && starts <= first);
  }).map((total) => ({
    day: total.as_of, best: total.value, exact: total.qualifier === "exact", begins: total.since !== null || total.year !== null,
    who: total.claimant === null ? "the press" : nameOf(total.claimant), total,
    told: [`${dayText(total.as_of)}: ${wordOf(QUALIFIERS, total.qualifier)}${number(total.value)}`,
      total.claimant === null ? "reported by the press" : `announced by ${nameOf(total.claimant)}`],
  }));
}
