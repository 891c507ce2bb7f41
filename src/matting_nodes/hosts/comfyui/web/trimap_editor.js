// The editor of Edit Trimap: brush, hair brush and fill over the picture, the matte beside them.
//
// What is painted is kept as strokes; the server paints them again, exactly as a run does, and
// answers with the rectangles of the trimap and of the matte that changed.

import { api } from "../../scripts/api.js";

const VALUES = ["background", "unknown", "foreground"];
const COLORS = { background: [200, 40, 40, 110], unknown: [255, 210, 0, 150], foreground: [40, 170, 70, 110] };
const VIEWS = ["trimap", "matte", "cutout", "picture"];
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
.mn-status { padding: 5px 10px; background: #2b2b2b; min-height: 18px; }
`;

function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

async function pictureAt(address) {
  const answer = await api.fetchApi(address);
  if (!answer.ok) throw new Error(await answer.text());
  return await createImageBitmap(await answer.blob());
}

export class TrimapEditor {
  /** Open the editor on a node's strokes; `saved` gets their text when the user keeps them. */
  static async open(node, text, saved) {
    const at = `/matting_nodes/edit/${node}`;
    const { frames } = await (await api.fetchApi(at)).json();
    if (!frames) throw new Error("Run the workflow once: the editor shows what the node got.");
    const editor = new TrimapEditor(at, text, saved, frames);
    await editor.load(0);
    return editor;
  }

  constructor(at, text, saved, frames) {
    Object.assign(this, { at, saved, frames, frame: 0, tool: "brush", value: "unknown", radius: 12 });
    this.strokes = text.trim() ? JSON.parse(text).strokes : [];
    this.undone = [];
    this.view = "trimap";
    this.scale = 1;
    this.offset = [0, 0];
    this.build();
  }

  build() {
    this.root = element("div", "mn-editor");
    this.root.append(element("style", "", STYLE));
    const bar = element("div", "mn-bar");
    this.buttons = {};
    const add = (name, text, title, act) => {
      const button = element("button", "", text);
      button.title = title;
      button.dataset.name = name;
      button.onclick = act;
      bar.append(button);
      this.buttons[name] = button;
    };
    const gap = () => bar.append(element("span", "mn-gap"));
    VALUES.forEach((value, n) =>
      add(value, `${n + 1} ${value}`, `Paint ${value} (key ${n + 1})`, () => this.choose("brush", value)));
    add("hair", "4 hair", "A band of unknown that moves to the edge it passes along (key 4)", () => this.choose("hair"));
    add("fill", "F fill", "Fill the connected pixels below the pointer with the value (key F)", () =>
      this.choose(this.tool === "fill" ? "brush" : "fill"));
    gap();
    add("smaller", "−", "Smaller brush (key [)", () => this.resize(1 / 1.25));
    this.size = element("span");
    bar.append(this.size);
    add("larger", "+", "Larger brush (key ])", () => this.resize(1.25));
    gap();
    add("undo", "Undo", "Ctrl+Z", () => this.undo());
    add("redo", "Redo", "Ctrl+Y", () => this.redo());
    gap();
    VIEWS.forEach((view) => add(view, view, "Key V shows the next", () => this.show(view)));
    add("fit", "Fit", "Show the whole picture (key 0)", () => this.fit());
    if (this.frames > 1) {
      gap();
      add("before", "‹", "The frame before", () => this.load(Math.max(0, this.frame - 1)));
      this.frameLabel = element("span");
      bar.append(this.frameLabel);
      add("after", "›", "The next frame", () => this.load(Math.min(this.frames - 1, this.frame + 1)));
    }
    gap();
    add("save", "Save", "Keep the strokes in the workflow (Ctrl+Enter)", () => this.close(true));
    add("cancel", "Cancel", "Leave the strokes as they were (Escape)", () => this.close(false));
    this.area = element("div", "mn-view");
    this.canvas = element("canvas");
    this.ring = element("div", "mn-ring");
    this.area.append(this.canvas, this.ring);
    this.status = element("div", "mn-status");
    this.root.append(bar, this.area, this.status);
    this.root.editor = this;
    document.body.append(this.root);
    this.area.addEventListener("pointerdown", (event) => this.down(event));
    this.area.addEventListener("pointermove", (event) => this.move(event));
    this.area.addEventListener("pointerup", (event) => this.up(event));
    this.area.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.area.addEventListener("contextmenu", (event) => event.preventDefault());
    this.onKey = (event) => this.key(event);
    window.addEventListener("keydown", this.onKey, true);
    this.choose("brush", "unknown");
  }

  async load(frame) {
    this.frame = frame;
    if (this.frameLabel) this.frameLabel.textContent = `${frame + 1} of ${this.frames}`;
    this.say("Loading …");
    try {
      const [image, base] = await Promise.all(
        ["image", "trimap"].map((what) => pictureAt(`${this.at}/${what}/${frame}`)));
      this.image = image;
      this.canvas.width = image.width;
      this.canvas.height = image.height;
      this.trimap = new OffscreenCanvas(image.width, image.height);
      this.trimap.getContext("2d").drawImage(base, 0, 0);
      this.alpha = new OffscreenCanvas(image.width, image.height);
      this.hasMatte = false;
      this.fit();
      this.follow();
    } catch (error) {
      this.say(error.message);
    }
  }

  say(text) {
    this.status.textContent = text;
  }

  choose(tool, value = this.value) {
    this.tool = tool;
    this.value = value;
    for (const name of VALUES) this.press(name, tool !== "hair" && value === name);
    this.press("hair", tool === "hair");
    this.press("fill", tool === "fill");
    this.resize(1);
  }

  press(name, pressed) {
    this.buttons[name].setAttribute("aria-pressed", pressed);
  }

  resize(factor) {
    this.radius = Math.min(2000, Math.max(0.5, this.radius * factor));
    this.size.textContent = `${Math.round(2 * this.radius)} px`;
    const side = `${2 * this.radius * this.scale}px`;
    Object.assign(this.ring.style, { width: side, height: side });
  }

  show(view) {
    this.view = view;
    VIEWS.forEach((name) => this.press(name, name === view));
    if (view === "matte" || view === "cutout") this.follow();
    this.draw();
  }

  fit() {
    const { clientWidth, clientHeight } = this.area;
    this.scale = Math.min(clientWidth / this.canvas.width, clientHeight / this.canvas.height) * 0.96;
    this.offset = [
      (clientWidth - this.canvas.width * this.scale) / 2,
      (clientHeight - this.canvas.height * this.scale) / 2,
    ];
    this.place();
    this.show(this.view);
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
    if (event.button === 1 || event.button === 2 || event.altKey) {
      this.panning = [event.clientX, event.clientY];
      return;
    }
    const radius = Math.round(this.radius * 10) / 10;
    this.stroke = { tool: this.tool, value: this.value, radius, points: [this.at_(event)], frame: this.frame };
    this.draw();
  }

  move(event) {
    const box = this.area.getBoundingClientRect();
    Object.assign(this.ring.style, { left: `${event.clientX - box.left}px`, top: `${event.clientY - box.top}px` });
    if (this.panning) {
      this.offset[0] += event.clientX - this.panning[0];
      this.offset[1] += event.clientY - this.panning[1];
      this.panning = [event.clientX, event.clientY];
      this.place();
    } else if (this.stroke && this.stroke.tool !== "fill") {
      this.stroke.points.push(this.at_(event));
      this.draw();
    }
  }

  up() {
    this.panning = null;
    if (!this.stroke) return;
    this.strokes.push(this.stroke);
    this.undone = [];
    this.pending = this.stroke;
    this.stroke = null;
    this.follow();
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
      1: () => this.choose("brush", "background"), 2: () => this.choose("brush", "unknown"),
      3: () => this.choose("brush", "foreground"), 4: () => this.choose("hair"),
      f: () => this.buttons.fill.click(), "[": () => this.resize(1 / 1.25), "]": () => this.resize(1.25),
      v: () => this.show(VIEWS[(VIEWS.indexOf(this.view) + 1) % VIEWS.length]),
      0: () => this.fit(), Escape: () => this.close(false),
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
    this.follow();
  }

  redo() {
    const next = this.undone.pop();
    if (next) this.strokes.push(next);
    this.follow();
  }

  /** Bring the trimap, and the matte if it is seen, to the strokes; one request at a time. */
  async follow() {
    this.buttons.undo.disabled = !this.strokes.length;
    this.buttons.redo.disabled = !this.undone.length;
    if (this.following) {
      this.again = true;
      return;
    }
    this.following = true;
    do {
      this.again = false;
      const matte = this.view === "matte" || this.view === "cutout";
      const began = performance.now();
      this.say(matte ? "Solving …" : "Painting …");
      try {
        const answer = await api.fetchApi(`${this.at}/follow/${this.frame}`, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ strokes: this.strokes, matte }),
        });
        if (!answer.ok) throw new Error(await answer.text());
        const { trimap, alpha, message } = await answer.json();
        await this.put(this.trimap, trimap);
        await this.put(this.alpha, alpha);
        this.hasMatte ||= !!alpha;
        this.say(message || `${this.strokes.length} strokes · ${Math.round(performance.now() - began)} ms`);
      } catch (error) {
        this.say(error.message);
      }
      if (!this.again) this.pending = null;
      this.draw();
    } while (this.again && this.root.isConnected);
    this.following = false;
  }

  async put(canvas, part) {
    if (!part) return;
    const picture = new Image();
    picture.src = part.png;
    await picture.decode();
    canvas.getContext("2d").drawImage(picture, part.left, part.top);
  }

  draw() {
    if (!this.image) return;
    const context = this.canvas.getContext("2d");
    const { width, height } = this.canvas;
    context.clearRect(0, 0, width, height);
    if (this.view === "matte" && this.hasMatte) context.drawImage(this.alpha, 0, 0);
    else if (this.view === "cutout" && this.hasMatte) this.drawCutout(context);
    else context.drawImage(this.image, 0, 0);
    if (this.view === "trimap") this.drawTrimap(context);
    for (const stroke of [this.pending, this.stroke]) if (stroke) this.drawStroke(context, stroke);
  }

  drawTrimap(context) {
    const { width, height } = this.canvas;
    const labels = this.trimap.getContext("2d").getImageData(0, 0, width, height);
    const tint = new ImageData(width, height);
    for (let at = 0; at < labels.data.length; at += 4) {
      const level = labels.data[at];
      tint.data.set(COLORS[level === 0 ? "background" : level === 255 ? "foreground" : "unknown"], at);
    }
    const layer = new OffscreenCanvas(width, height);
    layer.getContext("2d").putImageData(tint, 0, 0);
    context.drawImage(layer, 0, 0);
  }

  drawCutout(context) {
    const { width, height } = this.canvas;
    const layer = new OffscreenCanvas(width, height);
    const inside = layer.getContext("2d");
    inside.drawImage(this.image, 0, 0);
    const colors = inside.getImageData(0, 0, width, height);
    const alpha = this.alpha.getContext("2d").getImageData(0, 0, width, height);
    for (let at = 0; at < colors.data.length; at += 4) colors.data[at + 3] = alpha.data[at];
    inside.putImageData(colors, 0, 0);
    const side = Math.max(4, Math.round(Math.max(width, height) / 64));
    for (let y = 0; y < height; y += side)
      for (let x = 0; x < width; x += side) {
        context.fillStyle = (x / side + y / side) % 2 ? "#bbb" : "#fff";
        context.fillRect(x, y, side, side);
      }
    context.drawImage(layer, 0, 0);
  }

  drawStroke(context, stroke) {
    const [red, green, blue] = COLORS[stroke.tool === "hair" ? "unknown" : stroke.value];
    context.strokeStyle = context.fillStyle = `rgba(${red}, ${green}, ${blue}, 0.6)`;
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
