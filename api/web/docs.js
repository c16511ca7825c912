// Starts Swagger UI. validatorUrl is null because its badge would ask a server outside.

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/** Swagger UI fills every field with its example and sends it: of what may be left out, the example is told instead. */
function withoutFilledFields(contract) {
  for (const path of Object.values(contract.paths)) {
    for (const parameter of METHODS.flatMap((method) => path[method]?.parameters ?? [])) {
      if (parameter.required || parameter.example === undefined) continue;
      parameter.description = `${parameter.description} Example: \`${[parameter.example].flat().join(", ")}\`.`;
      delete parameter.example;
    }
  }
  return contract;
}

/** Give as much of a contract as tells what is at a path of keys: that, and what it refers to. */
function partOf(contract, keys) {
  const part = { openapi: contract.openapi, info: contract.info };
  const take = (path) => {
    let [from, to] = [contract, part];
    for (const key of path.slice(0, -1)) {
      from = from?.[key];
      to = to[key] ??= {};
    }
    const last = path.at(-1);
    if (from?.[last] === undefined || to[last] !== undefined) return;
    to[last] = from[last];
    for (const [, reference] of JSON.stringify(from[last]).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      take(reference.split("/"));
    }
  };
  take(keys);
  return part;
}

/** To tell of one operation Swagger UI reads the whole contract again, for seconds: give it what the operation needs. */
function readingParts({ fn: { resolveSubtree } }) {
  return { fn: { resolveSubtree: (contract, keys, options) => resolveSubtree(partOf(contract, keys), keys, options) } };
}

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

// Asked for while the browser still reads Swagger UI, which the page names after this file.
const asked = fetch("/v1/openapi.json").then((answer) => answer.json());
const read = new Promise((resolve) => { addEventListener("DOMContentLoaded", resolve); });

Promise.all([asked, read]).then(([contract]) => {
  window.ui = SwaggerUIBundle({
    spec: withoutFilledFields(contract),
    plugins: [readingParts],
    dom_id: "#swagger-ui",
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    docExpansion: "none",
    filter: true,
    tryItOutEnabled: true,
    validatorUrl: null,
  });
}).catch(() => {
  document.querySelector("#failure").textContent = "This page could not be loaded whole, so operations are only listed. Reload it to try again.";
});
