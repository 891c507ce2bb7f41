// The page: what was chosen and drawn is kept here, and the server brings the steps to it.

import { Connection } from "./connection.js";
import { Controls, element } from "./controls.js";
import { Views } from "./views.js";

const STEPS = { image: "Picture", mask: "Mask", trimap: "Trimap", alpha: "Alpha", foreground: "Foreground", composite: "Composite" };
/** Tools by what they are for: title, key, and what they do. */
const GROUPS = {
  "": { move: ["Move", "m", "Drag the picture; the wheel zooms"] },
  "Which object": {
    box: ["Box around it", "x", "Drag a box around the object"],
    object: ["On it", "p", "Click on the object"],
    beside: ["Beside it", "n", "Click beside the object"],
  },
  "ID photo": { face: ["Face", "c", "Drag a box around the face"] },
  "Paint the trimap": {
    unknown: ["Unknown", "u", "Where the edge is: hair, fur, blur"],
    foreground: ["Foreground", "f", "What is surely the object"],
    background: ["Background", "b", "What is surely not the object"],
    hair: ["Hair", "h", "Unknown, moved to the edge that the brush passes along"],
  },
};
const TOOLS = Object.assign({}, ...Object.values(GROUPS));
/** Milliseconds without another change before the server is asked. */
const PAUSE = 120;

const find = (selector) => document.querySelector(selector);
const files = { image: null, background: null };
const undone = [];
let specs, controls, connection, views;
let asked = 0;

async function begin() {
  specs = await (await fetch("specs.json")).json();
  controls = new Controls(find("#parameters"), specs, change);
  views = new Views(find("#steps"), STEPS, { drawn });
  buildTools();
  connection = new Connection({ opened, closed, picture, file: keep, idPhoto, told });
  const [values, fields] = controls.aside(specs.id_photo);
  find("#id-parameters").append(...fields);
  find("#id-make").onclick = () => {
    const ends = views.face?.points;
    const low = (n) => Math.min(ends[0][n], ends[1][n]);
    const high = (n) => Math.max(ends[0][n], ends[1][n]) + 1;
    const face = ends ? [low(0), low(1), high(0), high(1)] : null;
    find("#id-photos").replaceChildren();
    if (connection.send({ do: "id_photo", parameters: values, face })) busy("Working …");
  };
  for (const input of document.querySelectorAll("input[type=file]")) {
    input.onchange = () => input.files[0] && choose(input.id.replace("file-", ""), input.files[0]);
  }
  for (const drop of document.querySelectorAll(".drop")) accept(drop, drop.dataset.what);
  accept(find("#work"), "image");
  for (const radio of document.querySelectorAll("input[name=behind]")) radio.onchange = behindChanged;
  for (const radio of document.querySelectorAll("input[name=start]")) radio.onchange = startChanged;
  find("#color").oninput = change;
  find("#sample").onclick = sample;
  find("#connect").onclick = () => connection.open();
  find("#controls").onsubmit = (event) => event.preventDefault();
  for (const button of document.querySelectorAll("#downloads button")) {
    button.onclick = () => connection.send({ do: "download", what: button.dataset.what });
  }
  find("#work").addEventListener("keydown", key);
}

// Pictures.

function accept(target, what) {
  target.addEventListener("dragover", (event) => {
    event.preventDefault();
    target.classList.add("over");
  });
  target.addEventListener("dragleave", () => target.classList.remove("over"));
  target.addEventListener("drop", (event) => {
    event.preventDefault();
    target.classList.remove("over");
    const [file] = event.dataTransfer.files;
    if (file) choose(what, file);
    else problem({ value: "Nothing was dropped that is a file", rule: "A picture is needed", fix: "Drop a picture file" });
  });
}

async function sample() {
  const taken = await (await fetch("sample.png")).blob();
  choose("image", new File([taken], "lemur.png"));
}

function choose(what, file) {
  problem(null);
  if (file.size > specs.limits.bytes) {
    const megabytes = (size) => `${(size / 1e6).toFixed(1)} MB`;
    problem({ value: `${file.name} has ${megabytes(file.size)}`, rule: `At most ${megabytes(specs.limits.bytes)} are taken`, fix: "Save it smaller, or as JPEG" });
    return;
  }
  if (!file.size) {
    problem({ value: `${file.name} is empty`, rule: "It must be a picture", fix: "Choose another file" });
    return;
  }
  if (what === "background") find("input[value=picture]").checked = true;
  showBehind();
  sendFile(what, file);
}

/** The files that the server looks at: one counts only when it could be read. */
let sent = [];

function sendFile(what, file) {
  const isNew = files[what] !== file;
  if (!connection.send({ do: "file", what, name: file.name }, file) && !isNew) return;
  sent.push({ what, file, isNew });
  busy("Sending …");
}

function behindChanged() {
  showBehind();
  if (behind() === "picture" && files.background) sendFile("background", files.background);
  else if (behind() !== "picture") connection.send({ do: "forget" });
  change();
}

const behind = () => find("input[name=behind]:checked").value;

function showBehind() {
  for (const part of document.querySelectorAll("[data-for]")) part.hidden = part.dataset.for !== behind();
}

const start = () => find("input[name=start]:checked").value;

/** Begin the trimap at the object that was found, or at nothing; there one wants to paint the object. */
function startChanged() {
  showStart();
  if (start() === "empty") tool("foreground");
  ask();
}

function showStart() {
  const empty = start() === "empty";
  find("#paint-hint").hidden = !empty;
  find("figure[data-step=mask]").classList.toggle("unused", empty);
}

function begins(value) {
  find(`input[name=start][value=${value}]`).checked = true;
  showStart();
}

// What is wanted.

function state() {
  const parameters = structuredClone(controls.values);
  const backdrop = { transparent: { color: "transparent" }, color: { color: find("#color").value }, blur: { backdrop: "blur" } };
  Object.assign(parameters.composite, backdrop[behind()] ?? {});
  const drawn = (kind) => {
    const strokes = views.actions.filter((a) => a.kind === kind).map(({ kind: _, ...stroke }) => stroke);
    return strokes.length ? JSON.stringify({ strokes }) : "";
  };
  return { do: "state", parameters, marks: drawn("mark"), strokes: drawn("stroke"), start: start() };
}

function change() {
  clearTimeout(change.timer);
  change.timer = setTimeout(ask, PAUSE);
}

function ask() {
  if (!files.image) return;
  clearTimeout(change.timer);
  asked = performance.now();
  if (connection.send(state())) busy("Working …");
}

function drawn(action) {
  const { kind } = action;
  if (kind === "mark" && action.tool === "box") views.actions = views.actions.filter((a) => a.tool !== "box");
  views.actions.push(action);
  undone.length = 0;
  showHistory();
  ask();
}

function undo() {
  const last = views.actions.pop();
  if (last) undone.push(last);
  views.pending = [];
  showHistory();
  ask();
}

function redo() {
  const next = undone.pop();
  if (next) views.actions.push(next);
  showHistory();
  ask();
}

function showHistory() {
  find("#undo").disabled = !views.actions.length;
  find("#redo").disabled = !undone.length;
  views.draw();
}

// What the server says.

function opened() {
  find("#connect").hidden = true;
  say(files.image ? "Connected again." : "Choose a picture to begin.");
  const waiting = sent.filter(({ isNew }) => isNew);
  sent = [];
  if (files.image) sendFile("image", files.image);
  if (files.background && behind() === "picture") sendFile("background", files.background);
  for (const { what, file } of waiting) sendFile(what, file);
  ask();
}

function closed(reason, again) {
  find("#progress").hidden = true;
  find("#connect").hidden = again;
  const what = reason || "The connection to the server was lost";
  say(`${what}. Your pictures and strokes are kept on this page${again ? "; connecting again …" : "."}`);
  if (reason) sent = [];
}

function picture(header, bitmap) {
  if (header.step === "background") return;
  if (header.step === "image") {
    find("#welcome").hidden = true;
    views.clear();
    if (sent[0]?.isNew) views.actions = [];
    if (sent[0]?.isNew) undone.length = 0;
    if (sent[0]?.isNew) views.face = null;
    if (sent[0]?.isNew) begins("mask");
    views.pending = [];
    showHistory();
  }
  views.put(header, bitmap);
  find(`figure[data-step=${header.step}]`).classList.remove("stale", "failed");
}

function told(message) {
  if (message.progress !== undefined) {
    find("#progress").value = message.progress;
    if (message.message) say(message.message);
    return;
  }
  find("#progress").hidden = true;
  if (message.error) {
    problem(message.error, message.done);
    say("Stopped.");
    if (message.done === "state") failed(message.error.step);
    if (message.done === "state" && ["mask", "trimap"].includes(message.error.step) && start() === "mask") {
      const paint = () => {
        begins("empty");
        startChanged();
      };
      find("#problem").append(element("button", { id: "paint", type: "button", textContent: "Paint the trimap myself", onclick: paint }));
    }
    if (message.done === "state" && message.error.step === "alpha" && start() === "empty") {
      // Somebody who has only begun to paint did nothing wrong.
      find("#problem").classList.add("calm");
      find("figure[data-step=alpha]").classList.remove("failed");
      say(`Paint on the trimap · strokes and marks: ${views.actions.length}`);
      views.pending = [];
      views.draw();
    }
    if (message.done === "file") {
      sent.shift();
      ask(); // what it interrupted
    }
    return;
  }
  if (message.done === "file" && sent.length) {
    const { what, file } = sent.shift();
    files[what] = file;
    find(`.drop[data-what=${what}] [data-name]`).textContent = file.name;
    ask();
  } else if (message.done === "id_photo") {
    if (find("#problem").dataset.of === "id_photo") problem(null);
    say("The ID photo is below the steps.");
  } else if (message.done === "state") {
    if (find("#problem").dataset.of === "state") problem(null);
    views.pending = [];
    views.draw();
    for (const figure of document.querySelectorAll("figure")) figure.classList.remove("stale", "failed");
    for (const button of document.querySelectorAll("#downloads button, #id-make")) button.disabled = false;
    const [width, height] = views.size;
    say(`Done in ${Math.round(performance.now() - asked)} ms · ${width} × ${height} pixels · strokes and marks: ${views.actions.length}`);
  }
}

function failed(step) {
  const names = Object.keys(STEPS);
  for (const figure of document.querySelectorAll("figure")) {
    const at = names.indexOf(figure.dataset.step);
    figure.classList.toggle("failed", figure.dataset.step === step);
    figure.classList.toggle("stale", step in STEPS && at >= names.indexOf(step));
  }
}

function keep(name, blob) {
  const address = URL.createObjectURL(blob);
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
  say(`Saved ${name}.`);
}

/** Show an ID photo or its sheet, and which rules it meets. */
function idPhoto({ id_photo: name, verdicts }, blob) {
  const address = URL.createObjectURL(blob);
  const title = { "photo.png": "Photo", "sheet.png": "Print sheet" }[name];
  const link = element("a", { href: address, download: name, textContent: `Download ${title.toLowerCase()}` });
  find("#id-photos").append(element("figure", {}, element("figcaption", { textContent: title }), element("img", { src: address, alt: title }), link));
  const words = (rule, number) => (/allowed/.test(rule) ? rule.replace(/^(.*?), allowed/, `$1 ${number}, allowed`) : rule);
  const item = ([rule, number]) => element("li", { textContent: words(rule, number), className: / ok$/.test(rule) ? "ok" : "not" });
  find("#id-verdicts").replaceChildren(...Object.entries(verdicts).map(item));
  find("#id").hidden = false;
}

function say(text) {
  find("#status").textContent = text;
}

function busy(text) {
  say(text);
  Object.assign(find("#progress"), { hidden: false, value: 0 });
}

/** Show an error; `of` is what was asked for. */
function problem(error, of = "") {
  const box = find("#problem");
  box.dataset.of = of;
  box.hidden = !error;
  box.classList.remove("calm");
  const sentence = (text) => (/[.!?]$/.test(text) ? text : `${text}.`);
  const lines = error ? [error.value, error.rule, error.fix].map((t) => element("p", { textContent: sentence(t) })) : [];
  box.replaceChildren(...lines);
}

// Tools.

function buildTools() {
  const bar = find("#tools");
  const group = (label) => {
    const made = element("div", { className: "group" });
    made.setAttribute("role", "group");
    if (label) made.append(element("span", { textContent: label }));
    if (label) made.setAttribute("aria-label", label);
    bar.append(made);
    return made;
  };
  const add = (into, id, text, title, act) => {
    const button = element("button", { id, type: "button", textContent: text, title, onclick: act });
    into.append(button);
    return button;
  };
  for (const [label, tools] of Object.entries(GROUPS)) {
    const into = group(label);
    for (const [name, [title, letter, does]] of Object.entries(tools)) {
      const button = add(into, `tool-${name}`, title, `${does} (key ${letter.toUpperCase()})`, () => tool(name));
      button.setAttribute("aria-pressed", "false");
    }
  }
  const size = element("input", { id: "size", type: "range", min: 1, max: 150, value: views.radius });
  size.oninput = () => {
    views.radius = Number(size.value);
    views.draw();
  };
  bar.lastChild.append(element("label", { textContent: "Brush" }, size));
  const history = group("");
  add(history, "undo", "Undo", "Ctrl+Z", undo).disabled = true;
  add(history, "redo", "Redo", "Ctrl+Y", redo).disabled = true;
  const view = group("");
  add(view, "smaller", "−", "Zoom out", () => views.zoom(0.8)).setAttribute("aria-label", "Zoom out");
  add(view, "larger", "+", "Zoom in", () => views.zoom(1.25)).setAttribute("aria-label", "Zoom in");
  add(view, "fit", "Fit", "Show the whole picture (key 0)", () => views.fit());
  add(view, "full", "1:1", "One pixel of the picture for one of the screen", fullSize);
  tool(matchMedia("(pointer: coarse)").matches ? "move" : "unknown");
}

function tool(name) {
  views.tool = name;
  for (const other of Object.keys(TOOLS)) find(`#tool-${other}`).setAttribute("aria-pressed", other === name);
  views.draw();
}

function fullSize() {
  const view = views.views.find((v) => v.figure.classList.contains("large")) ?? views.views[2];
  if (views.size[0]) views.zoom(1 / view.scale);
}

function key(event) {
  if (event.target.matches("input, select")) return;
  const letter = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey) {
    const act = { z: event.shiftKey ? redo : undo, y: redo }[letter];
    if (!act) return;
    act();
    event.preventDefault();
    return;
  }
  const chosen = Object.keys(TOOLS).find((name) => TOOLS[name][1] === letter);
  if (chosen && !event.altKey) tool(chosen);
  else if (letter === "[" || letter === "]") {
    const size = find("#size");
    size.value = views.radius * (letter === "[" ? 0.8 : 1.25);
    size.oninput();
  }
}

begin().catch((error) => problem({ value: `The page could not begin: ${error.message}`, rule: "The server must answer", fix: "Load the page again" }));
