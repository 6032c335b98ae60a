// The strip: up to eight measures in a row, to hear and to save as one tune.
"use strict";

class Strip {
  constructor(root, page) {
    this.page = page;
    this.slots = make("ol", { class: "slots" });
    const names = page.attributes.filter(({ name }) => page.models[0].spec.controls.includes(name));
    this.which = select("Control:", names.map(({ name, words }) => [name, words]), () => {});
    root.append(this.slots, make("div", { class: "row" },
      this.which.element, button("Turn it from low to high", () => this.sweep()),
      button("Play the strip", () => page.transport.hear("strip")),
      button("Clear", () => page.change((state) => { state.strip = []; })),
      savers(() => [this.measures(), "strip"], page.models[0].spec, page)));
  }

  // The measures in the tokens of the first model; those with pitches that it lacks are left out.
  measures() {
    return this.page.state.strip.map(({ model, tokens }) => this.page.translated(tokens, model, 0)).filter(Boolean);
  }

  async sweep() {
    const start = this.page.startOf(0), name = this.which.chosen.value, { ask } = this.page.models[0], found = [];
    for (let i = 0; i < STRIP; i++) {
      const tokens = await ask("turn", start, { ...this.page.state.levels, [name]: 0.02 + (0.96 * i) / (STRIP - 1) });
      found.push({ model: 0, tokens: Array.from(tokens) });
    }
    this.page.change((state) => { state.strip = found; });
  }

  show() {
    const { strip } = this.page.state;
    const text = JSON.stringify(strip);
    if (text === this.text) return;
    this.text = text;
    this.slots.replaceChildren(...Array.from({ length: STRIP }, (_, i) => {
      if (!strip[i]) return make("li", { class: "empty" }, String(i + 1));
      const { model, tokens } = strip[i], { spec } = this.page.models[model];
      const open = button("", () => {
        const start = this.page.translated(tokens, model, 0);
        if (start) this.page.change((state) => { Object.assign(state, { from: Array.from(start), levels: {} }); });
      }, { "aria-label": `Start from measure ${i + 1} of the strip`, title: "Start from this measure" });
      draw(open, staff(spec, [tokens], {}));
      const away = button("×", () => this.page.change((state) => {
        state.strip = state.strip.filter((_, place) => place !== i);
      }), { class: "away", "aria-label": `Take measure ${i + 1} out of the strip` });
      return make("li", {}, open, away);
    }));
  }
}
