// The articles behind a claim: where they were published, when, and the link.

import { el } from "./dom.js";
import { shortDayText } from "./words.js";

function hostOf(url) {
  return new URL(url).hostname.replace(/^www\./, "");
}

/** A list of articles; each opens where it was published. */
export function articleList(articles) {
  return el("ul", { class: "articles" }, articles.map((article) => el("li", {},
    el("a", { href: article.url, rel: "noreferrer", hreflang: article.language }, article.title ?? hostOf(article.url)),
    el("span", { class: "faint" }, [
      article.title ? ` ${hostOf(article.url)}` : null, article.published_on ? shortDayText(article.published_on) : null,
    ].filter(Boolean).map((text, place) => (place || !article.title ? `, ${text}` : text)).join("")),
  )));
}
