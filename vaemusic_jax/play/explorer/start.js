// The start: a held-out measure, a random draw, or one's own by clicking notes in and out.
"use strict";

class Start {
  constructor(root, page) {
    this.page = page;
    this.number = make("input", {
      type: "number", min: 1, max: page.starts.length, "aria-label": "Number of the start measure",
      onchange: () => this.take(Number(this.number.value) - 1),
    });
    this.staff = make("div", { class: "staff" });
    this.roll = make("div", { class: "roll editable" });
    this.said = make("p", { class: "hint" });
    root.append(
      make("div", { class: "row" },
        button("‹", () => this.by(-1), { "aria-label": "Start measure before" }), this.number, `of ${page.starts.length}`,
        button("›", () => this.by(1), { "aria-label": "Next start measure" }),
        button("Random draw", () => this.draw())),
      this.staff, this.roll, this.said);
    this.roll.addEventListener("click", (event) => this.edit(event));
  }

  take(index) {
    const n = this.page.starts.length;
    if (Number.isInteger(index)) this.page.change((state) => { Object.assign(state, { from: ((index % n) + n) % n, levels: {} }); });
  }

  by(step) {
    const { from } = this.page.state;
    this.take(Array.isArray(from) ? 0 : from + step);
  }

  async draw() {
    const seed = Math.floor(Math.random() * 1e6), tokens = await this.page.models[0].ask("draw", seed);
    this.page.change((state) => { Object.assign(state, { from: Array.from(tokens), levels: {} }); });
  }

  // Puts a note where the roll was clicked, or takes it away if one starts there.
  edit(event) {
    const cell = event.target.closest("[data-tick]");
    if (!cell) return;
    const tick = Number(cell.dataset.tick), token = Number(cell.dataset.token), tokens = Array.from(this.page.startOf(0));
    tokens[tick] = tokens[tick] === token ? (tick ? HOLD : REST) : token;
    this.page.change((state) => { state.from = tokens; });
  }

  show() {
    const { page } = this, { spec } = page.models[0], { from } = page.state, tokens = page.startOf(0);
    this.number.value = Array.isArray(from) ? "" : from + 1;
    draw(this.staff, staff(spec, [tokens], {}));
    draw(this.roll, roll(spec, tokens, { cells: true }));
    this.said.textContent = Array.isArray(from) ? "Your own measure. Click in the grid to put notes in and out."
      : "Click in the grid to put notes in and out.";
  }
}
