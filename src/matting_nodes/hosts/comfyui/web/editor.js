// What the editors of pictures on the page share: the picture, zoom, strokes, undo, keys, keeping.

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { translated } from "./words.js";

export const COLORS = { background: [200, 40, 40, 110], unknown: [255, 210, 0, 150], foreground: [40, 170, 70, 110] };
const STYLE = `
.mn-editor { position: fixed; inset: 0; z-index: 10000; display: flex; flex-direction: column;
  background: #1e1e1e; color: #ddd; font: 13px system-ui, sans-serif; }
.mn-bar { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; padding: 8px; background: #2b2b2b; }
.mn-bar button { background: #3a3a3a; color: #ddd; border: 1px solid #555; border-radius: 4px;
  padding: 4px 9px; cursor: pointer; }
.mn-bar button[aria-pressed="true"] { background: #4a78b5; color: #fff; border-color: #6c9bd8; }
.mn-bar button:disabled { opacity: 0.4; cursor: default; }
.mn-bar span.mn-gap { width: 14px; }
.mn-view { flex: 1; position: relative; overflow: hidden; cursor: none; touch-action: none; }
.mn-view canvas { position: absolute; left: 0; top: 0; transform-origin: 0 0; image-rendering: pixelated; }
.mn-ring { position: absolute; border: 1px solid #fff; outline: 1px solid #000; border-radius: 50%;
  pointer-events: none; transform: translate(-50%, -50%); }
.mn-focus { position: absolute; opacity: 0; pointer-events: none; width: 1px; }
.mn-status { padding: 5px 10px; background: #2b2b2b; min-height: 18px; }
`;
/** A pointer that moved less, in pixels of the screen, has clicked. */
const STILL = 4;

function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

export async function pictureAt(address) {
  const answer = await api.fetchApi(address);
  if (!answer.ok) throw new Error(await answer.text());
  return await createImageBitmap(await answer.blob());
}

/** Return the ids that a node has in runs: inside subgraphs after those of the nodes that hold it. */
function idsInRuns(node) {
  const root = app.rootGraph ?? app.graph;
  const found = [];
  const search = (graph, path) => {
    if (graph === node.graph || graph.id === node.graph?.id) found.push([...path, node.id].join(":"));
    for (const holder of graph.nodes) if (holder.subgraph) search(holder.subgraph, [...path, holder.id]);
  };
  search(root, []);
  return found.length ? found : [`${node.id}`];
}

export class Editor {
  /** Open the editor on a node's strokes; `saved` gets their text when the user keeps them. */
  static async open(node, text, saved) {
    for (const id of idsInRuns(node)) {
      const at = `/matting_nodes/edit/${encodeURIComponent(id)}`;
      const { frames } = await (await api.fetchApi(at)).json();
      if (!frames) continue;
      const editor = new this(at, text, saved, frames);
      await editor.load(0);
      return editor;
    }
    throw new Error(translated("Run the workflow once: the editor shows what the node got."));
  }

  constructor(at, text, saved, frames) {
    Object.assign(this, { at, saved, frames, frame: 0, radius: 12, undone: [], scale: 1, offset: [0, 0] });
    this.strokes = text.trim() ? JSON.parse(text).strokes : [];
    this.build();
  }

  // What an editor has of its own.

  /** Add the buttons of the tools. */
  addTools() {}
  /** Add the buttons of the views. */
  addViews() {}
  /** Return what keys do. */
  keys() {
    return {};
  }
  /** Get what belongs to the frame whose picture is there. */
  async loaded() {}
  /** Return the stroke that begins at a place, or nothing. */
  begin() {}
  /** Take note of a click with the right button, or with Alt. */
  clicked() {}
  /** Bring what is seen to the strokes. */
  follow() {}
  /** Draw over the picture. */
  drawOver() {}
  /** Draw a stroke while it is drawn. */
  drawStroke() {}

  build() {
    this.root = element("div", "mn-editor");
    this.root.append(element("style", "", STYLE));
    this.bar = element("div", "mn-bar");
    this.buttons = {};
    this.addTools();
    this.gap();
    this.add("smaller", "−", "Smaller brush (key [)", () => this.resize(1 / 1.25));
    this.size = element("span");
    this.bar.append(this.size);
    this.add("larger", "+", "Larger brush (key ])", () => this.resize(1.25));
    this.gap();
    this.add("undo", "Undo", "Ctrl+Z", () => this.undo());
    this.add("redo", "Redo", "Ctrl+Y", () => this.redo());
    this.gap();
    this.addViews();
    this.add("fit", "Fit", "Show the whole picture (key 0)", () => this.fit());
    if (this.frames > 1) {
      this.gap();
      this.add("before", "‹", "The frame before", () => this.load(Math.max(0, this.frame - 1)));
      this.frameLabel = element("span");
      this.bar.append(this.frameLabel);
      this.add("after", "›", "The next frame", () => this.load(Math.min(this.frames - 1, this.frame + 1)));
    }
    this.gap();
    this.add("save", "Save", "Keep the strokes in the workflow (Ctrl+Enter)", () => this.close(true));
    this.add("cancel", "Cancel", "Leave the strokes as they were (Escape)", () => this.close(false));
    this.area = element("div", "mn-view");
    this.canvas = element("canvas");
    this.ring = element("div", "mn-ring");
    this.area.append(this.canvas, this.ring);
    this.status = element("div", "mn-status");
    this.root.append(this.bar, this.area, this.status);
    // While a field has the focus, the page leaves Ctrl+Z to it: it would undo in the graph below.
    this.focus = element("input", "mn-focus");
    this.focus.readOnly = true;
    this.root.append(this.focus);
    this.root.addEventListener("mousedown", (event) => event.preventDefault());
    this.root.editor = this;
    document.body.append(this.root);
    this.focus.focus();
    this.area.addEventListener("pointerdown", (event) => this.down(event));
    this.area.addEventListener("pointermove", (event) => this.move(event));
    this.area.addEventListener("pointerup", (event) => this.up(event));
    this.area.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.area.addEventListener("contextmenu", (event) => event.preventDefault());
    this.onKey = (event) => this.key(event);
    window.addEventListener("keydown", this.onKey, true);
  }

  add(name, text, title, act) {
    const button = element("button", "", translated(text));
    button.title = translated(title);
    button.dataset.name = name;
    button.onclick = act;
    this.bar.append(button);
    this.buttons[name] = button;
  }

  gap() {
    this.bar.append(element("span", "mn-gap"));
  }

  press(name, pressed) {
    this.buttons[name].setAttribute("aria-pressed", pressed);
  }

  async load(frame) {
    this.frame = frame;
    if (this.frameLabel) this.frameLabel.textContent = `${frame + 1} / ${this.frames}`;
    this.say("Loading …");
    try {
      this.image = await pictureAt(`${this.at}/image/${frame}`);
      this.canvas.width = this.image.width;
      this.canvas.height = this.image.height;
      await this.loaded();
      this.fit();
      this.changed();
    } catch (error) {
      this.say(error.message);
    }
  }

  say(text) {
    this.status.textContent = translated(text);
  }

  resize(factor) {
    this.radius = Math.min(2000, Math.max(0.5, this.radius * factor));
    this.size.textContent = `${Math.round(2 * this.radius)} px`;
    const side = `${2 * this.radius * this.scale}px`;
    Object.assign(this.ring.style, { width: side, height: side });
  }

  fit() {
    const { clientWidth, clientHeight } = this.area;
    this.scale = Math.min(clientWidth / this.canvas.width, clientHeight / this.canvas.height) * 0.96;
    this.offset = [
      (clientWidth - this.canvas.width * this.scale) / 2,
      (clientHeight - this.canvas.height * this.scale) / 2,
    ];
    this.place();
    this.draw();
  }

  place() {
    this.canvas.style.transform = `translate(${this.offset[0]}px, ${this.offset[1]}px) scale(${this.scale})`;
    this.resize(1);
  }

  /** Return where in the picture the pointer is; the center of the first pixel is at (0, 0). */
  at_(event) {
    const box = this.area.getBoundingClientRect();
    return [
      (event.clientX - box.left - this.offset[0]) / this.scale - 0.5,
      (event.clientY - box.top - this.offset[1]) / this.scale - 0.5,
    ].map((place) => Math.round(place * 10) / 10);
  }

  down(event) {
    this.area.setPointerCapture(event.pointerId);
    this.pressedAt = [event.clientX, event.clientY];
    if (event.button === 1 || event.button === 2 || event.altKey) {
      this.panning = this.pressedAt;
      return;
    }
    this.stroke = this.begin(this.at_(event));
    this.draw();
  }

  /** Return whether the pointer is where it was pressed. */
  isStill(event) {
    return Math.hypot(event.clientX - this.pressedAt[0], event.clientY - this.pressedAt[1]) < STILL;
  }

  move(event) {
    const box = this.area.getBoundingClientRect();
    Object.assign(this.ring.style, { left: `${event.clientX - box.left}px`, top: `${event.clientY - box.top}px` });
    if (this.panning) {
      this.offset[0] += event.clientX - this.panning[0];
      this.offset[1] += event.clientY - this.panning[1];
      this.panning = [event.clientX, event.clientY];
      this.place();
    } else if (this.stroke) {
      this.extend(this.stroke, this.at_(event));
      this.draw();
    }
  }

  extend(stroke, place) {
    stroke.points.push(place);
  }

  up(event) {
    if (this.panning && this.isStill(event)) this.clicked(this.at_(event), event.button);
    this.panning = null;
    if (!this.stroke) return;
    const stroke = this.finished(this.stroke, this.isStill(event));
    this.stroke = null;
    this.keep(stroke);
  }

  /** Return a stroke as it is kept; `still` if the pointer did not move. */
  finished(stroke) {
    return stroke;
  }

  keep(stroke) {
    this.strokes.push(stroke);
    this.undone = [];
    this.pending = stroke;
    this.changed();
  }

  wheel(event) {
    event.preventDefault();
    const factor = event.deltaY < 0 ? 1.15 : 1 / 1.15;
    const box = this.area.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    this.offset = [x - (x - this.offset[0]) * factor, y - (y - this.offset[1]) * factor];
    this.scale *= factor;
    this.place();
  }

  key(event) {
    const control = event.ctrlKey || event.metaKey;
    const keys = {
      "[": () => this.resize(1 / 1.25), "]": () => this.resize(1.25),
      0: () => this.fit(), Escape: () => this.close(false), ...this.keys(),
    };
    const withControl = {
      z: () => (event.shiftKey ? this.redo() : this.undo()), y: () => this.redo(), Enter: () => this.close(true),
    };
    const act = (control ? withControl : keys)[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    // The graph below must not hear what is typed here.
    event.stopPropagation();
    if (act) {
      event.preventDefault();
      act();
    }
  }

  undo() {
    const last = this.strokes.pop();
    if (last) this.undone.push(last);
    this.changed();
  }

  redo() {
    const next = this.undone.pop();
    if (next) this.strokes.push(next);
    this.changed();
  }

  changed() {
    this.buttons.undo.disabled = !this.strokes.length;
    this.buttons.redo.disabled = !this.undone.length;
    this.follow();
  }

  draw() {
    if (!this.image) return;
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.drawPicture(context);
    this.drawOver(context);
    for (const stroke of [this.pending, this.stroke]) if (stroke) this.drawStroke(context, stroke);
  }

  drawPicture(context) {
    context.drawImage(this.image, 0, 0);
  }

  /** Draw where a brush went, in a color. */
  drawPath(context, stroke, color) {
    context.strokeStyle = color;
    context.lineWidth = 2 * stroke.radius;
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    const [first, ...rest] = stroke.points;
    context.moveTo(first[0] + 0.5, first[1] + 0.5);
    for (const [x, y] of rest.length ? rest : [first]) context.lineTo(x + 0.5, y + 0.51);
    context.stroke();
  }

  close(keep) {
    window.removeEventListener("keydown", this.onKey, true);
    this.root.remove();
    api.fetchApi(`${this.at}/close`, { method: "POST" });
    if (keep) this.saved(this.strokes.length ? JSON.stringify({ strokes: this.strokes }) : "");
  }
}
