// Asking the API. An answer that is a problem becomes an error that holds it.

/** What went wrong, as the service told it (RFC 9457), or as close to that as can be told without an answer. */
export class Problem extends Error {
  constructor(told) {
    super(told.detail || told.title);
    this.told = { errors: [], ...told };
  }
}

/** Ask with options of fetch, and get the headers and the whole text: an answer can also break off within it. */
export async function answerOf(path, options) {
  let answer;
  let text;
  try {
    answer = await fetch(path, options);
    text = await answer.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ code: "no_answer", title: "The service did not answer", detail: "Check the connection, then try again." });
  }
  if (answer.ok) return { headers: answer.headers, text };
  throw new Problem(problemIn(text) ?? { code: "no_answer", title: `The service answered with status ${answer.status}`, detail: "" });
}

function problemIn(text) {
  try {
    const told = JSON.parse(text);
    return told?.title ? told : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null; // what stands between may answer with a page
    throw error;
  }
}

/** Get JSON. */
export async function get(path, signal) {
  return JSON.parse((await answerOf(path, { signal, headers: { Accept: "application/json" } })).text);
}

/** Get text of a media type. */
export async function getText(path, type, signal) {
  return (await answerOf(path, { signal, headers: { Accept: type } })).text;
}

/** Send JSON, and get JSON. */
export async function post(path, body) {
  const headers = { Accept: "application/json", "Content-Type": "application/json" };
  return JSON.parse((await answerOf(path, { method: "POST", headers, body: JSON.stringify(body) })).text);
}

/** Get all records of a list that is known to be a short one. */
export async function getAll(path, signal) {
  const found = [];
  for (let next = path; next !== null;) {
    const page = await get(next, signal);
    found.push(...page.data);
    next = page.meta.next;
  }
  return found;
}

/** Give a path with a query; one without values stays out. */
export function pathOf(path, query) {
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}
