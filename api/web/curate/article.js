// The form of an article that nobody has cited yet. It is tried out here and stored later, by the write that
// first cites it, so that no article stands alone.

import { el, fill } from "../explorer/dom.js";
import { articlesAt, agencyOptions, learnArticles, learnPublisher, publisherOptions } from "./catalogue.js";
import { combobox } from "./combobox.js";
import { clearFaults, dateField, faultSummary, field, showFaults, textField } from "./fields.js";
import { mayWrite, send, sendOnce } from "./session.js";
import { faultsOf } from "./writing.js";

/** A form for the article at a URL; `ready` is given the URL under which drafts may cite it from now on. */
export function articleForm(url, ready) {
  const article = { url, title: null, publisher: null, agency: null, published_on: null, language: "", archive_url: null };
  const messages = el("div");
  const form = el("form", { class: "article", novalidate: true, autocomplete: "off", onsubmit: submit });
  const set = (name) => (value) => { article[name] = value === "" ? null : value; };
  const publisher = el("div", { class: "publisher" });

  function showPublisher() {
    fill(publisher, field({ pointer: "/publisher", label: "Publisher" }, combobox({ options: publisherOptions, value: article.publisher, onValue: set("publisher"), placeholder: "a name in any script" })));
  }

  async function submit(event) {
    event.preventDefault();
    clearFaults(form);
    fill(messages);
    try {
      await tryOut(said(article));
      const [known] = (await articlesAt(article.url)).found;
      learnArticles([known ?? said(article)]);
      ready(known?.id ?? article.url);
    } catch (error) {
      if (!error.told) throw error;
      const summary = faultSummary("The article cannot be cited like this", showFaults(form, faultsOf(error)));
      fill(messages, summary);
      summary.focus();
    }
  }

  showPublisher();
  fill(form, messages, el("div", { class: "grid" },
    textField({ pointer: "/url", label: "Address of the page", wide: true, value: url, onValue: set("url") }, { inputmode: "url", spellcheck: "false" }),
    textField({ pointer: "/title", label: "Title", wide: true, warn: true, hint: "Leave it empty where the page’s own title names a prisoner.", value: "", onValue: set("title") }),
    publisher,
    field({ pointer: "/agency", label: "Agency whose text it is" }, combobox({ options: agencyOptions, value: null, onValue: set("agency"), placeholder: "none" })),
    dateField({ pointer: "/published_on", label: "Published on", value: "", onValue: set("published_on") }),
    textField({ pointer: "/language", label: "Language", hint: "Its code, such as en, ru, uk or ar.", value: "", onValue: set("language") }, { maxlength: 12, autocapitalize: "none", spellcheck: "false" }),
    textField({ pointer: "/archive_url", label: "Lasting copy, if there is one", wide: true, value: "", onValue: set("archive_url") }, { inputmode: "url", spellcheck: "false" })),
  el("p", { class: "ways" }, el("button", { type: "submit" }, "Use this article")));
  const maker = mayWrite()
    ? publisherMaker((id) => { article.publisher = id; showPublisher(); })
    : el("p", { class: "faint" }, "A publisher that is not in the list is ", el("a", { href: "/guide/proposals" }, "proposed over HTTP"), " first.");
  return {
    node: el("div", {}, form, maker),
    isDirty: () => Object.entries(article).some(([name, value]) => name !== "url" && value),
  };
}

function said(article) {
  return Object.fromEntries(Object.entries(article).filter(([, value]) => value !== null && value !== ""));
}

function tryOut(content) {
  const query = { dry_run: "true" };
  if (mayWrite()) return send("POST", "/v1/articles", { body: content, query });
  return send("POST", "/v1/proposals", { query, body: { action: "create", resource: "article", content, source_url: content.url, comment: "not said yet" } });
}

/** A small form for a publisher that the dataset does not know yet. */
function publisherMaker(made) {
  const publisher = { name: "", is_agency: false, aliases: [] };
  let reason = "";
  const messages = el("div");
  const form = el("form", { class: "grid", novalidate: true, autocomplete: "off", onsubmit: submit });

  async function submit(event) {
    event.preventDefault();
    try {
      const { body } = await sendOnce("POST", "/v1/publishers", { body: said(publisher), query: reason ? { reason } : {} });
      learnPublisher(body);
      made(body.id);
      details.open = false;
      details.querySelector("summary").focus();
      fill(messages);
    } catch (error) {
      if (!error.told) throw error;
      const faults = faultsOf(error).map((fault) => ({ ...fault, pointer: fault.pointer && `/new-publisher${fault.pointer}` }));
      const summary = faultSummary("The publisher was not stored", showFaults(form, faults));
      fill(messages, summary);
      summary.focus();
    }
  }

  fill(form,
    textField({ pointer: "/new-publisher/name", label: "Name", value: "", onValue: (text) => { publisher.name = text; } }),
    textField({ pointer: "/new-publisher/reason", label: "Reason", value: "", onValue: (text) => { reason = text; } }),
    el("p", { class: "field" }, el("label", {}, el("input", { type: "checkbox", onchange: (event) => { publisher.is_agency = event.target.checked; } }), " An agency: others carry its text")),
    el("p", { class: "ways" }, el("button", { type: "submit" }, "Store the publisher")));
  const details = el("details", { class: "maker" }, el("summary", {}, "The publisher is not in the list"), messages, form);
  return details;
}
