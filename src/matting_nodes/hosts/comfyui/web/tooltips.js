// Tooltips of a method's own parameters, in the page's language.
//
// The page itself translates an input by its name alone, and two methods may mean different things by
// one. Their translations stand in locales/ as "method_METHOD_NAME", and replace the English ones in
// the node's description before the page registers it.

import { api } from "../../scripts/api.js";
import { pageLanguage } from "./words.js";

let asked;

/** Translate the tooltips of all methods of a node. */
export async function translateMethods(nodeData) {
  const options = nodeData.input?.required?.method?.[1]?.options;
  if (!Array.isArray(options)) return;
  asked ??= api.fetchApi("/i18n").then((answer) => answer.json(), () => ({}));
  const texts = (await asked)[pageLanguage()]?.nodeDefs?.[nodeData.name]?.inputs ?? {};
  for (const { key, inputs } of options)
    for (const [name, [, told]] of Object.entries({ ...inputs?.required, ...inputs?.optional })) {
      const tooltip = texts[`method_${key}_${name}`]?.tooltip;
      if (told && tooltip) told.tooltip = tooltip;
    }
}
