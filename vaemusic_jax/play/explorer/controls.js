// The controls: one slider an attribute, and the choice between turning and aiming.
"use strict";

const MODES = {
  turn: "Turn sets the control and decodes once. You hear what the control does by itself.",
  aim: "Aim decodes 48 variations and keeps the one nearest to what you ask for.",
};

class Controls {
  constructor(root, page) {
    this.page = page;
    this.mode = radios("How:", "mode", [["turn", "Turn"], ["aim", "Aim"]], (value) =>
      page.change((state) => { state.mode = value; }));
    this.about = make("p", { class: "hint" });
    this.another = button("Another one", () => page.change((state) => { state.seed += 1; }));
    this.sliders = page.attributes.filter(({ name }) => page.controls.includes(name))
      .map((attribute) => this.slider(attribute));
    root.append(this.mode.element, this.about, ...this.sliders.map(({ element }) => element),
      make("div", { class: "row" }, button("Set all back", () => page.change((state) => { state.levels = {}; })), this.another));
  }

  slider(attribute) {
    const { page } = this, { name } = attribute;
    const set = (isDone) => page.change((state) => { state.levels[name] = input.value / 100; }, isDone);
    const reset = () => page.change((state) => { delete state.levels[name]; });
    const input = make("input", {
      type: "range", min: 0, max: 100, step: 1, id: `control-${name}`, ondblclick: reset,
      oninput: () => set(false), onchange: () => set(true),
      onkeydown: (event) => { if (["Delete", "Backspace"].includes(event.key)) { reset(); event.preventDefault(); } },
    });
    const words = make("output", { for: `control-${name}` });
    const back = button("↺", reset, { class: "away", "aria-label": `Set ${attribute.words} back`, title: "Set back (double click)" });
    const effects = page.models.filter(({ spec }) => spec.effects[name]).map(({ spec }) =>
      make("p", { class: "hint" }, (page.models.length > 1 ? `${spec.name} ` : "It ") + spec.effects[name] + "."));
    const element = make("div", { class: "control" },
      make("div", { class: "row head" }, make("label", { for: `control-${name}` }, attribute.words), words, back), input, ...effects);
    return { element, input, words, back, attribute };
  }

  show() {
    const { state, startLevels, models } = this.page;
    this.mode.set(state.mode);
    this.about.textContent = MODES[state.mode];
    this.another.hidden = state.mode !== "aim";
    for (const { input, words, back, attribute } of this.sliders) {
      const a = columnOf(models[0].spec, attribute.name), level = state.levels[attribute.name];
      const at = level ?? startLevels[attribute.name] ?? 0.5;
      input.value = Math.round(100 * at);
      const value = state.mode === "aim" ? `${shown(attribute, valueAt(models[0].quantiles[a], at))}, ${percentile(at)}` : percentile(at);
      words.textContent = level === undefined ? `as the start, ${value}` : `${state.mode === "aim" ? "asked" : "set to"} ${value}`;
      input.setAttribute("aria-valuetext", words.textContent);
      back.disabled = level === undefined;
    }
  }
}
