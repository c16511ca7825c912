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

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

fetch("/v1/openapi.json").then((answer) => answer.json()).then((contract) => {
  window.ui = SwaggerUIBundle({
    spec: withoutFilledFields(contract),
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
  document.querySelector("#swagger-ui").textContent = "The contract could not be loaded. Reload the page to try again.";
});
