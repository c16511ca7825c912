// The history of a record: every revision with its reason, and what it changed, in words.

import { get, getAll } from "./api.js";
import { el, fill } from "./dom.js";
import { ACTIONS, momentText, number, wordOf } from "./words.js";

/** A section that asks for the history at once, since it is what tells whether a number is old or new. */
export function historyNodes(record) {
  const path = `/v1/exchanges/${encodeURIComponent(record.id)}`;
  const list = el("div", { "aria-busy": "true" }, el("span", { class: "skeleton" }, "Loading the history"));
  getAll(`${path}/revisions`).then(
    (revisions) => fill(list, el("ol", { class: "revisions" }, revisions.reverse().map((each) => revisionNode(each, path, record)))),
    (error) => fill(list, el("p", { class: "fault" }, error.message)),
  ).finally(() => list.removeAttribute("aria-busy"));
  return el("section", {}, el("h3", {}, "History"), list);
}

function revisionNode(revision, path, record) {
  const changes = el("div", { "aria-live": "polite" });
  const first = revision.number === 1;
  return el("li", { value: revision.number },
    el("p", {}, el("b", {}, wordOf(ACTIONS, revision.action)), " ", el("time", { datetime: revision.at }, momentText(revision.at)),
      revision.number === record.revision ? el("span", { class: "faint" }, " (shown here)") : null),
    revision.reason ? el("p", { class: "note" }, "Reason: ", revision.reason) : null,
    first ? null : el("p", {}, el("button", { type: "button", class: "plain", "aria-expanded": "false", onclick: (event) => toggle(event.currentTarget, changes, revision, path) }, "What changed")),
    changes);
}

async function toggle(button, place, revision, path) {
  const open = button.getAttribute("aria-expanded") === "true";
  button.setAttribute("aria-expanded", String(!open));
  if (open) { fill(place); return; }
  try {
    const diff = await get(`${path}/diff?from_revision=${revision.number - 1}&to_revision=${revision.number}`);
    if (button.getAttribute("aria-expanded") !== "true") return; // closed again meanwhile
    fill(place, el("ul", { class: "changes" }, diff.sentences.length
      ? diff.sentences.map((sentence) => el("li", {}, sentence))
      : el("li", {}, `Nothing that revision ${number(revision.number - 1)} did not say.`)));
  } catch (error) {
    fill(place, el("p", { class: "fault" }, error.message));
  }
}
