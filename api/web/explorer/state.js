// The state of the page is its query string: what the API takes, and which record is open. Nothing else.

const OWN = ["record"]; // what the page alone understands
const OF_LIST = ["sort", "cursor", "limit"]; // what chooses no exchanges
const PINS = ["as_of", "release"];
export const PERIOD = ["date_from", "date_to"];

/** The query string without empty values, which a form sends and the API refuses. */
export function current() {
  return new URLSearchParams([...new URLSearchParams(location.search)].filter(([, value]) => value !== ""));
}

/** Which record is open, or null. */
export const openRecord = (state = current()) => state.get("record");

function without(state, names) {
  return new URLSearchParams([...state].filter(([name]) => !names.includes(name)));
}

/** What the list of exchanges is asked. */
export const listQuery = (state) => without(state, OWN);

/** What files, sums and citations are asked; `left` are filters that they shall not heed. */
export const filterQuery = (state, left = []) => without(state, [...OWN, ...OF_LIST, ...left]);

/** What a single record is asked: the state of the dataset to read, if one is chosen. */
export const pinQuery = (state) => new URLSearchParams([...state].filter(([name]) => PINS.includes(name)));

/** The filters in force, as pairs of name and value. */
export const filtersOf = (state) => [...filterQuery(state)];

/** A state with other values: null takes a name out. A new choice begins at its first page, with no record open. */
export function changed(changes, state = current()) {
  const next = without(state, ["cursor", "record", ...Object.keys(changes)]);
  for (const [name, value] of Object.entries(changes)) {
    if (value !== null && value !== "") next.append(name, value);
  }
  return next;
}

/** A state without one value of one name. */
export function lacking(name, value, state = current()) {
  const kept = [...without(state, ["cursor", "record"])];
  const place = kept.findIndex(([each, of]) => each === name && of === value);
  return new URLSearchParams(kept.filter((_, index) => index !== place));
}

/** The same state with a record open, or with none. */
export function withRecord(id, state = current()) {
  const next = without(state, ["record"]);
  if (id !== null) next.set("record", id);
  return next;
}

/** The address of a state. */
export const hrefOf = (state) => (state.toString() ? `/?${state}` : "/");

const listeners = [];
export const onChange = (listener) => listeners.push(listener);
const tell = () => listeners.forEach((listener) => listener());

/** Go to a state, so that the back button leads here again. */
export function go(state, kept = {}) {
  if (hrefOf(state) === location.pathname + location.search) return;
  history.pushState(kept, "", hrefOf(state));
  tell();
}

/** Go back to where a record was opened, or, if it was linked to, to the same state without it. */
export function closeRecord() {
  if (history.state?.opened) history.back();
  else go(withRecord(null));
}

addEventListener("popstate", tell);
