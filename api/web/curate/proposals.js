// The queue of proposals: what each would change, and what becomes of it. Curators decide; contributors see their
// own, and may take one back.

import { get } from "../explorer/api.js";
import { $, el, fill, say } from "../explorer/dom.js";
import { capital, momentText, wordOf } from "../explorer/words.js";
import { confirmed } from "./asking.js";
import { learnArticles } from "./catalogue.js";
import { areaField, faultSummary, showFaults } from "./fields.js";
import { fieldsOf, patched } from "./patching.js";
import { figureNodes } from "./preview.js";
import { mayWrite, orSay, send } from "./session.js";
import { changedNodes, learnCited, saidNodes } from "./whole.js";
import { faultsOf } from "./writing.js";

const STATES = { open: "waiting", accepted: "accepted", rejected: "rejected", withdrawn: "taken back" };
const ACTIONS = { create: "A new", update: "A change of the", delete: "Take out the" };
const TITLES = { create: "What it says", update: "What it changes", delete: "What it takes out" };
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
    el("h3", { id }, `${wordOf(ACTIONS, proposal.action)} ${proposal.resource}`, proposal.record_id ? [": ", recordLink(proposal)] : null),
    el("blockquote", {}, proposal.comment),
    el("p", {}, "The page that says so: ", el("a", { href: proposal.source_url, rel: "noreferrer" }, proposal.source_url)),
    proposal.conflicting ? el("p", { class: "fault" }, "Its record was written since it was made. It cannot be accepted until its proposer has based it on how the record stands now.") : null,
    diff, messages, decision);
  const seen = () => { for (const button of node.querySelectorAll("button.main")) button.disabled = proposal.conflicting; };
  showDiff(proposal, diff, seen);
  fill(decision, proposal.state === "open" ? decisions(proposal, { node, messages, tell }) : outcome(proposal));
  return node;
}

/** The id of a record as a link to what readers see of it: an exchange in the explorer, all else in the API. */
function recordLink({ resource, record_id: id, links }) {
  return el("a", { class: "record", href: resource === "exchange" ? `/?record=${encodeURIComponent(id)}` : links.record }, id);
}

/** Show all that it changes; only then can it be accepted, since what is accepted becomes public. */
async function showDiff(proposal, place, seen) {
  try {
    const { body } = await send("GET", `/v1/proposals/${proposal.id}/diff`);
    const before = await stoodBefore(proposal, body);
    const [after, fields] = [patched(before, body.patch), fieldsOf(body.patch)];
    learnArticles(before.articles ?? []);
    await learnCited(...[before, after].map((record) => fields.map((name) => ({ [name]: record[name] }))));
    const nodes = proposal.action === "update" ? changedNodes(before, after, fields) : saidNodes(proposal.action === "create" ? after : before, fields);
    fill(place, el("h4", {}, TITLES[proposal.action]),
      el("ul", { class: "changes" }, nodes.length ? nodes : el("li", {}, "Nothing that the record does not say already.")));
    seen();
  } catch (error) {
    if (!error.told) throw error;
    fill(place, el("p", { class: "fault" }, error.message), el("button", { type: "button", onclick: () => showDiff(proposal, place, seen) }, "Show it again"));
    return;
  }
  if (mayWrite() && proposal.state === "open" && !proposal.conflicting) await showFigures(proposal, place);
}

/** The record that its patch is of: as it stands, or as it stood before the proposal was accepted; `{}` without one. */
async function stoodBefore(proposal, { newest_revision: newest }) {
  const { action, links } = proposal;
  const number = links.revision ? Number(links.revision.split("/").at(-1)) - 1 : newest;
  if (action === "create" || !number) return {};
  try {
    return await get(`${links.record}/revisions/${number}`);
  } catch (error) {
    if (error.told?.code === "gone") return {}; // what is gone is told by the patch alone
    throw error;
  }
}

/** The figures that accepting it would make, told by a dry run; or why it cannot be accepted. */
async function showFigures(proposal, place) {
  try {
    const { body } = await send("POST", `/v1/proposals/${proposal.id}/accept`, { query: { dry_run: "true" }, etag: `"${proposal.version}"` });
    const change = body.changes.find(({ resource }) => resource === "exchange");
    const after = change && change.action !== "deleted" ? JSON.parse(change.body) : null;
    if (after?.figures) place.append(el("h4", {}, "The figures it would make"), el("div", { class: "figures" }, figureNodes(after.figures)));
  } catch (error) {
    if (!error.told) throw error;
    place.append(el("p", { class: "fault" }, error.message));
  }
}

function decisions(proposal, shown) {
  const run = (path, query, done, etag) => decide(proposal, shown, path, query, done, etag);
  const which = el("span", { class: "unseen" }, ` (${proposal.id})`);
  if (!mayWrite()) {
    return el("p", { class: "ways" }, el("button", { type: "button", onclick: () => run("withdraw", {}, "taken back") }, "Take it back", which));
  }
  const said = () => {
    const note = notes.get(proposal.id)?.trim();
    return note ? { reason: note } : {};
  };
  const etag = `"${proposal.version}"`;
  const accept = async () => {
    const sure = proposal.action !== "delete" || await confirmed(`Take out the ${proposal.resource} ${proposal.record_id}?`, "Readers find it no more, and no list and no sum has it. Its history stays.", "Take it out");
    if (sure) await run("accept", said(), "accepted", etag);
  };
  return el("div", { class: "grid" },
    areaField({
      pointer: `/${proposal.id}/reason`, label: "Note", rows: 2, warn: true, value: notes.get(proposal.id), onValue: (text) => notes.set(proposal.id, text),
      hint: "Needed to reject it: the proposer sees why. If it is accepted, this stands in the history in place of the comment.",
    }),
    el("p", { class: "ways" },
      el("button", { type: "button", class: "main", disabled: true, onclick: accept }, "Accept", which),
      el("button", { type: "button", onclick: () => run("reject", said(), "rejected", etag) }, "Reject", which.cloneNode(true))));
}

async function decide(proposal, { node, messages, tell }, verb, query, done, etag) {
  const buttons = [...node.querySelectorAll(".ways button:enabled")];
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

