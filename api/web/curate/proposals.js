// The queue of proposals: what each would change, and what becomes of it. Curators decide; contributors see their
// own, and may take one back.

import { $, el, fill, say } from "../explorer/dom.js";
import { capital, momentText, wordOf } from "../explorer/words.js";
import { areaField, faultSummary, showFaults } from "./fields.js";
import { figureNodes } from "./preview.js";
import { mayWrite, orSay, send } from "./session.js";
import { saidIn } from "./telling.js";
import { faultsOf } from "./writing.js";

const STATES = { open: "waiting", accepted: "accepted", rejected: "rejected", withdrawn: "taken back" };
const ACTIONS = { create: "A new", update: "A change of the", delete: "Take out the" };
const PER_PAGE = "20";
const section = $("#queue");
const notes = new Map(); // what is written of proposals that are not decided, by id
let state = "open";

/** Whether a note is written here that went out with no decision. */
export const hasNotes = () => [...notes.values()].some((note) => note.trim());

/** Show the queue; `tell` is told how many wait. */
export async function showQueue(tell) {
  const list = el("div", { class: "proposals", "aria-busy": "true" }, el("p", { class: "skeleton" }, "Loading the proposals"));
  const chosen = (event) => { state = event.target.value; showQueue(tell); $("#q-state").focus(); };
  const heading = el("h2", { tabindex: "-1" }, mayWrite() ? "Proposals" : "Your proposals");
  fill(section, el("div", { class: "queue-head" }, heading, el("p", { class: "field" }, el("label", { for: "q-state" }, "Show"),
    el("select", { id: "q-state", autocomplete: "off", onchange: chosen }, Object.entries(STATES).map(([value, text]) => el("option", { value, selected: value === state }, `those ${text}`))))), list);
  const asked = state; // another may be chosen before the answer is here
  try {
    const page = await pageAt("/v1/proposals", { state: asked, limit: PER_PAGE });
    if (asked === "open") tell(page.meta.total);
    fill(list, page.meta.total === 0 ? el("p", { class: "empty" }, asked === "open" ? "No proposal waits." : `There are none that were ${STATES[asked]}.`) : null);
    append(list, page, tell);
  } catch (error) {
    if (!error.told) throw error;
    fill(list, el("p", { class: "fault" }, error.message), el("button", { type: "button", onclick: () => showQueue(tell) }, "Try again"));
  }
  list.removeAttribute("aria-busy");
}

/** How many proposals wait; null where that cannot be had. */
export async function countOpen() {
  return (await orSay(pageAt("/v1/proposals", { state: "open", limit: "1" })))?.meta.total ?? null;
}

async function pageAt(path, query = {}) {
  return (await send("GET", path, { query })).body;
}

function append(list, page, tell) {
  list.append(...page.data.map((each) => card(each, tell)));
  if (page.meta.next === null) return;
  const more = el("button", { type: "button", onclick: async () => {
    const next = await orSay(pageAt(page.meta.next));
    if (next === null || !more.isConnected) return;
    more.remove();
    append(list, next, tell);
  } }, "Show more");
  list.append(more);
}

function card(proposal, tell) {
  const id = `p-title-${proposal.id}`;
  const [diff, messages, decision] = [el("div", { class: "diff" }, el("p", { class: "skeleton" }, "Comparing")), el("div"), el("div")];
  const node = el("article", { class: "proposal", "aria-labelledby": id, data: { proposal: proposal.id } },
    el("p", { class: "kicker" }, `${proposal.id} · by ${proposal.proposed_by} · `, el("time", { datetime: proposal.created_at }, momentText(proposal.created_at))),
    el("h3", { id }, `${wordOf(ACTIONS, proposal.action)} ${proposal.resource}`, proposal.record_id ? [": ", el("span", { class: "record" }, proposal.record_id)] : null),
    el("blockquote", {}, proposal.comment),
    el("p", {}, "The page that says so: ", el("a", { href: proposal.source_url, rel: "noreferrer" }, proposal.source_url)),
    proposal.conflicting ? el("p", { class: "fault" }, "Its record was written since it was made. It cannot be accepted until its proposer has based it on how the record stands now.") : null,
    diff, messages, decision);
  showDiff(proposal, diff);
  fill(decision, proposal.state === "open" ? decisions(proposal, { node, messages, tell }) : outcome(proposal));
  return node;
}

async function showDiff(proposal, place) {
  try {
    const { body } = await send("GET", `/v1/proposals/${proposal.id}/diff`);
    const whole = proposal.action === "create" && proposal.resource === "exchange";
    const sentences = whole ? saidIn(proposal.content) : body.sentences;
    fill(place, el("h4", {}, proposal.action === "create" ? "What it says" : "What it changes"),
      el("ul", { class: "changes" }, sentences.length ? sentences.map((each) => el("li", {}, each)) : el("li", {}, "Nothing that the record does not say already.")));
    if (mayWrite() && proposal.state === "open" && !proposal.conflicting) await showFigures(proposal, place);
  } catch (error) {
    if (!error.told) throw error;
    fill(place, el("p", { class: "fault" }, error.message));
  }
}

/** The figures that accepting it would make, told by a dry run. */
async function showFigures(proposal, place) {
  const { body } = await send("POST", `/v1/proposals/${proposal.id}/accept`, { query: { dry_run: "true" }, etag: `"${proposal.version}"` });
  const change = body.changes.find(({ resource }) => resource === "exchange");
  const after = change && change.action !== "deleted" ? JSON.parse(change.body) : null;
  if (after?.figures) place.append(el("h4", {}, "The figures it would make"), el("div", { class: "figures" }, figureNodes(after.figures)));
}

function decisions(proposal, shown) {
  const run = (path, query, done, etag) => decide(proposal, shown, path, query, done, etag);
  if (!mayWrite()) {
    return el("p", { class: "ways" }, el("button", { type: "button", onclick: () => run("withdraw", {}, "taken back") }, "Take it back"));
  }
  const said = () => {
    const note = notes.get(proposal.id)?.trim();
    return note ? { reason: note } : {};
  };
  const etag = `"${proposal.version}"`;
  return el("div", { class: "grid" },
    areaField({
      pointer: `/${proposal.id}/reason`, label: "Note", rows: 2, warn: true, value: notes.get(proposal.id), onValue: (text) => notes.set(proposal.id, text),
      hint: "Needed to reject it: the proposer sees why. If it is accepted, this stands in the history in place of the comment.",
    }),
    el("p", { class: "ways" },
      el("button", { type: "button", class: "main", disabled: proposal.conflicting, onclick: () => run("accept", said(), "accepted", etag) }, "Accept"),
      el("button", { type: "button", onclick: () => run("reject", said(), "rejected", etag) }, "Reject")));
}

async function decide(proposal, { node, messages, tell }, verb, query, done, etag) {
  const buttons = node.querySelectorAll(".ways button");
  for (const button of buttons) button.disabled = true;
  fill(messages);
  try {
    const { body } = await send("POST", `/v1/proposals/${proposal.id}/${verb}`, { query, etag });
    notes.delete(proposal.id);
    say(`Proposal ${proposal.id} is ${done}`);
    const settled = card(body, tell);
    node.replaceWith(settled);
    settled.tabIndex = -1;
    settled.focus();
    tell(await countOpen());
  } catch (error) {
    if (!error.told) throw error;
    for (const button of buttons) button.disabled = false;
    const faults = faultsOf(error).map((fault) => ({ ...fault, pointer: fault.pointer && `/${proposal.id}${fault.pointer}` }));
    const summary = faultSummary(`The proposal was not ${done}`, showFaults(node, faults));
    fill(messages, summary, error.told.code === "precondition_failed" ? el("p", {}, el("button", { type: "button", onclick: () => again(proposal, node, tell) }, "Show it as it is now")) : null);
    summary.focus();
  }
}

/** Show a proposal that was edited since it was loaded. */
async function again({ id }, node, tell) {
  const answer = await orSay(send("GET", `/v1/proposals/${id}`));
  if (answer === null) return;
  const fresh = card(answer.body, tell);
  node.replaceWith(fresh);
  fresh.tabIndex = -1;
  fresh.focus();
}

function outcome(proposal) {
  const { links, decided_at: at, decided_by: by, decision_reason: why } = proposal;
  return el("p", { class: "outcome" }, el("b", {}, capital(wordOf(STATES, proposal.state))), ` ${momentText(at)}${by ? `, by ${by}` : ""}`, why ? `: ${why}` : ".",
    links.record && proposal.resource === "exchange" ? [" ", el("a", { href: `/?record=${encodeURIComponent(proposal.record_id)}` }, "The record")] : null,
    links.revision ? [" ", el("a", { href: links.revision }, "The revision")] : null);
}

