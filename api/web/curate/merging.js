// Three states of one record, field by field: as it was loaded, as it was written here, as it stands now.
// Pure functions; what is chosen is put together into a draft of the record as it stands now.

import { FIELDS, same } from "./drafts.js";

const SETS = ["parties", "citations"];
const PARTS = ["claims", "mediations"];

/**
 * The fields in which the three differ. Each has a choice: `mine`, `now` or, for sets, `both`; null where the
 * two contradict each other and somebody must say.
 */
export function compare(base, mine, now) {
  return FIELDS.flatMap((name) => (PARTS.includes(name)
    ? comparedParts(name, base[name], mine[name], now[name])
    : compared({ field: name }, base[name], mine[name], now[name])));
}

function comparedParts(field, base, mine, now) {
  const ids = [...new Set([...base, ...now, ...mine].map(({ id }) => id).filter(Boolean))];
  return ids.flatMap((id) => {
    const [b, m, n] = [base, mine, now].map((parts) => parts.find((part) => part.id === id));
    if (!b || !m || !n) return compared({ field, id }, b, m, n);
    return Object.keys(n).flatMap((name) => compared({ field, id, name }, b[name], m[name], n[name]));
  });
}

function compared(place, base, mine, now) {
  if (same(mine, now)) return [];
  const set = SETS.includes(place.name ?? (place.id ? "" : place.field));
  let choice = null;
  if (same(mine, base)) choice = "now";
  else if (same(now, base)) choice = "mine";
  else if (set) choice = "both";
  const both = set && choice === "both" ? united(base, mine, now) : undefined;
  return [{ ...place, base, mine, now, both, choice }];
}

/** What stands now, with what was added here and without what was taken out here. */
export function united(base, mine, now) {
  const removed = base.filter((each) => !mine.includes(each));
  const added = mine.filter((each) => !base.includes(each) && !now.includes(each));
  return [...now.filter((each) => !removed.includes(each)), ...added];
}

/** The draft that the choices make. */
export function merged(units, mine, now) {
  const draft = structuredClone(now);
  for (const unit of units) put(draft, unit, structuredClone(unit[unit.choice]));
  for (const field of PARTS) draft[field].push(...structuredClone(mine[field].filter(({ id }) => !id)));
  return draft;
}

function put(draft, { field, id, name }, value) {
  if (!id) { draft[field] = value; return; }
  const parts = draft[field];
  const place = parts.findIndex((part) => part.id === id);
  if (name) parts[place][name] = value;
  else if (value === undefined) parts.splice(place, place < 0 ? 0 : 1);
  else if (place < 0) parts.push(withoutId(value));
  else parts[place] = value;
}

/** A part that was taken out meanwhile: the id that it had is never used again, so it is a new one. */
function withoutId(part) {
  const fresh = { ...part };
  delete fresh.id;
  return fresh;
}
