// Taking things along: addresses, files and citations.

import { post } from "./api.js";
import { el, fill, say } from "./dom.js";

/** A button that copies what `text` gives; where the browser forbids it, the text is shown to be copied by hand. */
export function copier(label, text, said) {
  return el("button", { type: "button", onclick: async (event) => {
    const button = event.currentTarget;
    const value = text();
    try {
      await navigator.clipboard.writeText(value);
      say(`${said} copied`);
    } catch {
      const field = el("input", { class: "copied", readonly: true, value, "aria-label": said });
      button.after(field);
      field.select();
    }
  } }, label);
}

/** A link to a file. */
export const download = (label, path) => el("a", { class: "button", href: path, download: true }, label);

/** A button that asks for a citation when it is wanted, and shows it below `place`. */
export function citer(place, ask) {
  return el("button", { type: "button", "aria-expanded": "false", onclick: async (event) => {
    const button = event.currentTarget;
    if (button.getAttribute("aria-expanded") === "true") {
      button.setAttribute("aria-expanded", "false");
      fill(place);
      return;
    }
    button.disabled = true;
    try {
      fill(place, citationNodes(await ask()));
      button.setAttribute("aria-expanded", "true");
    } catch (error) {
      fill(place, el("p", { class: "fault", role: "alert" }, error.message));
    } finally {
      button.disabled = false;
      button.focus();
    }
  } }, "Cite this");
}

/** Ask for a citation that returns the same records for ever. */
export const citationOf = (path) => post("/v1/citations", { url: path });

function citationNodes(citation) {
  return el("div", { class: "citation" },
    el("p", {}, citation.text),
    el("p", { class: "tools" },
      copier("Copy text", () => citation.text, "Citation"),
      copier("Copy BibTeX", () => citation.bibtex, "BibTeX"),
      copier("Copy RIS", () => citation.ris, "RIS"),
      el("a", { href: citation.url }, "The cited records"),
    ),
    citation.notes.map((note) => el("p", { class: "note" }, note.text)),
  );
}
