// Making elements. Text goes in as text: nothing that a curator or a source wrote is ever read as markup.

export const $ = (selector, within = document) => within.querySelector(selector);

/** Make an element: properties by name, listeners as `onclick`, attributes where there is no property. */
export function el(name, given = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(given)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "class") made.className = value;
    else if (key === "data") Object.assign(made.dataset, value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Put children in place of what an element holds. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const status = $("#status"); // kept here: a dialog that is filled anew throws it out
let clearing = 0;

/** Say something to everybody: shown for some seconds, and read aloud. An open dialog covers and silences all else. */
export function say(text) {
  const within = $("dialog[open]") ?? document.body;
  if (status.parentNode !== within) within.append(status);
  status.textContent = text;
  clearTimeout(clearing);
  clearing = setTimeout(() => { status.textContent = ""; }, 6000);
}
