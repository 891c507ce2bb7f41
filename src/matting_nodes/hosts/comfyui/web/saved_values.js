// Values of widgets that a workflow saved before a node had some of its parameters.
//
// ComfyUI saves the values of widgets by their position: the choice of a method, the method's own
// parameters, the node's. New parameters come at the end of either, so that in between values of an
// older file stand too early. Here they are brought to their places.

const WIDGETS = ["INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"];

function inputsOf(inputs) {
  return Object.entries({ ...inputs?.required, ...inputs?.optional });
}

/** Return [name, type or choices, options] of those inputs that are widgets. */
function parametersOf(inputs) {
  return inputsOf(inputs)
    .map(([name, [type, options = {}]]) => [name, Array.isArray(type) ? type : options.options ?? type, options])
    .filter(([, type, options]) => (Array.isArray(type) || WIDGETS.includes(type)) && !options.forceInput);
}

function fits(value, [, type, { min = -Infinity, max = Infinity }]) {
  if (Array.isArray(type)) return type.includes(value);
  if (type === "BOOLEAN") return typeof value === "boolean";
  if (type === "STRING") return typeof value === "string";
  return typeof value === "number" && value >= min && value <= max && (type !== "INT" || Number.isInteger(value));
}

/** Return the values of all of a node's widgets; those that no arrangement explains stay as they are. */
export function completed(values, nodeData) {
  const method = nodeData.input?.required?.method;
  const chosen = method?.[1]?.options?.find((option) => option.key === values?.[0]);
  if (!chosen) return values;
  const inner = parametersOf(chosen.inputs);
  const own = parametersOf(nodeData.input).filter(([name]) => name !== "method");
  const missing = 1 + inner.length + own.length - values.length;
  if (missing <= 0) return values;
  const defaults = (parameters) => parameters.map(([, type, options]) => options.default ?? type[0]);
  for (let ofMethod = 0; ofMethod <= Math.min(missing, inner.length); ofMethod++) {
    const old = inner.length - ofMethod;
    const ofNode = own.length - (missing - ofMethod);
    if (ofNode < 0) continue;
    const [innerValues, ownValues] = [values.slice(1, 1 + old), values.slice(1 + old)];
    const explained =
      innerValues.every((value, n) => fits(value, inner[n])) && ownValues.every((value, n) => fits(value, own[n]));
    if (explained)
      return [values[0], ...innerValues, ...defaults(inner.slice(old)), ...ownValues, ...defaults(own.slice(ofNode))];
  }
  return values;
}
