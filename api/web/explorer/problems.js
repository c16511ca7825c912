// What stands in place of results: that nothing matches, or what went wrong and how to put it right.

import { el } from "./dom.js";
import { follow } from "./filters.js";
import { changed, current, filtersOf, hrefOf, lacking } from "./state.js";
import { nameOf } from "./words.js";

/** Tell of a problem, with its suggestions as links; `retry` asks once more. */
export function problemNodes(problem, retry) {
  const { title, detail, errors, code, type } = problem.told;
  const state = current();
  return [
    el("h2", {}, title),
    errors.length ? null : el("p", {}, detail),
    errors.map((error) => el("div", { class: "fault" },
      el("p", {}, error.parameter ? el("code", {}, error.parameter) : null, error.parameter ? ": " : "", error.message, "."),
      remedies(error, state),
    )),
    el("p", { class: "ways" },
      errors.length ? null : el("button", { type: "button", onclick: retry }, "Try again"),
      state.size > 0 ? link("/", "Show all exchanges", new URLSearchParams()) : null,
      type && code !== "no_answer" ? el("a", { href: type }, "What this problem means") : null,
    ),
  ];
}

function link(href, text, state) {
  return el("a", { href, onclick: (event) => follow(event, state) }, text);
}

function remedies(error, state) {
  const name = error.parameter;
  const values = state.getAll(name);
  if (!name || values.length === 0) return null;
  const wrong = values.find((value) => error.message.includes(`'${value}'`)) ?? values[0];
  const instead = (suggestion) => (error.code === "unknown_parameter"
    ? [changed({ [name]: null, [suggestion]: wrong }, state), `${suggestion}=${wrong}`]
    : [withInstead(state, name, wrong, suggestion), nameOf(suggestion)]);
  const [suggested, without] = [error.suggestions.map(instead), lacking(name, wrong, state)];
  return el("p", { class: "remedies" },
    suggested.length ? "Did you mean " : null,
    suggested.map(([next, text], place) => [place ? " or " : null, link(hrefOf(next), text, next)]),
    suggested.length ? "? Or " : null,
    link(hrefOf(without), suggested.length ? `leave ${name} out` : `Leave ${name} out`, without), ".",
  );
}

function withInstead(state, name, wrong, right) {
  const next = new URLSearchParams();
  for (const [each, value] of state) {
    if (!["cursor", "record"].includes(each)) next.append(each, each === name && value === wrong ? right : value);
  }
  return next;
}

/** Say that nothing matches, and what may be left out. */
export function emptyNodes(state) {
  const filters = filtersOf(state);
  return [
    el("p", {}, filters.length > 1
      ? `Each filter alone may match something: take one away above, or begin anew.${filters.some(([name]) => name === "q") ? "" : " Names are understood in any spelling, so this is no misspelling: there is nothing in the dataset."}`
      : "There is nothing of the kind in the dataset."),
    el("p", {}, link("/", "Show all exchanges", new URLSearchParams())),
  ];
}
