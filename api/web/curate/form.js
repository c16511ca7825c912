// The form of one exchange. Whatever is typed goes into the draft at once; the draft is what is saved.

import { el } from "../explorer/dom.js";
import { KINDS, STATUSES } from "../explorer/words.js";
import { actorOptions, agreementOptions, articleOptions } from "./catalogue.js";
import { combobox, multibox } from "./combobox.js";
import { citedIn } from "./drafts.js";
import { areaField, dateField, field, textField, wordField } from "./fields.js";
import { citationsField, claimRows, mediationRows } from "./rows.js";

const HEADINGS = {
  claims: ["Who says how many", "One claim for each statement: the same people counted by two sides are two claims. A misprint stays, with the rank “deprecated” and a note."],
  mediations: ["Who brokered it", "A mediation is a claim too: who says so, or denies it, and in which articles."],
};

/** The fields of a draft; `changed` is called after every change of it. */
export function exchangeForm(draft, changed) {
  const form = { draft, changed, articles: articleOptions(() => citedIn(draft)), heading };
  const set = (name) => (value) => {
    draft[name] = value;
    changed();
  };
  return el("div", { class: "fields" },
    el("section", { class: "part", "aria-label": "What happened" }, el("h3", {}, "What happened"), el("div", { class: "grid" },
      wordField({ pointer: "/kind", label: "Kind", vocabulary: "exchange_kind", words: KINDS, empty: "Choose what it was", value: draft.kind, onValue: set("kind") }),
      wordField({ pointer: "/status", label: "Status", vocabulary: "exchange_status", words: STATUSES, value: draft.status, onValue: set("status") }),
      dateField({ pointer: "/date", label: "Date", value: draft.date, onValue: set("date") }),
      dateField({ pointer: "/date_end", label: "Last day, if there were several", value: draft.date_end, onValue: (day) => set("date_end")(day || null) }),
      wordField({ pointer: "/date_precision", label: "Date known to the", vocabulary: "date_precision", words: { day: "day", month: "month", year: "year" }, value: draft.date_precision, onValue: set("date_precision") }),
      field({ pointer: "/agreement", label: "Carries out the agreement" }, combobox({ options: agreementOptions, value: draft.agreement, onValue: set("agreement"), placeholder: "none" })),
      field({ pointer: "/parties", label: "Parties", wide: true }, multibox({ options: actorOptions, values: draft.parties, onValue: set("parties"), placeholder: "a name in any script" })),
      areaField({ pointer: "/summary", label: "Summary", hint: "One sentence or two in your own words; no sentence of an article is copied.", warn: true, value: draft.summary, onValue: set("summary") }),
      locationFields(form))),
    claimRows(form),
    mediationRows(form),
    el("section", { class: "part", "aria-label": "Articles of the record" }, el("h3", {}, "Articles"),
      el("p", { class: "faint" }, "Every article that supports anything in the record. What a claim cites is added when it is saved."),
      el("div", { class: "grid" }, citationsField(form, "/citations", draft, set, "Articles of the record")),
      draft.overlaps.length ? el("p", { class: "faint" }, `Counted elsewhere too, and kept as it is: ${draft.overlaps.map(({ exchange }) => exchange).join(", ")}.`) : null));
}

function heading(name) {
  const [title, text] = HEADINGS[name];
  return [el("h3", {}, title), el("p", { class: "faint" }, text)];
}

/** Where it took place: nothing of it is written while it has neither a name nor an article. */
function locationFields(form) {
  const place = form.draft.location ?? { name: "", citations: [] };
  const set = (name) => (value) => {
    place[name] = value;
    form.draft.location = place.name || place.citations.length ? place : null;
    form.changed();
  };
  return [
    textField({ pointer: "/location/name", label: "Place", warn: true, wide: true, value: place.name, onValue: set("name") }),
    citationsField(form, "/location/citations", place, set, "Articles that state the place"),
  ];
}

