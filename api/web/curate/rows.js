// Claims and mediations as rows of a form, each a sentence that opens. A row knows its place, so that faults of
// the service find it; when one is added or taken away, all are made anew.

import { $, el, fill } from "../explorer/dom.js";
import { CATEGORIES, QUALIFIERS, ROLES, capital } from "../explorer/words.js";
import { actorOptions } from "./catalogue.js";
import { combobox, multibox } from "./combobox.js";
import { newClaim, newMediation } from "./drafts.js";
import { areaField, countField, field, idOf, wordField } from "./fields.js";
import { claimText, mediationText } from "./telling.js";

const OWN_VOICE = "the article’s own voice";
const WORDS = {
  category: Object.fromEntries(Object.entries(CATEGORIES).map(([code, [, many]]) => [code, many])),
  qualifier: { ...Object.fromEntries(Object.entries(QUALIFIERS).map(([code, text]) => [code, text.trim()])), exact: "exactly" },
};

/** The claims of a draft. */
export function claimRows(form) {
  return rows(form, {
    name: "claims", one: "Claim", add: "Add a claim", fresh: () => newClaim(form.draft, form.draft.citations[0]), tell: claimText, first: "released_by",
    none: "No claim yet: nobody states how many were handed over.",
    fields: (claim, at, changed) => [
      actorField(`${at}/released_by`, "Released by", claim, "released_by", changed),
      actorField(`${at}/received_by`, "Received by", claim, "received_by", changed),
      wordField({ pointer: `${at}/qualifier`, label: "Wording", vocabulary: "qualifier", words: WORDS.qualifier, value: claim.qualifier, onValue: changed("qualifier") }),
      countField({ pointer: `${at}/count`, label: "Count", value: claim.count, onValue: changed("count") }),
      wordField({ pointer: `${at}/category`, label: "Whom it counts", vocabulary: "category", words: WORDS.category, value: claim.category, onValue: changed("category") }),
      actorField(`${at}/claimant`, "Said by", claim, "claimant", changed, OWN_VOICE),
      wordField({ pointer: `${at}/covers`, label: "Covers", vocabulary: "covers", value: claim.covers, onValue: changed("covers") }),
      wordField({ pointer: `${at}/rank`, label: "Rank", vocabulary: "rank", value: claim.rank, onValue: changed("rank") }),
      citationsField(form, `${at}/citations`, claim, changed),
      areaField({ pointer: `${at}/note`, label: "Note", value: claim.note, rows: 2, warn: true, onValue: changed("note") }),
    ],
  });
}

/** The mediations of a draft. */
export function mediationRows(form) {
  return rows(form, {
    name: "mediations", one: "Mediation", add: "Add a mediation", fresh: () => newMediation(form.draft.citations[0]), tell: mediationText, first: "actor",
    none: "Nobody is said to have brokered it.",
    fields: (mediation, at, changed) => [
      actorField(`${at}/actor`, "Who", mediation, "actor", changed),
      wordField({ pointer: `${at}/role`, label: "Role", vocabulary: "mediation_role", words: ROLES, value: mediation.role, onValue: changed("role") }),
      wordField({ pointer: `${at}/stance`, label: "Asserted or denied", vocabulary: "stance", value: mediation.stance, onValue: changed("stance") }),
      actorField(`${at}/claimant`, "Said by", mediation, "claimant", changed, OWN_VOICE),
      citationsField(form, `${at}/citations`, mediation, changed),
    ],
  });
}

function actorField(pointer, label, part, name, changed, placeholder) {
  return field({ pointer, label }, combobox({ options: actorOptions, value: part[name], onValue: changed(name), placeholder }));
}

/** The articles that state something. */
export function citationsField(form, pointer, citing, changed, label = "Articles that state it") {
  return field({ pointer, label, wide: true }, multibox({
    options: form.articles, values: citing.citations, onValue: changed("citations"), placeholder: "words of a title, a publisher or a URL",
  }));
}

function rows(form, kind) {
  const list = el("div", { class: "rows" });
  const button = el("button", { type: "button", id: idOf(`/${kind.name}`), onclick: () => add() }, kind.add);
  const parts = () => form.draft[kind.name];
  const opened = new Set(); // the parts whose rows are open

  function show() {
    fill(list, parts().length === 0 ? el("p", { class: "faint" }, kind.none) : parts().map(row));
  }

  function row(part, place) {
    const at = `/${kind.name}/${place}`;
    const title = `${kind.one} ${place + 1}`;
    const told = el("span", { class: "told" }, kind.tell(part));
    const changed = (name) => (value) => {
      part[name] = value;
      told.textContent = kind.tell(part);
      form.changed();
    };
    return el("details", { class: "row", data: { row: title }, open: opened.has(part), ontoggle: (event) => opened[event.target.open ? "add" : "delete"](part) },
      el("summary", {}, el("span", { class: "which" }, title), " ", told),
      el("div", { class: "grid", role: "group", "aria-label": title }, kind.fields(part, at, changed)),
      el("button", { type: "button", class: "plain away", onclick: () => remove(part) }, `Take ${title.toLowerCase()} away`));
  }

  function add() {
    const part = kind.fresh();
    parts().push(part);
    opened.add(part);
    show();
    form.changed();
    $(`#${CSS.escape(idOf(`/${kind.name}/${parts().length - 1}/${kind.first}`))}`, list).focus();
  }

  function remove(part) {
    form.draft[kind.name] = parts().filter((each) => each !== part);
    show();
    form.changed();
    button.focus();
  }

  show();
  return el("section", { class: "part", data: { pointer: `/${kind.name}`, label: capital(kind.name) }, "aria-label": capital(kind.name) }, form.heading(kind.name),
    el("p", { class: "error", id: `${idOf(`/${kind.name}`)}-error`, hidden: true }), list, button);
}
