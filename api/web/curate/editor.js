// Writing one exchange: the form, the preview beside it, the save, and what comes of it.

import { $, el, fill } from "../explorer/dom.js";
import { historyNodes } from "../explorer/history.js";
import { conflictView } from "./conflict.js";
import { exchangeText, learnArticles } from "./catalogue.js";
import { draftOf, same } from "./drafts.js";
import { areaField, clearFaults, faultSummary, showFaults, textField } from "./fields.js";
import { exchangeForm } from "./form.js";
import { preview } from "./preview.js";
import { mayWrite } from "./session.js";
import { faultsOf, isDuplicate, pathOfExchange, save, standsNow, tryOut } from "./writing.js";

const NEEDED = { reason: "is needed, since it stands in the history", source: "is needed: what is proposed cites a page that says so" };

/**
 * Open a form in a place. `start`: the draft, the record and ETag that it was loaded from (or null), the page that
 * says so, an article that the record shall cite besides (or null), and whether something is unsaved already, as a
 * new article is. `leave` goes back to the articles.
 */
export function openEditor(place, { added, pending, ...start }, leave) {
  const work = { reason: "", allowDuplicate: false, ...start };
  let base = structuredClone(work.draft);
  if (added !== null && !work.draft.citations.includes(added)) work.draft.citations.push(added);
  let unsaved = pending; // besides the draft
  let settled = false; // what is in the form is stored
  let finished = false; // in place of the form stands what became of it
  const messages = el("div", { class: "messages" });
  const duplicate = el("p", { class: "field wide", hidden: true }, el("label", {},
    el("input", { type: "checkbox", autocomplete: "off", onchange: (event) => { work.allowDuplicate = event.target.checked; changed(); } }), " It is another exchange all the same"));
  const shown = preview(() => ({ ...work }), (error) => { if (error && isDuplicate(error)) duplicate.hidden = false; });

  function changed() {
    settled = false;
    shown.later();
  }

  function show() {
    const { record } = work;
    finished = false;
    if (record) learnArticles(record.articles);
    const title = record ? exchangeText(record) : "A new exchange";
    fill(place,
      el("p", {}, el("button", { type: "button", class: "plain", onclick: leave }, "Another article")),
      el("h2", { tabindex: "-1" }, title),
      record ? el("p", { class: "faint" }, el("a", { href: `/?record=${encodeURIComponent(record.id)}` }, record.id), `, revision ${record.revision}`) : null,
      messages,
      el("form", { class: "editor", novalidate: true, autocomplete: "off", onsubmit: submit },
        exchangeForm(work.draft, changed),
        shown.panel,
        savingFields()));
    shown.later();
  }

  function savingFields() {
    const write = mayWrite();
    return el("section", { class: "part saving", "aria-label": write ? "Save" : "Propose" }, el("h3", {}, write ? "Save" : "Propose"), el("div", { class: "grid" },
      areaField({ pointer: "/reason", label: write ? "Reason" : "Comment for the curators", rows: 2, warn: true, value: work.reason, onValue: (text) => { work.reason = text; }, hint: write ? "Why: it stands in the history of the record for good." : "Why: it becomes public if the proposal is accepted, and stays in the history for good." }),
      write ? null : textField({ pointer: "/source", label: "Page that says so", wide: true, value: work.source, onValue: (text) => { work.source = text; } }, { inputmode: "url", spellcheck: "false" }),
      duplicate),
    el("p", { class: "ways" }, el("button", { type: "submit" }, write ? "Save" : "Send the proposal")));
  }

  async function submit(event) {
    event?.preventDefault();
    const button = $("button[type=submit]", place);
    button.disabled = true;
    shown.stop();
    clearFaults(place);
    fill(messages);
    try {
      const wanting = (mayWrite() ? ["reason"] : ["reason", "source"]).filter((name) => !work[name].trim());
      if (wanting.length) throw await without(wanting);
      done(await save(work));
    } catch (error) {
      if (!error.told) throw error;
      await refused(error);
    } finally {
      button.disabled = false;
    }
  }

  /** The refusal of a save that does not say these, with whatever else is wrong, so that all is mended at once. */
  async function without(wanting) {
    const missing = wanting.map((name) => ({ parameter: name, message: NEEDED[name] }));
    return tryOut(work).then(
      () => Object.assign(new Error(missing[0].message), { told: { code: "invalid_query", errors: missing } }),
      (error) => {
        if (error.told?.code === "invalid_body") error.told.errors.push(...missing);
        return error;
      });
  }

  async function refused(error) {
    shown.later();
    try {
      const now = await standsNow(error, work);
      if (now !== null) { await contradicted(now); return; }
    } catch (failed) {
      if (!failed.told) throw failed; // how it stands now cannot be had: the refusal itself is told
    }
    if (isDuplicate(error)) duplicate.hidden = false;
    const summary = faultSummary(work.record ? "The change was not saved" : "The exchange was not saved", showFaults(place, faultsOf(error)));
    fill(messages, summary);
    summary.focus();
  }

  async function contradicted({ record, etag }) {
    const view = await conflictView({
      base, mine: work.draft, now: draftOf(record), record,
      resolve(draft, saving) {
        Object.assign(work, { draft, record, etag });
        base = draftOf(record);
        fill(messages);
        show();
        if (saving) submit();
        else $("h2", place).focus();
      },
    });
    fill(messages, view);
    view.focus();
  }

  function done({ body, etag }) {
    unsaved = false;
    settled = true;
    finished = true;
    const heading = el("h2", { tabindex: "-1" }, mayWrite() ? "Saved" : "Proposed");
    const next = el("button", { type: "button", class: "main", onclick: leave }, "Next article");
    fill(place, heading, mayWrite() ? savedNodes(body) : proposedNodes(body), el("p", { class: "ways" }, next,
      mayWrite() ? el("button", { type: "button", onclick: () => openAgain(body, etag) }, "Go on with this record") : null));
    heading.focus();
  }

  function openAgain(record, etag) {
    Object.assign(work, { draft: draftOf(record), record, etag, reason: "", allowDuplicate: false });
    base = structuredClone(work.draft);
    show();
    $("h2", place).focus();
  }

  function savedNodes(record) {
    const path = pathOfExchange(record.id);
    const before = work.record?.revision ?? 0;
    const diff = record.revision > 1 ? `${path}/diff?from_revision=${record.revision - 1}&to_revision=${record.revision}` : null;
    return [
      el("p", {}, record.revision === before ? "Nothing has changed: " : "", el("b", {}, exchangeText(record)), ` is stored as revision ${record.revision} of `, el("code", {}, record.id), "."),
      el("ul", { class: "links" },
        el("li", {}, el("a", { href: `/?record=${encodeURIComponent(record.id)}` }, "The record as readers see it")),
        el("li", {}, el("a", { href: `${path}/revisions` }, "Its history")),
        diff ? el("li", {}, el("a", { href: diff }, "What this save changed")) : null,
        el("li", {}, el("a", { href: path }, "The record in the API"))),
      historyNodes(record),
    ];
  }

  function proposedNodes(proposal) {
    return el("p", {}, "The curators will decide on proposal ", el("b", {}, proposal.id), ". Until then nothing of it is public; you find it under “Proposals”.");
  }

  show();
  $("h2", place).focus();
  return {
    isDirty: () => !settled && (unsaved || !same(work.draft, base)),
    stop: shown.stop,
    redraw() { if (!finished) show(); },
  };
}
