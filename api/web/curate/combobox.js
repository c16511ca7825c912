// A text field with a list of what it may mean: the combobox pattern of the ARIA Authoring Practices, for one
// value or several. What is typed is only ever a search; a value is what was chosen.

import { el, fill, say } from "../explorer/dom.js";

const PAUSE = 150; // ms after a keystroke before the service is asked
let count = 0;

/** One value or null. `options`: search, textOf, detailOf. */
export function combobox({ options, value, onValue, placeholder }) {
  let chosen = value ?? null;
  const box = searchBox(options, placeholder, {
    choose({ value: picked }) {
      set(picked);
      box.input.value = options.textOf(picked);
    },
    leave() {
      const typed = box.input.value.trim();
      if (!typed) set(null);
      box.input.value = chosen === null ? "" : options.textOf(chosen);
      if (typed && typed !== box.input.value) say(`“${typed}” was not chosen: ${box.input.value || "nothing"} stays`);
    },
    erase() { return false; },
  });
  const set = (next) => {
    if (next === chosen) return;
    chosen = next;
    onValue(next);
  };
  if (chosen !== null) box.input.value = options.textOf(chosen);
  return el("div", { class: "combo" }, box.nodes);
}

/** Several values, each with a button that takes it away. */
export function multibox({ options, values, onValue, placeholder }) {
  let chosen = [...values];
  const list = el("ul", { class: "chosen" });
  const box = searchBox(options, placeholder, {
    choose({ value: picked }) {
      box.input.value = "";
      if (!chosen.includes(picked)) set([...chosen, picked]);
    },
    leave() {
      const typed = box.input.value.trim();
      box.input.value = "";
      if (typed) say(`“${typed}” was not chosen`);
    },
    erase() {
      if (chosen.length === 0) return false;
      set(chosen.slice(0, -1));
      return true;
    },
  });
  const set = (next) => {
    chosen = next;
    show();
    onValue(next);
  };
  const show = () => fill(list, chosen.map((each) => el("li", {},
    el("span", {}, options.textOf(each), options.detailOf ? el("span", { class: "detail" }, options.detailOf(each)) : null),
    el("button", {
      type: "button", class: "remove", "aria-label": `Remove ${options.textOf(each)}`,
      onclick: () => { set(chosen.filter((other) => other !== each)); box.input.focus(); },
    }, "×"))));
  show();
  return el("div", { class: "combo many" }, list, box.nodes);
}

function searchBox(options, placeholder, { choose, leave, erase }) {
  const id = `list-${count += 1}`;
  const list = el("ul", { id, role: "listbox", class: "choices", hidden: true, "aria-label": "Suggestions" });
  const told = el("span", { class: "unseen", role: "status" });
  const input = el("input", {
    type: "text", role: "combobox", autocomplete: "off", autocapitalize: "none", spellcheck: "false", "aria-autocomplete": "list", "aria-expanded": "false",
    "aria-controls": id, placeholder,
    oninput: () => ask(PAUSE), onkeydown: pressed, onclick: () => { if (!isOpen()) ask(0); },
    onblur: () => { close(); leave(); },
  });
  let found = [];
  let active = -1;
  let timer = 0;
  let asking = new AbortController();
  const isOpen = () => !list.hidden;

  function ask(pause) {
    clearTimeout(timer);
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    timer = setTimeout(() => options.search(input.value, signal).then(
      (answers) => { if (!signal.aborted && document.activeElement === input) open(answers); },
      (error) => { if (!signal.aborted) { close(); say(error.message); } },
    ), pause);
  }

  function open(answers) {
    found = answers;
    const searched = input.value.trim() !== "";
    fill(list, found.map(({ text, detail }, place) => el("li", {
      id: `${id}-${place}`, role: "option", "aria-selected": "false",
      onpointerdown: (event) => event.preventDefault(), // the field keeps the focus
      onclick: () => pick(place),
    }, text, detail ? el("span", { class: "detail" }, detail) : null)),
    found.length === 0 && searched ? el("li", { class: "none", role: "option", "aria-disabled": "true", "aria-selected": "false" }, "Nothing has that name") : null);
    list.hidden = found.length === 0 && !searched;
    input.setAttribute("aria-expanded", String(isOpen()));
    told.textContent = searched ? `${found.length} found` : "";
    move(searched && found.length > 0 ? 0 : -1);
  }

  function close() {
    clearTimeout(timer);
    asking.abort();
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    move(-1);
  }

  function move(place) {
    active = place;
    [...list.children].forEach((each, index) => each.setAttribute("aria-selected", String(index === place)));
    if (place < 0) { input.removeAttribute("aria-activedescendant"); return; }
    input.setAttribute("aria-activedescendant", `${id}-${place}`);
    list.children[place].scrollIntoView({ block: "nearest" });
  }

  function pick(place) {
    const picked = found[place];
    close();
    choose(picked);
    told.textContent = `${picked.text} chosen`;
  }

  function pressed(event) {
    const { key } = event;
    if (key === "ArrowDown" || key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen()) ask(0);
      else if (found.length) move((active + (key === "ArrowDown" ? 1 : -1) + found.length) % found.length);
    } else if (key === "Enter") {
      event.preventDefault(); // a search is no reason to send the form
      if (isOpen() && active >= 0) pick(active);
      else if (input.value.trim()) ask(0);
    } else if (key === "Escape" && isOpen()) {
      event.preventDefault();
      close();
    } else if (key === "Backspace" && input.value === "" && erase()) {
      event.preventDefault();
    }
  }

  return { input, nodes: [el("div", { class: "searched" }, input, list), told] };
}
