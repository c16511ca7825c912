// The words for codes, the same as in the charts that the service draws (api/chartwords.py), and how numbers
// and days are written: in the reader's own locale.

const LOCALE = navigator.languages?.length ? [...navigator.languages] : undefined;
const NUMBER = new Intl.NumberFormat(LOCALE);
const UTC = { timeZone: "UTC" };
const DAY = new Intl.DateTimeFormat(LOCALE, { ...UTC, day: "numeric", month: "long", year: "numeric" });
const SHORT_DAY = new Intl.DateTimeFormat(LOCALE, { ...UTC, day: "numeric", month: "short", year: "numeric" });
const MONTH = new Intl.DateTimeFormat(LOCALE, { ...UTC, month: "long", year: "numeric" });
const MOMENT = new Intl.DateTimeFormat(LOCALE, { dateStyle: "long", timeStyle: "short" });

export const number = (value) => NUMBER.format(value);
export const dayText = (day) => DAY.format(new Date(day));
export const shortDayText = (day) => SHORT_DAY.format(new Date(day));
export const monthText = (day) => MONTH.format(new Date(day));
export const momentText = (moment) => MOMENT.format(new Date(moment));
export const localeOf = () => NUMBER.resolvedOptions().locale;

/** A date as exactly as it is known. */
export function dateText(record) {
  if (record.date_precision === "year") return record.date.slice(0, 4);
  if (record.date_precision === "month") return monthText(record.date);
  return record.date_end ? DAY.formatRange(new Date(record.date), new Date(record.date_end)) : dayText(record.date);
}

export const KINDS = {
  prisoner_exchange: "exchange of prisoners",
  release: "one-sided release",
  transfer: "transfer to or from a third state",
  civilian_return: "return of civilians",
  convict_transfer: "transfer of convicts",
  remains: "handover of the dead",
};
export const MEASURES = {
  persons: ["living person", "living people"],
  military: ["military prisoner", "military prisoners"],
  civilian: ["civilian", "civilians"],
  child: ["child", "children"],
  wounded: ["wounded or ill person", "wounded or ill people"],
  remains: ["body of the dead", "bodies of the dead"],
};
export const CATEGORIES = { ...MEASURES, total: ["person in all", "people in all"] };
export const STATUSES = { announced: "announced", completed: "completed", cancelled: "cancelled" };
export const QUALIFIERS = { exact: "", at_least: "at least ", at_most: "at most ", approximately: "about " };
export const ROLES = { mediator: "mediator", facilitator: "facilitator", host: "host", transit: "transit country" };
export const ATTESTATIONS = {
  both_parties: "Both sides state an overall number",
  receiver_only: "Of the two sides, only the receiving one states an overall number",
  releaser_only: "Of the two sides, only the releasing one states an overall number",
  third_party: "Neither side states an overall number, another named actor does",
  press_only: "Only articles state an overall number, in their own voice",
};
export const ACTIONS = {
  created: "First written", updated: "Changed", deleted: "Taken out", restored: "Brought back", merged: "Merged",
  redacted: "Blanked", rerendered: "Shows something new of another record",
};
export const FILTERS = {
  q: "words", mediator: "brokered by", party: "party", kind: "kind", date_from: "from", date_to: "until",
  disputed: "disputed", disputed_by_parties: "disputed by the two sides", received_by: "received by",
  released_by: "released by", as_of: "as of", release: "release",
};

/** A word for a code; what is new shows as it is. */
export const wordOf = (words, code) => words[code] ?? String(code).replaceAll("_", " ");

/** A count with its noun. */
export function counted(count, [one, many]) {
  return `${number(count)} ${count === 1 ? one : many}`;
}
export const exchanges = (count) => counted(count, ["exchange", "exchanges"]);

const COMMON_NOUNS = /\b(association|church|committee|corps|emirates|kingdom|order|republic|see|states|union|united)\b/i;
const LONGEST = 48;
const names = new Map();

/** Learn what actors are called. */
export function learn(actors) {
  for (const actor of actors) names.set(actor.id, actor.name);
}

/** The name of an actor; without the remark at its end, if it is long. */
export function nameOf(id) {
  const name = names.get(id) ?? id;
  return name.length > LONGEST ? name.replace(/ \([^()]*\)$/, "") : name;
}

/** A name as it stands in a sentence. */
export function theName(id) {
  const name = nameOf(id);
  return COMMON_NOUNS.test(name) && !/^the /i.test(name) ? `the ${name}` : name;
}

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** Several things in a sentence. */
export function listed(texts) {
  return new Intl.ListFormat("en-GB", { type: "conjunction" }).format(texts);
}

/** A low and a high figure; one number where they agree. */
export function rangeText(low, high) {
  return low === high ? number(low) : `${number(low)}–${number(high)}`;
}
