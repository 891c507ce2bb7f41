// What the page adds to the matting nodes: the editors, texts that stay, values that are kept.

import { app } from "../../scripts/app.js";
import { MarksEditor } from "./marks_editor.js";
import { completed } from "./saved_values.js";
import { translateMethods } from "./tooltips.js";
import { TrimapEditor } from "./trimap_editor.js";
import { translated } from "./words.js";

const PREFIX = "MattingNodes";
const TEXT = "result";

/** Show what a node tells, such as Compare's numbers, on the node itself. */
function showTexts(node, texts) {
  let widget = node.widgets?.find((one) => one.name === TEXT);
  const text = (texts ?? []).join("\n\n");
  if (!widget && !text) return;
  if (!widget) {
    const shown = document.createElement("pre");
    shown.style.cssText = "margin: 0; padding: 6px; overflow: auto; user-select: text; font-size: 12px;";
    const height = () => 18 * Math.min(8, shown.textContent.split("\n").length) + 14;
    widget = node.addDOMWidget(TEXT, "matting_text", shown, {
      serialize: false,
      getValue: () => shown.textContent,
      setValue: (value) => (shown.textContent = value),
      getMinHeight: height,
      getMaxHeight: height,
    });
    widget.serialize = false;
  }
  widget.value = text;
  node.setSize?.([Math.max(node.size[0], 260), Math.max(node.size[1], node.computeSize()[1] + 200)]);
}

/** Let the parameters of each method have the values that they had when it was left. */
function keepValues(node) {
  const method = node.widgets?.find((one) => one.name === "method");
  if (!method) return;
  const kept = new Map();
  const watch = (widget) => {
    if (!widget.name?.startsWith("method.")) return;
    const key = `${method.value}/${widget.name}`;
    const before = widget.onRemove;
    widget.onRemove = function () {
      kept.set(key, widget.value);
      return before?.apply(this, arguments);
    };
    if (kept.has(key)) widget.value = kept.get(key);
  };
  node.widgets.forEach(watch);
  const add = node.addCustomWidget;
  node.addCustomWidget = function () {
    const widget = add.apply(this, arguments);
    watch(widget);
    return widget;
  };
}

/** Nodes with an editor: the widget that holds what was drawn, the button's text, the editor. */
const EDITORS = {
  [`${PREFIX}EditTrimap`]: ["strokes", "Edit trimap", TrimapEditor],
  [`${PREFIX}MarkObject`]: ["marks", "Mark object", MarksEditor],
};

/** Give a node a button that opens its editor, in place of the text of what was drawn. */
function addEditor(node, [name, label, editor]) {
  const strokes = node.widgets.find((one) => one.name === name);
  strokes.hidden = true;
  strokes.options.hidden = true;
  const button = node.addWidget("button", label, null, async () => {
    try {
      await editor.open(node, strokes.value ?? "", (text) => {
        strokes.value = text;
        app.graph.setDirtyCanvas(true, true);
        app.queuePrompt(0);
      });
    } catch (error) {
      app.extensionManager.toast.add({ severity: "warn", summary: translated(label), detail: error.message, life: 6000 });
    }
  });
  button.label = translated(label);
  // Neither in the workflow nor in the prompt: a button says nothing.
  button.serialize = false;
  button.options.serialize = false;
}

/** Give a node a button that picks its color; names, and transparent, are typed as before. */
function addColorPicker(node) {
  const color = node.widgets?.find((one) => one.name === "color");
  if (!color) return;
  const button = node.addWidget("button", "Pick color", null, () => {
    const picker = document.createElement("input");
    picker.type = "color";
    // A canvas knows every name of a color.
    const context = new OffscreenCanvas(1, 1).getContext("2d");
    context.fillStyle = color.value;
    picker.value = context.fillStyle.startsWith("#") ? context.fillStyle : "#ffffff";
    picker.style.cssText = "position: fixed; left: 50%; top: 40%; opacity: 0; pointer-events: none;";
    picker.className = "mn-color";
    picker.addEventListener("input", () => {
      color.value = picker.value;
      app.graph.setDirtyCanvas(true, true);
    });
    picker.addEventListener("change", () => picker.remove());
    document.querySelector(".mn-color")?.remove();
    document.body.append(picker);
    picker.click();
  });
  button.label = translated("Pick color");
  button.serialize = false;
  button.options.serialize = false;
}

app.registerExtension({
  name: "MattingNodes",
  nodeCreated(node) {
    if (!node.comfyClass?.startsWith(PREFIX)) return;
    keepValues(node);
    addColorPicker(node);
    const editor = EDITORS[node.comfyClass];
    if (editor) addEditor(node, editor);
  },
  async beforeRegisterNodeDef(nodeType, nodeData) {
    if (!nodeData.name.startsWith(PREFIX)) return;
    await translateMethods(nodeData);
    const configure = nodeType.prototype.configure;
    nodeType.prototype.configure = function (saved, ...more) {
      const values = completed(saved.widgets_values, nodeData);
      return configure.call(this, values === saved.widgets_values ? saved : { ...saved, widgets_values: values }, ...more);
    };
    const executed = nodeType.prototype.onExecuted;
    nodeType.prototype.onExecuted = function (message) {
      executed?.apply(this, arguments);
      showTexts(this, message?.text);
    };
  },
});
