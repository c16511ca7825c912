// The page put together: the door, the two things that one can do behind it, and the way out.

import { $, el, fill } from "../explorer/dom.js";
import { loadCatalogue } from "./catalogue.js";
import { guard } from "./asking.js";
import { field, showFaults } from "./fields.js";
import { countOpen, hasNotes, showQueue } from "./proposals.js";
import { forget, me, onSession, signIn } from "./session.js";
import { isUnsaved, openNamed, prepareWorkspace, redraw } from "./workspace.js";

const ROLES = {
  contributor: "contributor: what you save becomes a proposal that curators decide on",
  curator: "curator: what you save is written at once",
  admin: "administrator: what you save is written at once",
};
const door = $("#door");
const holder = $("#holder");
const sections = { write: $("#write"), queue: $("#queue") };
const tabs = {
  write: el("button", { type: "button", onclick: () => turn("write") }, "Write"),
  queue: el("button", { type: "button", onclick: () => turn("queue") }, "Proposals"),
};
let open = "write";
let prepared = false;

function showDoor(why) {
  // No password field: browsers offer to keep those. The style sheet hides the letters.
  const input = el("input", { type: "text", class: "secret", autocomplete: "off", autocapitalize: "none", spellcheck: "false", placeholder: "exk_…" });
  const button = el("button", { type: "submit" }, "Go in");
  const form = el("form", { novalidate: true, autocomplete: "off", onsubmit: enter },
    field({ pointer: "/key", label: "Your key", hint: "It stays in the memory of this page alone: not in the browser’s storage, in no cookie, in no address. Reloading the page forgets it." }, input),
    button);
  fill(door, el("h2", { id: "door-title" }, "A key, please"),
    el("p", {}, "Whoever runs the service makes keys. With a curator’s key you write; with a contributor’s you propose. Reading needs none: ", el("a", { href: "/" }, "the explorer"), "."),
    why ? el("p", { class: "fault", role: "alert" }, why) : null, form);
  door.hidden = false;

  async function enter(event) {
    event.preventDefault();
    const text = input.value.trim();
    input.value = "";
    button.disabled = true;
    try {
      await loadCatalogue();
      await signIn(text);
    } catch (error) {
      if (!error.told) throw error;
      showFaults(door, [{ pointer: "/key", message: error.message }]);
      input.focus();
    } finally {
      button.disabled = false;
    }
  }
}

async function goIn() {
  door.hidden = true;
  fill(door);
  const { name, role } = me();
  fill(holder, el("nav", { class: "tabs", "aria-label": "What to do" }, Object.values(tabs)),
    el("p", { class: "who" }, el("span", {}, el("b", {}, name), `, ${ROLES[role] ?? role}`), el("button", { type: "button", onclick: () => forget() }, "Forget the key")));
  holder.hidden = false;
  const first = !prepared;
  if (first) prepareWorkspace();
  else redraw();
  prepared = true;
  await turn(open);
  const named = new URLSearchParams(location.search).get("exchange");
  if (first && named) await openNamed(named);
  if (open === "write") showWaiting(await countOpen());
}

function showWaiting(count) {
  fill(tabs.queue, "Proposals", count ? el("span", { class: "count" }, ` ${count}`, el("span", { class: "unseen" }, " waiting")) : null);
}

async function turn(to) {
  open = to;
  for (const [name, section] of Object.entries(sections)) {
    section.hidden = name !== to;
    if (name === to) tabs[name].setAttribute("aria-current", "page");
    else tabs[name].removeAttribute("aria-current");
  }
  if (to === "queue") await showQueue(showWaiting);
  else $("input", sections.write)?.focus();
}

function goOut(why) {
  holder.hidden = true;
  fill(sections.queue);
  for (const section of Object.values(sections)) section.hidden = true;
  showDoor(why);
  $("input", door).focus();
}

onSession((why) => { if (me() === null) goOut(why); else goIn(); });
guard(isUnsaved, hasNotes);
showDoor("");
