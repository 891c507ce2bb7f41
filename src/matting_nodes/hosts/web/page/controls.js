// The controls of the nodes' parameters, made from their specs.

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** What the page asks for elsewhere. */
const ELSEWHERE = { composite: ["backdrop", "color"], id_photo: ["detector"] };
const WIDE_RANGE = 5000;

export class Controls {
  constructor(root, specs, changed) {
    this.changed = changed;
    this.values = {};
    for (const step of specs.steps) root.append(this.step(step, specs.start[step.name] ?? {}));
  }

  /** Return a node's controls that change no step. */
  aside(step) {
    const values = {};
    const idle = { ...this, changed: () => {} };
    Object.setPrototypeOf(idle, Controls.prototype);
    return [values, idle.group(step.name, values, step.parameters.filter((p) => !ELSEWHERE[step.name].includes(p.name)), {})];
  }

  step(step, start) {
    const values = (this.values[step.name] = {});
    const box = element("details", {}, element("summary", { textContent: step.title }), element("p", { className: "hint", textContent: step.summary }));
    box.dataset.step = step.name;
    const skip = ELSEWHERE[step.name] ?? [];
    const own = step.parameters.filter((p) => !skip.includes(p.name));
    if (step.methods.length) {
      const id = `${step.name}-method`;
      const select = element("select", { id, className: "wide" });
      for (const { name, title } of step.methods) select.append(new Option(title, name));
      select.value = start.method ?? step.methods[0].name;
      const under = element("div");
      const show = (given) => {
        const method = step.methods.find((m) => m.name === select.value);
        for (const name of Object.keys(values)) delete values[name];
        values.method = method.name;
        const hint = element("p", { className: "hint", textContent: method.summary });
        under.replaceChildren(hint, ...this.group(step.name, values, [...method.parameters, ...own], given));
      };
      select.onchange = () => {
        show({});
        this.changed();
      };
      box.append(element("div", { className: "parameter" }, element("label", { htmlFor: id, textContent: "Method" }), select), under);
      show(start);
    } else {
      box.append(...this.group(step.name, values, own, start));
    }
    return box;
  }

  group(step, values, parameters, given) {
    const made = (advanced) =>
      parameters.filter((p) => p.advanced === advanced).map((p) => this.parameter(step, values, p, given[p.name] ?? p.default));
    const more = made(true);
    if (!more.length) return made(false);
    return [...made(false), element("details", {}, element("summary", { textContent: "More" }), ...more)];
  }

  parameter(step, values, p, value) {
    const id = `${step}-${p.name}`;
    const label = element("label", { htmlFor: id, textContent: p.label, title: p.help });
    const set = (now) => {
      values[p.name] = now;
      this.changed();
    };
    values[p.name] = value;
    if (p.type === "bool") {
      const box = element("input", { id, type: "checkbox", checked: value, onchange: () => set(box.checked) });
      return element("div", { className: "parameter switch" }, box, label);
    }
    if (p.type === "choice") {
      const select = element("select", { id, className: "wide", onchange: () => set(select.value) });
      for (const choice of p.choices) select.append(new Option(choice.replaceAll("_", " "), choice));
      select.value = value;
      return element("div", { className: "parameter" }, label, select);
    }
    if (p.type === "str") {
      const field = element("input", { id, type: "text", className: "wide", value, onchange: () => set(field.value) });
      return element("div", { className: "parameter" }, label, field);
    }
    const whole = p.type === "int";
    const [min, max] = [p.minimum ?? "", p.maximum ?? ""];
    const number = element("input", { id, type: "number", min, max, step: whole ? 1 : "any", value });
    const slide = element("input", { type: "range", min, max, step: p.step ?? (whole || max - min > 20 ? 1 : "any"), value });
    slide.setAttribute("aria-label", `${p.label}, slider`);
    const take = (from, to) => () => {
      if (from.value === "" || !from.checkValidity()) return from.reportValidity?.();
      to.value = from.value;
      set(Number(from.value));
    };
    number.onchange = take(number, slide);
    slide.oninput = take(slide, number);
    const hasSlider = p.minimum !== null && p.maximum - p.minimum <= WIDE_RANGE;
    return element("div", { className: "parameter" }, label, ...(hasSlider ? [slide] : []), number);
  }
}
