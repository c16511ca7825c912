// What was handed over by direction: the figure taken and why, and below it what each side claims.

import { el } from "./dom.js";
import { articleList } from "./articles.js";
import { ATTESTATIONS, CATEGORIES, MEASURES, QUALIFIERS, capital, counted, listed, nameOf, number, rangeText, theName, wordOf } from "./words.js";
import { brokers } from "./table.js";

const keyOf = ({ released_by: from, received_by: to }) => `${from}.${to}`;

/** A section for each direction that a figure or a claim speaks of. */
export function claimsNodes(record, articles) {
  const directions = [...new Set([...record.figures, ...record.claims].map(keyOf))];
  if (directions.length === 0) {
    return el("section", {}, el("h3", {}, "No number is known"), el("p", {}, "Nobody states how many were handed over. The articles below tell that it took place."));
  }
  return directions.map((direction) => {
    const [from, to] = direction.split(".");
    const figures = record.figures.filter((figure) => keyOf(figure) === direction);
    const claims = record.claims.filter((claim) => keyOf(claim) === direction);
    return el("section", { class: "direction" },
      el("h3", {}, `${capital(theName(from))} to ${theName(to)}`),
      figures.map((figure, place) => (place === 0 ? mainFigure(figure, record) : null)),
      figures.length > 1 ? el("ul", { class: "others" }, figures.slice(1).map((figure) => el("li", {}, otherFigure(figure)))) : null,
      el("div", { class: "sides" },
        side(`${capital(theName(to))} says`, "received them", claims.filter((claim) => claim.claimant === to), articles),
        side(`${capital(theName(from))} says`, "let them go", claims.filter((claim) => claim.claimant === from), articles),
        side("Others say", "mediators and the press", claims.filter((claim) => ![from, to].includes(claim.claimant)), articles, true)),
    );
  });
}

function mainFigure(figure, record) {
  return el("div", { class: "taken" },
    el("p", { class: "best" }, el("b", {}, QUALIFIERS[figure.best_qualifier], number(figure.best)), ` ${MEASURES[figure.measure]?.[figure.best === 1 ? 0 : 1] ?? figure.measure}`,
      figure.low !== figure.high ? el("span", { class: "range" }, ` sources give ${rangeText(figure.low, figure.high)}`) : null),
    el("p", {}, reason(figure, record), " ", `${wordOf(ATTESTATIONS, figure.attestation)}.`, " ",
      `${counted(figure.independent_sources, ["independent source stands", "independent sources stand"])} behind it.`),
    figure.disputed ? el("p", {}, disputedNodes(figure)) : null,
  );
}

/** Why this number was taken and no other, by the order of the figures rule. */
function reason(figure, record) {
  const behind = figure.by_claimant[0].claims; // its first is best
  const lifts = (claim) => claim.rank === "preferred" && (figure.measure !== "persons" || claim.category === "total"); // a part lifts nobody
  const preferred = record.claims.some((claim) => behind.includes(claim.id) && lifts(claim));
  const states = behind.length > 1 ? "states its parts, which add up to it" : "states it";
  const who = figure.best_claimant;
  const taken = `${number(figure.best)} is taken`;
  if (preferred) return `${taken}: the curators prefer this claim of ${who === null ? "the press" : theName(who)}.`;
  if (who === figure.received_by) return `${taken} because ${theName(who)} ${states}: the receiving side’s own number goes first.`;
  if (who === figure.released_by) return `${taken} because ${theName(who)} ${states}: the receiving side gives no overall number, and the releasing side comes next.`;
  if (who === null) return `${taken} from the articles’ own voice: no side and no other named actor gives an overall number.`;
  if (brokers(record).includes(who)) return `${taken} because ${theName(who)}, a mediator, ${states}: neither side gives an overall number.`;
  return `${taken} because ${theName(who)} ${states}: neither side and no mediator gives an overall number.`;
}

/** Who says what: of the two sides first, if it is they that disagree, then of the others. */
function disputedNodes(figure) {
  const heading = (text) => el("strong", { class: "disputed" }, text);
  if (!figure.disputed_by_parties) return [heading("Disputed: "), `${stated(figure.by_claimant)}.`];
  const sides = [figure.released_by, figure.received_by];
  const others = figure.by_claimant.filter(({ claimant }) => !sides.includes(claimant));
  return [heading("Disputed by the two sides: "), `${stated(figure.by_claimant.filter(({ claimant }) => sides.includes(claimant)))}.`,
    others.length ? ` Besides, ${stated(others)}.` : null];
}

function stated(claimants) {
  return listed(claimants.map(({ claimant, value, qualifier }) => (
    `${claimant === null ? "the press" : theName(claimant)} ${claimant === null ? "gives" : "says"} ${QUALIFIERS[qualifier]}${number(value)}`)));
}

function otherFigure(figure) {
  const range = figure.low === figure.high ? "" : ` (sources give ${rangeText(figure.low, figure.high)})`;
  return `${QUALIFIERS[figure.best_qualifier]}${counted(figure.best, MEASURES[figure.measure] ?? [figure.measure, figure.measure])}${range}${figure.disputed ? ", disputed" : ""}`;
}

function side(title, role, claims, articles, others = false) {
  return el("div", { class: "side" },
    el("h4", {}, title, el("span", { class: "faint" }, ` (${role})`)),
    claims.length === 0 ? el("p", { class: "faint" }, "no number") : claims.map((claim) => claimNode(claim, articles, others)));
}

function claimNode(claim, articles, others) {
  const uncounted = [
    claim.rank === "deprecated" ? "not counted: known to be wrong" : null,
    claim.covers === "fragment" ? "not counted: one group, or an early report" : null,
    claim.covers === "subset" ? "part of the people in another claim" : null,
    claim.rank === "preferred" ? "preferred by the curators" : null,
  ].filter(Boolean);
  return el("div", { class: uncounted[0]?.startsWith("not") ? "claim uncounted" : "claim" },
    el("p", { class: "stated" },
      others ? el("span", { class: "who" }, claim.claimant === null ? "The press: " : `${nameOf(claim.claimant)}: `) : null,
      el("b", {}, QUALIFIERS[claim.qualifier], number(claim.count)), ` ${CATEGORIES[claim.category]?.[claim.count === 1 ? 0 : 1] ?? claim.category}`),
    uncounted.length ? el("p", { class: "note" }, capital(listed(uncounted)), ".") : null,
    claim.note ? el("p", { class: "note" }, claim.note) : null,
    articleList(claim.citations.map((id) => articles.get(id)).filter(Boolean)));
}
