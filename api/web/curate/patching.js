// A JSON Patch (RFC 6902) as the service tells it, applied to what stood before it.

/** Give a document with a patch applied; the document itself stays as it is. */
export function patched(document, patch) {
  const root = { "": structuredClone(document) };
  for (const { op, path, from, value } of patch) {
    if (op === "move") put(root, path, take(root, from));
    else if (op === "add") put(root, path, value);
    else if (op === "remove") take(root, path);
    else if (op === "replace") { take(root, path); put(root, path, value); }
    else throw new Error(`A patch with the operation ${op} cannot be shown.`);
  }
  return root[""];
}

/** The fields of the document itself that a patch touches. */
export function fieldsOf(patch) {
  return [...new Set(patch.flatMap(({ path, from }) => [path, from]).filter(Boolean).map((path) => keysOf(path)[1]))];
}

const keysOf = (pointer) => pointer.split("/").map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));

function placeOf(root, pointer) {
  const keys = keysOf(pointer);
  return [keys.slice(0, -1).reduce((at, key) => at[key], root), keys.at(-1)];
}

function take(root, pointer) {
  const [within, key] = placeOf(root, pointer);
  const value = within[key];
  if (Array.isArray(within)) within.splice(Number(key), 1);
  else delete within[key];
  return value;
}

function put(root, pointer, value) {
  const [within, key] = placeOf(root, pointer);
  if (Array.isArray(within)) within.splice(key === "-" ? within.length : Number(key), 0, value);
  else within[key] = value;
}
