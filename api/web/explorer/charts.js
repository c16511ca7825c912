// Drawing a spec into a figure: the library, the reader's locale, tooltips, and the same numbers as a table.

import { $, el, fill } from "./dom.js";
import { localeOf } from "./words.js";

let library = null;

/** Load Vega once, when the first chart is drawn. */
function vega() {
  library ??= import(document.body.dataset.charts).then(() => window.vegaEmbed).catch((error) => { library = null; throw error; });
  return library;
}

function numberLocale() {
  const parts = new Intl.NumberFormat(localeOf()).formatToParts(1234567.5);
  const of = (type) => parts.find((part) => part.type === type)?.value;
  return { decimal: of("decimal") ?? ".", thousands: of("group") ?? "", grouping: [3], currency: ["", ""] };
}

function timeLocale() {
  const names = (count, field, style, day) => [...Array(count).keys()].map((each) => (
    new Intl.DateTimeFormat(localeOf(), { [field]: style, timeZone: "UTC" }).format(new Date(day(each)))
  ));
  const weekday = (each) => Date.UTC(2023, 0, 1 + each); // a Sunday first
  const month = (each) => Date.UTC(2023, each, 1);
  return {
    dateTime: "%x, %X", date: "%-d %B %Y", time: "%H:%M", periods: ["AM", "PM"],
    days: names(7, "weekday", "long", weekday), shortDays: names(7, "weekday", "short", weekday),
    months: names(12, "month", "long", month), shortMonths: names(12, "month", "short", month),
  };
}

const tip = el("div", { class: "tip", role: "presentation", hidden: true });
document.body.append(tip);

function showTip(event, lines) {
  fill(tip, lines.map((line, place) => el(place === 0 ? "b" : "span", {}, line)));
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const left = Math.max(8, Math.min(event.clientX + 14, innerWidth - width - 8));
  const top = event.clientY - height - 12 > 8 ? event.clientY - height - 12 : event.clientY + 18;
  tip.style.left = `${left + scrollX}px`;
  tip.style.top = `${top + scrollY}px`;
}

/** Take away what pointing at a mark shows. */
export function hideTip() {
  tip.hidden = true;
}
addEventListener("keydown", (event) => { if (event.key === "Escape") hideTip(); });

const drawn = new Map(); // place → what is drawn there
const PAPER = 700; // pixels between the margins of A4 and of Letter, as the style sheet sets them

/** Draw all charts again in other sizes: made smaller as pictures, their words would become too small to read. */
function resize(sizeOf) {
  for (const { view, spec } of drawn.values()) {
    const { width, height } = sizeOf(spec);
    view.width(width).height(height).run();
  }
}
addEventListener("beforeprint", () => resize(({ height, usermeta }) => ({ width: PAPER, height: usermeta?.paper ?? height })));
addEventListener("afterprint", () => resize((spec) => spec));

/** Let go of what is drawn in a place. */
function forget(place) {
  drawn.get(place)?.finalize();
  drawn.delete(place);
}

/** Draw into a place; `choose` is told what is clicked. */
async function draw(place, spec, choose) {
  const embed = await vega();
  const result = await embed(place, spec, {
    ast: true, // expressions are interpreted: the policy of the page forbids eval
    actions: false, defaultStyle: false, tooltip: false, renderer: "svg",
    formatLocale: numberLocale(), timeFormatLocale: timeLocale(),
  });
  if (!place.isConnected) { // meanwhile there was nothing left to draw
    result.finalize();
    return;
  }
  const picture = $("svg", place);
  picture.removeAttribute("role"); // the place itself is the picture, and says what is to be seen
  picture.setAttribute("aria-hidden", "true");
  forget(place);
  drawn.set(place, result);
  result.view.addEventListener("mousemove", (event, item) => (item?.datum?.told ? showTip(event, item.datum.told) : hideTip()));
  result.view.addEventListener("mouseout", hideTip);
  if (choose) result.view.addEventListener("click", (_, item) => { hideTip(); if (item?.datum) choose(item.datum); });
}

/** Give the width that a figure has for its picture; one that was bare may have been out of sight. */
export function widthOf(figure) {
  figure.classList.remove("bare");
  return Math.floor(figure.clientWidth);
}

/**
 * Show a chart: `title`, `lead` (nodes), `told` (what is seen, in words), `spec`, `choose`, `note`, and `table`
 * ({ caption, head, rows }), which holds the same numbers and, by buttons, what can be clicked.
 */
export async function show(figure, { title, lead = [], told, spec, choose, note, table, empty }) {
  const open = $("details", figure)?.open ?? false;
  const key = figure.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  const place = $(".plot", figure) ?? el("div", { class: "plot" });
  fill(
    figure,
    el("figcaption", {}, el("h2", { id: `${figure.id}-title` }, title), lead.length ? el("div", { class: "lead" }, lead) : null),
    empty ? el("p", { class: "nothing" }, empty) : place,
    note ? el("p", { class: "note" }, note) : null,
    table ? tableOf(table, open) : null,
  );
  for (const each of drawn.keys()) if (!each.isConnected) forget(each);
  figure.classList.toggle("bare", Boolean(empty));
  if (key !== undefined) $(`[data-key="${CSS.escape(key)}"]`, figure)?.focus();
  if (empty) return;
  try {
    await draw(place, spec, choose);
    place.setAttribute("role", "img"); // after it: the library writes its own words there
    place.setAttribute("aria-label", told);
    place.removeAttribute("aria-roledescription");
  } catch (error) {
    console.warn(error.message);
    forget(place);
    fill(place, el("p", { class: "nothing" }, "The chart could not be drawn. Its numbers are in the table below."));
    place.removeAttribute("role");
    place.removeAttribute("aria-label");
    const details = $("details", figure);
    if (details) details.open = true;
  }
}

function tableOf({ caption, head, rows }, open) {
  return el(
    "details", { class: "numbers", open },
    el("summary", {}, "The same as a table"),
    el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption }, el(
      "table", {},
      el("caption", { class: "unseen" }, caption),
      el("thead", {}, el("tr", {}, head.map((text, place) => el("th", { scope: "col", class: place ? "number" : null }, text)))),
      el("tbody", {}, rows.map((row) => el("tr", { class: row.chosen ? "chosen" : null }, row.cells.map((cell, place) => (
        place === 0 ? el("th", { scope: "row" }, cell) : el("td", { class: row.plain ? null : "number" }, cell)
      ))))),
    )),
  );
}

/** A button in a table that does what a click on the bar does. */
export function chooser(key, text, pressed, onclick) {
  return el("button", { type: "button", class: "plain", data: { key }, "aria-pressed": String(pressed), onclick }, text);
}
