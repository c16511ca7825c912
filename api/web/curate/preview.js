// What a save would make of the figures, told by a dry run while one types. A refusal is said quietly: whoever
// is in the middle of writing knows that it is not finished.

import { el, fill } from "../explorer/dom.js";
import { MEASURES, QUALIFIERS, capital, counted, number, rangeText, theName } from "../explorer/words.js";
import { placeText } from "./telling.js";
import { faultsOf, tryOut } from "./writing.js";

const PAUSE = 500; // ms after the last change
const MOST = 4;

/** A panel that shows what the work would make; call `later` after each change. */
export function preview(workOf, onAnswer) {
  const figures = el("div", { class: "figures" }, el("p", { class: "faint" }, "The figures appear here as soon as the record is complete."));
  const panel = el("aside", { class: "preview", "aria-label": "Preview of the figures" },
    el("h3", {}, "Preview ", el("span", { class: "mark" }, "nothing is stored yet")), figures);
  let timer = 0;
  let asking = new AbortController();

  async function now() {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    panel.setAttribute("aria-busy", "true");
    const work = workOf();
    try {
      fill(figures, plannedNodes(await tryOut(work, signal), work.record));
      onAnswer(null);
    } catch (error) {
      if (signal.aborted) return;
      if (!error.told) throw error;
      fill(figures, error.told.errors.some(({ code }) => code === "no_change") ? plannedNodes({ changes: [] }, work.record) : refusedNodes(error));
      onAnswer(error);
    }
    if (!signal.aborted) panel.setAttribute("aria-busy", "false");
  }

  return {
    panel,
    later() {
      clearTimeout(timer);
      panel.setAttribute("aria-busy", "true");
      timer = setTimeout(now, PAUSE);
    },
    stop() {
      clearTimeout(timer);
      asking.abort();
      panel.setAttribute("aria-busy", "false");
    },
  };
}

function plannedNodes({ changes }, stands) {
  const change = changes.find(({ resource }) => resource === "exchange");
  if (!change) return [el("p", { class: "faint" }, "Nothing would change. As it stands:"), figureNodes(stands.figures)];
  const record = JSON.parse(change.body);
  const others = changes.filter((each) => each !== change);
  return [
    figureNodes(record.figures),
    change.sentences.length ? el("details", {}, el("summary", {}, counted(change.sentences.length, ["change", "changes"])), el("ul", { class: "changes" }, change.sentences.map((each) => el("li", {}, each)))) : null,
    others.length ? el("p", { class: "faint" }, `With it: ${others.map(({ resource, action, id }) => `${resource} ${id} (${action})`).join(", ")}.`) : null,
  ];
}

/** The figures of a record by direction. */
export function figureNodes(figures) {
  if (figures.length === 0) return el("p", {}, "No figure: nobody states a number that counts.");
  const directions = [...new Set(figures.map(({ released_by: from, received_by: to }) => `${from}.${to}`))];
  return directions.map((direction) => {
    const [from, to] = direction.split(".");
    return el("section", { class: "way" },
      el("h4", {}, `${capital(theName(from))} to ${theName(to)}`),
      el("dl", {}, figures.filter((each) => each.released_by === from && each.received_by === to).map((each) => el("div", { data: { figure: `${direction}.${each.measure}` } },
        el("dt", {}, el("b", {}, QUALIFIERS[each.best_qualifier], number(each.best)), ` ${MEASURES[each.measure]?.[each.best === 1 ? 0 : 1] ?? each.measure}`),
        el("dd", {}, detailOf(each))))));
  });
}

function detailOf(figure) {
  const who = figure.best_claimant === null ? "from the articles’ own voice" : `as ${theName(figure.best_claimant)} says`;
  return [who, figure.low === figure.high ? null : `sources give ${rangeText(figure.low, figure.high)}`, figure.disputed ? (figure.disputed_by_parties ? "disputed by the two sides" : "disputed") : null]
    .filter(Boolean).join("; ");
}

function refusedNodes(error) {
  if (error.told.code === "precondition_failed") {
    return el("p", { class: "faint" }, "Somebody has written this record since you opened it. When you save, you see both and say what holds.");
  }
  if (error.told.code === "no_answer") return el("p", { class: "faint" }, `No preview: ${error.told.title.charAt(0).toLowerCase()}${error.told.title.slice(1)}. What you write is still here.`);
  const faults = faultsOf(error);
  return [
    el("p", { class: "faint" }, "Not as it can be saved yet:"),
    el("ul", { class: "faint" }, faults.slice(0, MOST).map(({ pointer, message, href }) => el("li", {}, href ? el("a", { href }, message) : [pointer ? `${placeText(pointer)}: ` : "", message]))),
    faults.length > MOST ? el("p", { class: "faint" }, `and ${number(faults.length - MOST)} more.`) : null,
  ];
}
