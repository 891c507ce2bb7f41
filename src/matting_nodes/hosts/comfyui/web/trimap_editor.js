// The editor of Edit Trimap: brush, hair brush and fill over the picture, the matte beside them.
//
// What is painted is kept as strokes; the server paints them again, exactly as a run does, and
// answers with the rectangles of the trimap and of the matte that changed.

import { api } from "../../scripts/api.js";
import { COLORS, Editor, pictureAt } from "./editor.js";
import { translated } from "./words.js";

const VALUES = ["background", "unknown", "foreground"];
const VIEWS = ["trimap", "matte", "cutout", "picture"];

export class TrimapEditor extends Editor {
  constructor(...given) {
    super(...given);
    this.view = "trimap";
    this.choose("brush", "unknown");
  }

  addTools() {
    VALUES.forEach((value, n) =>
      this.add(value, `${n + 1} ${value}`, `Paint ${value} (key ${n + 1})`, () => this.choose("brush", value)));
    this.add("hair", "4 hair", "A band of unknown that moves to the edge it passes along (key 4)", () =>
      this.choose("hair"));
    this.add("fill", "F fill", "Fill the connected pixels below the pointer with the value (key F)", () =>
      this.choose(this.tool === "fill" ? "brush" : "fill"));
  }

  addViews() {
    VIEWS.forEach((view) => this.add(view, view, "Key V shows the next", () => this.show(view)));
  }

  keys() {
    return {
      1: () => this.choose("brush", "background"), 2: () => this.choose("brush", "unknown"),
      3: () => this.choose("brush", "foreground"), 4: () => this.choose("hair"),
      f: () => this.buttons.fill.click(),
      v: () => this.show(VIEWS[(VIEWS.indexOf(this.view) + 1) % VIEWS.length]),
    };
  }

  async loaded() {
    const { width, height } = this.image;
    const base = await pictureAt(`${this.at}/trimap/${this.frame}`);
    this.trimap = new OffscreenCanvas(width, height);
    this.trimap.getContext("2d").drawImage(base, 0, 0);
    this.alpha = new OffscreenCanvas(width, height);
    this.hasMatte = false;
    VIEWS.forEach((name) => this.press(name, name === this.view));
  }

  choose(tool, value = this.value) {
    this.tool = tool;
    this.value = value;
    for (const name of VALUES) this.press(name, tool !== "hair" && value === name);
    this.press("hair", tool === "hair");
    this.press("fill", tool === "fill");
    this.resize(1);
  }

  show(view) {
    this.view = view;
    VIEWS.forEach((name) => this.press(name, name === view));
    if (view === "matte" || view === "cutout") this.follow();
    this.draw();
  }

  begin(place) {
    const radius = Math.round(this.radius * 10) / 10;
    return { tool: this.tool, value: this.value, radius, points: [place], frame: this.frame };
  }

  extend(stroke, place) {
    if (stroke.tool !== "fill") stroke.points.push(place);
  }

  /** Bring the trimap, and the matte if it is seen, to the strokes; one request at a time.
   *
   * The matte follows near the strokes at once, and everywhere once the hand rests. */
  async follow() {
    if (this.following) {
      this.again = true;
      if (this.settling) api.fetchApi(`${this.at}/stop`, { method: "POST" });
      return;
    }
    this.following = true;
    this.settling = false;
    do {
      this.again = false;
      const settle = this.settling;
      const matte = this.view === "matte" || this.view === "cutout";
      const began = performance.now();
      this.say(settle ? "Settling …" : matte ? "Solving …" : "Painting …");
      try {
        const answer = await api.fetchApi(`${this.at}/follow/${this.frame}`, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ strokes: this.strokes, matte, settle }),
        });
        if (!answer.ok) throw new Error(await answer.text());
        const { trimap, alpha, message, settled } = await answer.json();
        this.settling = matte && !settled && !this.again && !message;
        await this.put(this.trimap, trimap);
        await this.put(this.alpha, alpha);
        this.hasMatte ||= !!alpha;
        const drawn = `${this.strokes.length} ${translated("strokes")}`;
        this.say(message || `${drawn} · ${Math.round(performance.now() - began)} ms`);
      } catch (error) {
        this.settling = false;
        this.say(error.message);
      }
      if (!this.again) this.pending = null;
      this.draw();
    } while ((this.again || this.settling) && this.root.isConnected);
    this.following = false;
  }

  async put(canvas, part) {
    if (!part) return;
    const picture = new Image();
    picture.src = part.png;
    await picture.decode();
    canvas.getContext("2d").drawImage(picture, part.left, part.top);
  }

  drawPicture(context) {
    if (this.view === "matte" && this.hasMatte) context.drawImage(this.alpha, 0, 0);
    else if (this.view === "cutout" && this.hasMatte) this.drawCutout(context);
    else super.drawPicture(context);
  }

  drawOver(context) {
    if (this.view !== "trimap") return;
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
    this.drawPath(context, stroke, `rgba(${red}, ${green}, ${blue}, 0.6)`);
  }
}
