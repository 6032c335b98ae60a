// The pad: two controls at once over the surface of an attribute, with the start measures as dots.
"use strict";

const CELLS = 12, DOT = 3, SNAP = 7;
const COLOURS = [[0, 32, 76], [87, 93, 109], [166, 157, 117], [255, 234, 70]]; // even in lightness, for all eyes

function shade(share) {
  const at = Math.min(Math.max(share, 0), 1) * (COLOURS.length - 1), low = Math.min(Math.floor(at), COLOURS.length - 2);
  const parts = COLOURS[low].map((value, i) => Math.round(value + (at - low) * (COLOURS[low + 1][i] - value)));
  return `rgb(${parts.join()})`;
}

class Pad {
  // page: the explorer, whose state this shows and changes.
  constructor(root, page) {
    this.page = page;
    this.surface = { key: "", rows: [] }; // of each row, from the lowest setting of the second control, attributes of CELLS measures
    const names = page.attributes.map(({ name, words }) => [name, words]);
    const controls = names.filter(([name]) => page.controls.includes(name));
    this.selects = [["Across:", 0, controls], ["Up:", 1, controls], ["Colour:", 2, names]].map(([label, i, options]) =>
      select(label, options, (value) => page.change((state) => { state.pad[i] = value; })));
    this.ofModel = page.models.length > 1
      ? select("Surface of:", page.models.map(({ spec }, m) => [m, spec.name]), () => this.show()) : null;
    this.dots = make("input", { type: "checkbox", checked: true, onchange: () => this.paint() });
    this.canvas = make("canvas", { tabindex: 0, role: "group", "aria-roledescription": "pad of two controls" });
    this.legend = make("canvas", { class: "legend", "aria-hidden": "true" });
    this.ends = [make("span"), make("span")];
    root.append(
      make("div", { class: "row" }, ...this.selects.map(({ element }) => element), this.ofModel ? this.ofModel.element : ""),
      this.canvas,
      make("div", { class: "row scale" }, this.ends[0], this.legend, this.ends[1]),
      make("label", {}, this.dots, " Show the start measures. Click on a dot to start from it."),
      make("p", { class: "hint" }, "The colour is what each setting of both controls gives when it is turned. "
        + "Arrow keys move, Delete sets both back."),
    );
    this.canvas.addEventListener("pointerdown", (event) => this.down(event));
    this.canvas.addEventListener("pointermove", (event) => { if (event.buttons & 1 && this.from) this.drag(event); });
    this.canvas.addEventListener("pointerup", (event) => this.up(event));
    this.canvas.addEventListener("pointercancel", () => { this.from = null; });
    this.canvas.addEventListener("dblclick", () => this.reset());
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.paint()).observe(this.canvas);
  }

  get model() { return this.ofModel ? Number(this.ofModel.chosen.value) : 0; }

  // The levels of the two controls: what was set, or what the start measure has.
  position(levels = this.page.state.levels, own = this.page.startLevels) {
    return this.page.state.pad.slice(0, 2).map((name) => levels[name] ?? own[name] ?? 0.5);
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect(), clip = (value) => Math.min(Math.max(value, 0), 1);
    return [clip((event.clientX - box.left) / box.width), clip(1 - (event.clientY - box.top) / box.height)];
  }

  down(event) {
    if (event.button) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.from = [event.clientX, event.clientY];
    this.moved = false;
  }

  drag(event) {
    if (Math.hypot(event.clientX - this.from[0], event.clientY - this.from[1]) > 3) this.moved = true;
    if (this.moved) this.set(this.place(event), false);
  }

  up(event) {
    if (!this.from) return;
    const place = this.place(event), hit = this.moved || !this.dots.checked ? null : this.dotAt(place);
    this.from = null;
    if (hit === null) this.set(place, true);
    else this.page.change((state) => { Object.assign(state, { from: hit, levels: {} }); });
  }

  dotAt([x, y]) {
    const { width, height } = this.canvas.getBoundingClientRect();
    let best = null, nearest = SNAP;
    this.spots().forEach(([across, up], i) => {
      const distance = Math.hypot((across - x) * width, (up - y) * height);
      if (distance < nearest) { best = i; nearest = distance; }
    });
    return best;
  }

  // Where the start measures lie: by their controls when turning, by their attributes when aiming.
  spots() {
    const { state } = this.page, levels = state.mode === "aim" ? this.page.attributeLevels() : this.page.levels[this.model];
    const names = state.mode === "aim" ? this.page.attributes.map(({ name }) => name)
      : this.page.models[this.model].spec.controls;
    const columns = state.pad.slice(0, 2).map((name) => names.indexOf(name));
    return columns.includes(-1) ? [] : levels.map((row) => columns.map((column) => row[column]));
  }

  set([x, y], isDone) {
    const [across, up] = this.page.state.pad;
    this.page.change((state) => { state.levels[across] = x; state.levels[up] = across === up ? x : y; }, isDone);
  }

  reset() {
    this.page.change((state) => { state.pad.slice(0, 2).forEach((name) => delete state.levels[name]); });
  }

  key(event) {
    const by = event.shiftKey ? 0.1 : 0.02;
    const step = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowDown: [0, -by], ArrowUp: [0, by] }[event.key];
    if (step) this.set(this.position().map((value, i) => Math.min(Math.max(value + step[i], 0), 1)), true);
    else if (event.key === "Delete" || event.key === "Backspace") this.reset();
    else return;
    event.preventDefault();
  }

  // Shows the state, and computes the surface if it is of another measure or of other controls than before.
  show() {
    const { state } = this.page, [across, up] = state.pad;
    this.selects.forEach(({ chosen }, i) => { chosen.value = state.pad[i]; });
    const others = Object.entries(state.levels).filter(([name]) => name !== across && name !== up);
    const key = JSON.stringify([this.model, this.page.startOf(this.model), others, across, up]);
    if (this.surface.key !== key) this.compute(key, Object.fromEntries(others));
    this.paint();
    const words = state.pad.slice(0, 2).map((name, i) => `${wordsOf(this.page, name)} ${percentile(this.position()[i])}`);
    this.canvas.setAttribute("aria-label", words.join(", "));
  }

  async compute(key, others) {
    const surface = this.surface = { key, rows: [] }, [across, up] = this.page.state.pad, start = this.page.startOf(this.model);
    await this.page.settled(); // the measure itself comes first
    for (let row = 0; row < CELLS && this.surface === surface && start; row++) {
      const settings = Array.from({ length: CELLS }, (_, column) =>
        ({ ...others, [across]: (column + 0.5) / CELLS, [up]: ((across === up ? column : row) + 0.5) / CELLS }));
      surface.rows.push(await this.page.models[this.model].ask("settings", start, settings));
      this.paint();
    }
  }

  paint() {
    const ratio = devicePixelRatio || 1, { width, height } = this.canvas.getBoundingClientRect();
    if (!width) return;
    Object.assign(this.canvas, { width: width * ratio, height: height * ratio });
    const context = this.canvas.getContext("2d"), { state } = this.page;
    context.scale(ratio, ratio);
    const shownName = state.pad[2], column = this.page.attributes.findIndex(({ name }) => name === shownName);
    const { quantiles } = this.page.models[this.model];
    const low = quantiles[column][1], high = quantiles[column][LEVELS - 1];
    this.surface.rows.forEach((row, j) => row.forEach((values, i) => {
      context.fillStyle = shade((values[column] - low) / (high - low || 1));
      context.fillRect((i * width) / CELLS, height - ((j + 1) * height) / CELLS, width / CELLS + 1, height / CELLS + 1);
    }));
    if (this.dots.checked) {
      for (const [x, y] of this.spots()) this.mark(context, x * width, (1 - y) * height, DOT, "#fff", "#000", 0.75);
    }
    const own = this.position({}), at = this.position();
    this.mark(context, own[0] * width, (1 - own[1]) * height, 6, "#fff", "#000", 2);
    this.mark(context, at[0] * width, (1 - at[1]) * height, 9, "#d55e00", "#fff", 2.5);
    this.paintLegend(this.page.attributes[column], low, high);
  }

  mark(context, x, y, radius, fill, line, width) {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    Object.assign(context, { fillStyle: fill, strokeStyle: line, lineWidth: width });
    context.fill();
    context.stroke();
  }

  paintLegend(attribute, low, high) {
    Object.assign(this.legend, { width: 100, height: 1 });
    const context = this.legend.getContext("2d");
    for (let i = 0; i < 100; i++) { context.fillStyle = shade(i / 99); context.fillRect(i, 0, 1, 1); }
    this.ends[0].textContent = shown(attribute, low);
    this.ends[1].textContent = shown(attribute, high);
  }
}
