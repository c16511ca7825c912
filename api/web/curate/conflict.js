// The three-way difference: somebody wrote the record after it was loaded. Every field that differs is shown as
// it was loaded, as it is here and as it stands now, and somebody says which holds.

import { el, fill } from "../explorer/dom.js";
import { momentText } from "../explorer/words.js";
import { learnArticles } from "./catalogue.js";
import { compare, merged } from "./merging.js";
import { labelOf, valueText } from "./telling.js";
import { lastWrite } from "./writing.js";

const COLUMNS = [["base", "As you loaded it"], ["mine", "As you have it"], ["now", "As it stands now"]];
const CHOICES = { mine: "Take mine", now: "Take what stands", both: "Take both" };

/** Show the difference; `resolve` is given the draft that the choices make, and whether it is to be saved at once. */
export async function conflictView({ base, mine, now, record, resolve }) {
  learnArticles(record.articles);
  const last = await lastWrite(record.id);
  const units = compare(base, mine, now);
  const wanting = el("p", { class: "error", role: "alert", hidden: true });
  const view = el("section", { class: "conflict", tabindex: "-1", "aria-labelledby": "conflict-title" });

  function done(save) {
    const open = units.filter(({ choice }) => choice === null);
    wanting.hidden = open.length === 0;
    if (open.length === 0) { resolve(merged(units, mine, now), save); return; }
    fill(wanting, `Choose for ${open.map(labelOf).join("; ")}.`);
    view.querySelector(`[data-unit="${units.indexOf(open[0])}"] input`).focus();
  }

  return fill(view,
    el("h3", { id: "conflict-title" }, "Somebody has written this record meanwhile"),
    el("p", {}, `Revision ${last.number}, ${momentText(last.at)}${last.by ? `, by ${last.by}` : ""}: “${last.reason}”. Nothing of yours is lost, and nothing was saved. `,
      units.length ? "Say for each difference what is to hold; what only one of you changed is chosen already." : "It says the same as yours."),
    units.length ? el("table", { class: "three", role: "table", "aria-label": "Differences" },
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ["Field", ...COLUMNS.map(([, title]) => title), "What holds"].map((title) => el("th", { scope: "col", role: "columnheader" }, title)))),
      el("tbody", { role: "rowgroup" }, units.map(unitRow))) : null,
    wanting,
    el("p", { class: "ways" },
      el("button", { type: "button", class: "main", onclick: () => done(true) }, "Save with these choices"),
      el("button", { type: "button", onclick: () => done(false) }, "Back to the form with these choices")));
}

function unitRow(unit, place) {
  const label = labelOf(unit);
  const options = Object.keys(CHOICES).filter((choice) => choice !== "both" || unit.both !== undefined);
  return el("tr", { role: "row", class: unit.choice === null ? "contradicting" : null, data: { unit: place } },
    el("th", { scope: "row", role: "rowheader" }, label),
    COLUMNS.map(([state, title]) => el("td", { role: "cell", data: { label: title }, class: state !== "base" && valueText(unit, unit[state]) !== valueText(unit, unit.base) ? "differs" : null }, valueText(unit, unit[state]))),
    el("td", { role: "cell", data: { label: "What holds" } }, el("fieldset", { class: "choice" }, el("legend", { class: "unseen" }, label), options.map((choice) => el("label", {},
      el("input", { type: "radio", name: `unit-${place}`, value: choice, checked: unit.choice === choice, onchange: () => { unit.choice = choice; } }), ` ${CHOICES[choice]}`)))));
}
