// Fields of forms. Each has the JSON Pointer of what it writes, so that a fault that the service finds is shown
// where it can be mended.

import { $, el } from "../explorer/dom.js";
import { capital, wordOf } from "../explorer/words.js";
import { wordsOf } from "./catalogue.js";

/** The warning that stands where texts are written. */
const NO_NAMES = "Numbers and roles only: never the name of a prisoner or a child, nor a detail that tells who it is.";

/** The id of the control of a pointer. */
export const idOf = (pointer) => `f${pointer.replaceAll("/", "-")}`;

/** A label, a control, and where its hint and its fault stand. */
export function field({ pointer, label, hint, wide, warn }, ...controls) {
  const id = idOf(pointer);
  const [control] = controls;
  const input = control.matches("input, select, textarea") ? control : $("input", control);
  input.id = id;
  input.setAttribute("aria-describedby", [`${id}-error`, hint ? `${id}-hint` : null, warn ? `${id}-warning` : null].filter(Boolean).join(" "));
  return el("div", { class: wide ? "field wide" : "field", data: { pointer } },
    el("label", { for: id }, label),
    controls,
    el("p", { class: "error", id: `${id}-error`, hidden: true }),
    hint ? el("p", { class: "hint", id: `${id}-hint` }, hint) : null,
    warn ? el("p", { class: "warning", id: `${id}-warning` }, NO_NAMES) : null);
}

/** A line of text. */
export function textField({ value, onValue, type = "text", ...rest }, attributes = {}) {
  const input = el("input", { type, value: value ?? "", autocomplete: "off", ...attributes, oninput: (event) => onValue(event.target.value) });
  return field(rest, input);
}

/** Several lines of text. */
export function areaField({ value, onValue, rows = 3, ...rest }) {
  const area = el("textarea", { rows, autocomplete: "off", spellcheck: true, oninput: (event) => onValue(event.target.value) }, value ?? "");
  return field({ wide: true, ...rest }, area);
}

/** A whole number; what is none goes to the service as it is, which says so. */
export function countField({ value, onValue, ...rest }) {
  const read = (text) => (/^-?\d{1,15}$/.test(text.trim()) ? Number(text.trim()) : text.trim());
  return textField({ ...rest, value: String(value ?? ""), onValue: (text) => onValue(read(text)) }, { inputmode: "numeric" });
}

/** A day; the browser shows it in the reader's own way. */
export const dateField = (given) => textField({ ...given, type: "date" });

/** A word of a vocabulary of the codebook; what the chosen one means stands below it. */
export function wordField({ value, onValue, vocabulary, words = {}, empty = null, ...rest }) {
  const choices = wordsOf(vocabulary);
  const meaning = el("p", { class: "hint meaning" });
  const explain = (code) => { meaning.textContent = choices.find(({ word }) => word === code)?.meaning ?? ""; };
  const select = el("select", { autocomplete: "off", onchange: (event) => { onValue(event.target.value); explain(event.target.value); } },
    empty === null ? null : el("option", { value: "" }, empty),
    choices.map(({ word }) => el("option", { value: word, selected: word === value }, capital(wordOf(words, word)))));
  explain(value);
  return field(rest, select, meaning);
}

/** Take away what was said of fields. */
export function clearFaults(within) {
  for (const error of within.querySelectorAll(".error")) {
    error.hidden = true;
    error.textContent = "";
  }
  for (const control of within.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
}

/** Show faults at their fields, or at the nearest one above; give each with the id of the field, or null. */
export function showFaults(within, faults) {
  clearFaults(within);
  return faults.map(({ pointer, message, href }) => {
    const place = nearest(within, pointer);
    if (place === null) return { text: pointer ? `${pointer}: ${message}` : sentence(message), id: null, href };
    const id = idOf(place.dataset.pointer);
    const error = $(`#${CSS.escape(id)}-error`, place);
    error.textContent = `${error.textContent} ${sentence(message)}`.trim();
    error.hidden = false;
    place.closest("details")?.setAttribute("open", "");
    const control = $(`#${CSS.escape(id)}`, place);
    if (control.matches("input, select, textarea")) control.setAttribute("aria-invalid", "true");
    return { text: `${nameOfField(place)}: ${message}`, id };
  });
}

function nearest(within, pointer) {
  for (let path = pointer ?? ""; path; path = path.slice(0, path.lastIndexOf("/"))) {
    const found = $(`[data-pointer="${CSS.escape(path)}"]`, within);
    if (found) return found;
  }
  return null;
}

function nameOfField(place) {
  const row = place.closest("[data-row]")?.dataset.row;
  const label = place.dataset.label ?? $("label", place).textContent;
  return row ? `${row}, ${label.toLowerCase()}` : label;
}

function sentence(message) {
  return `${capital(message)}${/[.?]$/.test(message) ? "" : "."}`;
}

/** A list of what is wrong that leads to each place, and has the focus. */
export function faultSummary(title, faults) {
  const summary = el("section", { class: "faults", tabindex: "-1", role: "alert", "aria-label": title },
    el("h3", { class: "title" }, title),
    el("ul", {}, faults.map(({ text, id, href }) => el("li", {}, id
      ? el("a", { href: `#${id}`, onclick: (event) => { event.preventDefault(); goTo(id); } }, text)
      : href ? el("a", { href }, text) : text))));
  return summary;
}

function goTo(id) {
  const control = document.getElementById(id);
  control.closest("details")?.setAttribute("open", "");
  control.scrollIntoView({ block: "center" });
  control.focus();
}
