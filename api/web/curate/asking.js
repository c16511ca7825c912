// Questions that must be answered before something is lost or done for good.

import { $, el, fill } from "../explorer/dom.js";

/** Ask a question with two answers; whatever closes the dialog otherwise is a no. */
export function confirmed(title, text, yes, no = "Go back") {
  const dialog = $("#ask");
  return new Promise((resolve) => {
    dialog.returnValue = "";
    fill(dialog, el("form", { method: "dialog" },
      el("h2", { id: "ask-title" }, title), el("p", {}, text),
      el("p", { class: "ways" }, el("button", { value: "no", autofocus: true }, no), el("button", { value: "yes", class: "danger" }, yes))));
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    dialog.showModal();
  });
}

let unsaved = () => false;

/** Have the browser ask before the page is left with something unsaved, or something besides that only leaving loses. */
export function guard(isUnsaved, besides) {
  unsaved = isUnsaved;
  addEventListener("beforeunload", (event) => { if (unsaved() || besides()) event.preventDefault(); });
}

/** Ask before what is unsaved is put away. */
export async function mayDiscard() {
  return !unsaved() || confirmed("Put away what you wrote?", "It is not saved, and nothing keeps it.", "Put it away");
}
