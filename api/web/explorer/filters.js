// The form of filters and the chips of those in force. What is chosen goes into the address, and nowhere else.

import { $, el, fill } from "./dom.js";
import { changed, current, filtersOf, go, hrefOf, lacking } from "./state.js";
import { FILTERS, KINDS, capital, dayText, nameOf, number, wordOf } from "./words.js";

const FORM = ["q", "mediator", "party", "kind", "date_from", "date_to"];
const DISPUTES = { disputed: "disputed by any claimants", disputed_by_parties: "disputed by the two sides" };

/** Give the form its choices, and let it change the address. */
export function prepare(actors, mediators) {
  const form = $("#filters");
  const byName = (a, b) => a.text.localeCompare(b.text);
  const known = mediators.filter(({ exchanges }) => exchanges > 0)
    .map(({ id, exchanges }) => ({ value: id, text: nameOf(id), count: exchanges })).sort(byName);
  options($("#f-mediator"), [...known.map((each) => ({ ...each, text: `${each.text} (${number(each.count)})` })), { value: "none", text: "nobody named" }]);
  options($("#f-party"), actors.map(({ id }) => ({ value: id, text: nameOf(id) })).sort(byName));
  options($("#f-kind"), Object.entries(KINDS).map(([value, text]) => ({ value, text: capital(text) })));
  options($("#f-dispute"), Object.entries(DISPUTES).map(([value, text]) => ({ value, text })));
  form.addEventListener("submit", (event) => { event.preventDefault(); apply(form); });
  form.addEventListener("input", ({ target }) => { if (target.name === "q") target.dataset.typed = ""; });
  form.addEventListener("change", ({ target }) => {
    if (target.name === "q" && target.value !== "") return;
    if (target.type === "date" && target.value.startsWith("0")) return; // a year that is being typed
    apply(form);
  });
}

function options(select, given) {
  select.append(...given.map(({ value, text }) => el("option", { value }, text)));
}

function apply(form) {
  delete form.elements.q.dataset.typed;
  const changes = { disputed: null, disputed_by_parties: null };
  const shown = current();
  for (const name of FORM) {
    // Several values of one filter come from an address; the form changes them only where it is used itself.
    const value = form.elements[name].value.trim();
    if (shown.getAll(name).length < 2 || value !== "") changes[name] = value;
  }
  if ($("#f-dispute").value) changes[$("#f-dispute").value] = "true";
  go(changed(changes));
}

/** Show the state in the form, and a chip for each filter in force; `understood` are its values as ids. */
export function reflect(state, understood = {}) {
  const form = $("#filters");
  for (const name of FORM) {
    const values = understood[name] ?? state.getAll(name);
    const field = form.elements[name];
    const wanted = values.length === 1 ? values[0] : "";
    if (field.value !== wanted && field.dataset.typed === undefined) field.value = wanted;
    if (field.selectedIndex === -1) field.value = ""; // a value that is no choice shows as a chip only
  }
  $("#f-dispute").value = Object.keys(DISPUTES).find((name) => state.get(name) === "true") ?? "";
  const filters = filtersOf(state);
  const valueOf = (name, value) => valueText(name, understood[name]?.[state.getAll(name).indexOf(value)] ?? value);
  const chips = filters.map(([name, value]) => el("li", {}, el(
    "a", {
      href: hrefOf(lacking(name, value, state)), class: "chip", "aria-label": `Remove the filter ${labelOf(name)} ${valueOf(name, value)}`.trim(),
      onclick: (event) => { follow(event, lacking(name, value)); },
    },
    el("span", { class: "faint" }, `${labelOf(name)} `), valueOf(name, value), el("span", { class: "cross", "aria-hidden": "true" }, "×"),
  )));
  if (filters.length > 1) chips.push(el("li", {}, el("a", { href: "/", onclick: (event) => follow(event, new URLSearchParams()) }, "Clear all")));
  const held = $("#chips").contains(document.activeElement);
  fill($("#chips"), chips);
  $("#chips").hidden = chips.length === 0;
  if (held) ($("#chips a") ?? $("#results")).focus();
}

const labelOf = (name) => wordOf(FILTERS, name);

function valueText(name, value) {
  if (value === "none") return "nobody";
  if (/^date_/.test(name) && /^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(Date.parse(value))) return dayText(value);
  if (name === "kind") return wordOf(KINDS, value);
  if (value === "true" || value === "false") return value === "true" ? "" : "no"; // the name alone says yes
  return name === "q" ? `“${value}”` : nameOf(value);
}

/** Follow a link within the page, unless it is to open elsewhere. */
export function follow(event, state, kept) {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button > 0) return;
  event.preventDefault();
  go(state, kept);
}
