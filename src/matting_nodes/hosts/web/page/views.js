// The steps side by side: canvases that share one camera, one pointer and one brush.

import { element } from "./controls.js";

const TINTS = { 0: [200, 40, 40, 110], 128: [255, 210, 0, 150], 255: [40, 170, 70, 110] };
const COLORS = { background: "#c82828", unknown: "#ffd200", foreground: "#28aa46" };
/** A pointer that moved less, in pixels of the screen, has clicked. */
const STILL = 4;

export class Views {
  /** `on` has: drawn(kind, item), changed() for what the pointer and keys do. */
  constructor(root, titles, on) {
    this.on = on;
    this.camera = { zoom: 1, x: 0, y: 0 };
    this.size = [0, 0];
    this.layers = {};
    this.tool = "unknown";
    this.radius = 10;
    this.pointer = null;
    this.actions = [];
    this.pending = [];
    this.fingers = new Map();
    this.views = Object.entries(titles).map(([name, title]) => new View(this, root, name, title));
  }

  /** Take a rectangle of a step's picture. */
  put({ step, left, top, width, height }, bitmap) {
    let layer = this.layers[step];
    if (!layer || layer.width !== width || layer.height !== height) {
      layer = this.layers[step] = new OffscreenCanvas(width, height);
      if (step === "trimap") this.tint = new OffscreenCanvas(width, height);
    }
    const context = layer.getContext("2d", { willReadFrequently: step === "trimap" });
    context.clearRect(left, top, bitmap.width, bitmap.height);
    context.drawImage(bitmap, left, top);
    if (step === "trimap") this.tintPart(context, left, top, bitmap.width, bitmap.height);
    if (step === "image" && (this.size[0] !== width || this.size[1] !== height)) {
      this.size = [width, height];
      this.fit();
    }
    this.draw();
  }

  tintPart(context, left, top, width, height) {
    const labels = context.getImageData(left, top, width, height);
    const tint = new ImageData(width, height);
    for (let at = 0; at < labels.data.length; at += 4) {
      const level = labels.data[at];
      tint.data.set(TINTS[level <= 5 ? 0 : level >= 250 ? 255 : 128], at);
    }
    this.tint.getContext("2d").putImageData(tint, left, top);
  }

  /** Forget all pictures but those of these steps. */
  clear(keep = []) {
    for (const name of Object.keys(this.layers)) if (!keep.includes(name)) delete this.layers[name];
    this.draw();
  }

  fit() {
    this.camera = { zoom: 1, x: this.size[0] / 2, y: this.size[1] / 2 };
    this.draw();
  }

  zoom(factor, at = [this.camera.x, this.camera.y]) {
    const zoom = Math.min(64, Math.max(0.5, this.camera.zoom * factor));
    const ratio = this.camera.zoom / zoom;
    this.camera = { zoom, x: at[0] + (this.camera.x - at[0]) * ratio, y: at[1] + (this.camera.y - at[1]) * ratio };
    this.draw();
  }

  draw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      for (const view of this.views) view.draw();
    });
  }

  // What the pointer does.

  get isBrush() {
    return ["unknown", "foreground", "background", "hair"].includes(this.tool);
  }

  press(place) {
    if (!this.layers.image) return;
    if (this.isBrush && !this.layers.trimap) return;
    const rounded = place.map((v) => Math.round(v * 10) / 10);
    const radius = Math.round(this.radius * 10) / 10;
    const made = {
      box: { kind: "mark", tool: "box", value: "foreground" },
      face: { kind: "face", tool: "box", value: "foreground" },
      object: { kind: "mark", tool: "point", value: "foreground" },
      beside: { kind: "mark", tool: "point", value: "background" },
      hair: { kind: "stroke", tool: "hair", value: "unknown" },
    }[this.tool] ?? { kind: "stroke", tool: "brush", value: this.tool };
    this.stroke = { ...made, radius, points: [rounded] };
    this.draw();
  }

  drag(place) {
    const rounded = place.map((v) => Math.round(v * 10) / 10);
    const { tool, points } = this.stroke;
    if (tool === "point") points[0] = rounded;
    else if (tool === "box") points[1] = rounded;
    else points.push(rounded);
    this.draw();
  }

  release() {
    const stroke = this.stroke;
    this.stroke = null;
    if (!stroke || (stroke.tool === "box" && stroke.points.length < 2)) return this.draw();
    if (stroke.kind === "stroke") this.pending.push(stroke);
    if (stroke.kind === "face") this.face = stroke;
    else this.on.drawn(stroke);
    this.draw();
  }

  giveUp() {
    this.stroke = null;
    this.isDown = false;
    this.draw();
  }
}

class View {
  constructor(views, root, name, title) {
    Object.assign(this, { views, name, title });
    this.canvas = element("canvas", { tabIndex: 0 });
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-roledescription", "picture to zoom and paint on");
    this.larger = element("button", { type: "button", textContent: "Enlarge", onclick: () => this.enlarge() });
    this.larger.setAttribute("aria-label", `Enlarge ${title}`);
    this.larger.setAttribute("aria-pressed", "false");
    this.figure = element("figure", {}, element("figcaption", {}, element("span", { textContent: title }), this.larger), this.canvas);
    this.figure.dataset.step = name;
    root.append(this.figure);
    new ResizeObserver(() => {
      const ratio = window.devicePixelRatio;
      this.canvas.width = Math.round(this.canvas.clientWidth * ratio);
      this.canvas.height = Math.round(this.canvas.clientHeight * ratio);
      this.draw();
    }).observe(this.canvas);
    const events = {
      pointerdown: (e) => this.down(e), pointermove: (e) => this.move(e), pointerup: (e) => this.up(e),
      pointercancel: (e) => this.cancel(e), pointerleave: () => this.leave(), contextmenu: (e) => e.preventDefault(),
      keydown: (e) => this.key(e), focus: () => this.views.draw(), blur: () => this.views.draw(),
    };
    for (const [event, act] of Object.entries(events)) this.canvas.addEventListener(event, act);
    this.canvas.addEventListener("wheel", (e) => this.wheel(e), { passive: false });
  }

  enlarge() {
    const large = this.figure.classList.toggle("large");
    this.larger.setAttribute("aria-pressed", large);
    for (const other of this.views.views) {
      if (other === this) continue;
      other.figure.classList.remove("large");
      other.larger.setAttribute("aria-pressed", "false");
    }
  }

  /** Pixels of the canvas for one of the picture. */
  get scale() {
    const [width, height] = this.views.size;
    return Math.min(this.canvas.width / width, this.canvas.height / height) * this.views.camera.zoom * 0.97;
  }

  /** Where in the picture an event is; the center of the first pixel is at (0, 0). */
  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const ratio = this.canvas.width / box.width;
    const { x, y } = this.views.camera;
    return [
      ((event.clientX - box.left) * ratio - this.canvas.width / 2) / this.scale + x - 0.5,
      ((event.clientY - box.top) * ratio - this.canvas.height / 2) / this.scale + y - 0.5,
    ];
  }

  down(event) {
    const { views } = this;
    this.canvas.setPointerCapture(event.pointerId);
    views.fingers.set(event.pointerId, [event.clientX, event.clientY]);
    this.pressedAt = [event.clientX, event.clientY];
    if (views.fingers.size > 1 || event.button > 0 || views.tool === "move") {
      views.giveUp();
      this.panning = true;
      return;
    }
    views.press(this.place(event));
  }

  move(event) {
    const { views } = this;
    views.pointer = this.place(event);
    if (this.panning && views.fingers.has(event.pointerId)) this.pan(event);
    else if (views.stroke && views.fingers.has(event.pointerId)) {
      for (const passed of event.getCoalescedEvents?.() ?? [event]) views.drag(this.place(passed));
      if (views.stroke.points.length < 2) views.drag(this.place(event));
    }
    views.draw();
  }

  /** Move the picture with the pointer; two fingers zoom as well. */
  pan(event) {
    const { fingers, camera } = this.views;
    const before = [...fingers.values()];
    const [x, y] = fingers.get(event.pointerId);
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
    const ratio = this.canvas.width / this.canvas.getBoundingClientRect().width / this.scale / before.length;
    camera.x -= (event.clientX - x) * ratio;
    camera.y -= (event.clientY - y) * ratio;
    if (before.length === 2) {
      const apart = ([a, b]) => Math.hypot(a[0] - b[0], a[1] - b[1]);
      this.views.zoom(apart([...fingers.values()]) / Math.max(1, apart(before)));
    }
  }

  up(event) {
    this.views.fingers.delete(event.pointerId);
    if (this.panning) this.panning = this.views.fingers.size > 0;
    else {
      const moved = Math.hypot(event.clientX - this.pressedAt?.[0], event.clientY - this.pressedAt?.[1]);
      if (this.views.stroke?.tool === "box" && moved < STILL) this.views.giveUp();
      this.views.release();
    }
  }

  cancel(event) {
    this.views.fingers.delete(event.pointerId);
    this.panning = false;
    this.views.giveUp();
  }

  leave() {
    if (document.activeElement !== this.canvas) this.views.pointer = null;
    this.views.draw();
  }

  wheel(event) {
    if (!this.views.layers.image) return;
    event.preventDefault();
    this.views.zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15, this.place(event).map((v) => v + 0.5));
  }

  key(event) {
    const { views } = this;
    if (event.ctrlKey || event.metaKey || event.altKey || !views.layers.image) return;
    const step = (event.shiftKey ? 10 : 1) * Math.max(1, Math.round(4 / this.scale));
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const keys = {
      " ": () => this.pen(), Enter: () => this.pen(), "+": () => views.zoom(1.25), "=": () => views.zoom(1.25),
      "-": () => views.zoom(0.8), 0: () => views.fit(), e: () => this.enlarge(), Escape: () => views.giveUp(),
    };
    if (arrows[event.key]) {
      const [x, y] = views.pointer ?? [views.camera.x, views.camera.y].map(Math.round);
      const [dx, dy] = arrows[event.key];
      const [width, height] = views.size;
      views.pointer = [Math.min(width - 1, Math.max(0, x + dx * step)), Math.min(height - 1, Math.max(0, y + dy * step))];
      if (views.stroke) views.drag(views.pointer);
      views.draw();
    } else if (keys[event.key]) keys[event.key]();
    else return;
    event.preventDefault();
  }

  /** Put the brush down, or lift it. */
  pen() {
    const { views } = this;
    views.pointer ??= [views.camera.x, views.camera.y].map(Math.round);
    if (views.tool === "move") return;
    if (!views.stroke) views.press(views.pointer);
    else views.drag(views.pointer);
    if (views.stroke?.tool === "point" || (views.isDown && views.stroke)) {
      views.isDown = false;
      views.release();
    } else views.isDown = !!views.stroke;
  }

  draw() {
    const { canvas, views } = this;
    const context = canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    const layer = views.layers[this.name];
    const size = layer ? `, ${views.size[0]} × ${views.size[1]} pixels` : ", not made yet";
    canvas.setAttribute("aria-label", this.title + size);
    if (!layer || !views.size[0]) return;
    const { scale } = this;
    const { x, y } = views.camera;
    context.setTransform(scale, 0, 0, scale, canvas.width / 2 - x * scale, canvas.height / 2 - y * scale);
    context.imageSmoothingEnabled = scale < 1.5;
    context.imageSmoothingQuality = "high";
    const shown = this.name === "trimap" ? views.layers.image : layer;
    if (this.name === "composite") this.checkers(context, scale);
    if (shown) context.drawImage(shown, 0, 0);
    if (this.name === "trimap" && views.tint) context.drawImage(views.tint, 0, 0);
    this.drawActions(context, scale);
    this.drawPointer(context, scale);
  }

  checkers(context, scale) {
    const side = 10 * window.devicePixelRatio;
    const tile = (View.tile ??= Object.assign(new OffscreenCanvas(2 * side, 2 * side)));
    const inside = tile.getContext("2d");
    inside.fillStyle = "#fff";
    inside.fillRect(0, 0, 2 * side, 2 * side);
    inside.fillStyle = "#c9ced0";
    inside.fillRect(0, 0, side, side);
    inside.fillRect(side, side, side, side);
    const pattern = context.createPattern(tile, "repeat");
    pattern.setTransform(new DOMMatrix().scale(1 / scale));
    context.fillStyle = pattern;
    context.fillRect(0, 0, ...this.views.size);
  }

  drawActions(context, scale) {
    const { views } = this;
    const onPicture = this.name === "image" || this.name === "mask";
    const strokes = this.name === "image" || this.name === "mask" ? [] : [...views.pending, views.stroke];
    for (const stroke of strokes) if (stroke?.kind === "stroke") this.drawPath(context, stroke);
    if (!onPicture) return;
    context.lineWidth = 2 / scale;
    for (const { kind, tool, value, points } of [...views.actions, views.face ?? {}, views.stroke ?? {}]) {
      if (!kind || kind === "stroke") continue;
      context.strokeStyle = kind === "face" ? "#4ac3ff" : tool === "box" ? COLORS.unknown : "#fff";
      context.fillStyle = COLORS[value];
      context.beginPath();
      if (tool === "box" && points[1]) {
        const [[a, b], [c, d]] = points;
        context.strokeRect(a + 0.5, b + 0.5, c - a, d - b);
      } else if (tool === "point") {
        context.arc(points[0][0] + 0.5, points[0][1] + 0.5, 6 / scale, 0, 7);
        context.fill();
        context.stroke();
      }
    }
  }

  drawPath(context, { points, radius, value, tool }) {
    context.globalAlpha = 0.6;
    context.strokeStyle = COLORS[tool === "hair" ? "unknown" : value];
    context.lineWidth = 2 * radius;
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    context.moveTo(points[0][0] + 0.5, points[0][1] + 0.5);
    for (const [x, y] of points.length > 1 ? points.slice(1) : points) context.lineTo(x + 0.5, y + 0.51);
    context.stroke();
    context.globalAlpha = 1;
  }

  /** The brush, in every step at the same place. */
  drawPointer(context, scale) {
    const { pointer, radius, isBrush, tool } = this.views;
    if (!pointer || tool === "move") return;
    const [x, y] = [pointer[0] + 0.5, pointer[1] + 0.5];
    const reach = isBrush ? Math.max(radius, 2 / scale) : 7 / scale;
    for (const [color, width] of [["#000", 3], ["#fff", 1.4]]) {
      context.strokeStyle = color;
      context.lineWidth = width / scale;
      context.beginPath();
      context.arc(x, y, reach, 0, 7);
      if (!isBrush) {
        context.moveTo(x - 2 * reach, y);
        context.lineTo(x + 2 * reach, y);
        context.moveTo(x, y - 2 * reach);
        context.lineTo(x, y + 2 * reach);
      }
      context.stroke();
    }
  }
}
