// The editor of Mark Object: points, a box and scribbles over the picture.
//
// Nothing here needs the server but the picture: marks are drawn as they are kept.

import { COLORS, Editor } from "./editor.js";
import { translated } from "./words.js";

const TOOLS = { pointer: "", foreground: "foreground", background: "background", erase: "unknown" };

export class MarksEditor extends Editor {
  constructor(...given) {
    super(...given);
    this.choose("pointer");
  }

  addTools() {
    this.add("pointer", "P points and box",
      "Click on the object; right or Alt click beside it; drag a box around it (key P)", () => this.choose("pointer"));
    this.add("background", "1 background", "Scribble beside the object (key 1)", () => this.choose("background"));
    this.add("erase", "2 erase", "Erase scribbles (key 2)", () => this.choose("erase"));
    this.add("foreground", "3 foreground", "Scribble on the object (key 3)", () => this.choose("foreground"));
    this.add("clear", "Clear", "Take all marks of this frame away", () => {
      this.strokes = this.strokes.filter((stroke) => stroke.frame !== this.frame);
      this.changed();
    });
  }

  keys() {
    return {
      p: () => this.choose("pointer"), 1: () => this.choose("background"),
      2: () => this.choose("erase"), 3: () => this.choose("foreground"),
    };
  }

  choose(tool) {
    this.tool = tool;
    Object.keys(TOOLS).forEach((name) => this.press(name, name === tool));
    this.ring.style.visibility = tool === "pointer" ? "hidden" : "visible";
    this.area.style.cursor = tool === "pointer" ? "crosshair" : "none";
  }

  /** Return the nearest place that lies in the picture. */
  inside([x, y]) {
    return [Math.min(Math.max(x, 0), this.canvas.width - 1), Math.min(Math.max(y, 0), this.canvas.height - 1)];
  }

  begin(place) {
    if (this.tool === "pointer")
      return { tool: "box", value: "foreground", radius: 1, points: [this.inside(place)], frame: this.frame };
    const radius = Math.round(this.radius * 10) / 10;
    return { tool: "brush", value: TOOLS[this.tool], radius, points: [place], frame: this.frame };
  }

  extend(stroke, place) {
    if (stroke.tool === "box") stroke.points[1] = this.inside(place);
    else stroke.points.push(place);
  }

  finished(stroke, still) {
    if (stroke.tool !== "box" || (!still && stroke.points.length > 1)) return stroke;
    return { ...stroke, tool: "point", points: [stroke.points[0]] };
  }

  clicked(place, button) {
    if (button === 1) return;
    const points = [this.inside(place)];
    this.keep({ tool: "point", value: "background", radius: 1, points, frame: this.frame });
  }

  follow() {
    this.pending = null;
    const here = this.strokes.filter((stroke) => stroke.frame === this.frame);
    const count = (tool) => here.filter((stroke) => stroke.tool === tool).length;
    this.say([
      `${count("point")} ${translated("points")}`, translated(count("box") ? "a box" : "no box"),
      `${count("brush")} ${translated("scribbles")}`,
    ].join(" · "));
    this.draw();
  }

  drawOver(context) {
    const { width, height } = this.canvas;
    const layer = new OffscreenCanvas(width, height);
    const here = [...this.strokes, this.stroke].filter((stroke) => stroke?.frame === this.frame);
    for (const stroke of here) if (stroke.tool === "brush") this.drawScribble(layer.getContext("2d"), stroke);
    context.globalAlpha = 0.6;
    context.drawImage(layer, 0, 0);
    context.globalAlpha = 1;
    // The last box is the one that counts.
    const box = here.filter((stroke) => stroke.tool === "box").pop();
    if (box) this.drawBox(context, box);
    for (const stroke of here) if (stroke.tool === "point") this.drawPoint(context, stroke);
  }

  drawScribble(context, stroke) {
    context.globalCompositeOperation = stroke.value === "unknown" ? "destination-out" : "source-over";
    this.drawPath(context, stroke, `rgb(${COLORS[stroke.value].slice(0, 3)})`);
  }

  drawBox(context, { points }) {
    const [[left, top], [right, bottom]] = [points[0], points[points.length - 1]];
    context.strokeStyle = `rgb(${COLORS.unknown.slice(0, 3)})`;
    context.lineWidth = 2 / this.scale;
    context.strokeRect(left + 0.5, top + 0.5, right - left, bottom - top);
  }

  drawPoint(context, { points: [[x, y]], value }) {
    context.beginPath();
    context.arc(x + 0.5, y + 0.5, 6 / this.scale, 0, 2 * Math.PI);
    context.fillStyle = `rgb(${COLORS[value].slice(0, 3)})`;
    context.strokeStyle = "#fff";
    context.lineWidth = 2 / this.scale;
    context.fill();
    context.stroke();
  }

  place() {
    super.place();
    this.draw();
  }
}
