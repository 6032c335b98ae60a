// What one model makes of the start measure: notation, notes in time, the attributes, and what else moved.
"use strict";

const MOVED = 0.005; // in standard deviations; less is rounding

class Result {
  constructor(root, page, m) {
    const { spec } = page.models[m];
    Object.assign(this, { page, m, spec, tokens: null });
    this.staff = make("div", { class: "staff" });
    this.roll = make("div", { class: "roll" });
    this.table = make("tbody");
    this.asked = make("th", { scope: "col" });
    this.said = make("p", { class: "said", role: "status" });
    const keep = button("Add to the strip", () => page.change((state) => {
      if (this.tokens) state.strip = [...state.strip, { model: m, tokens: Array.from(this.tokens) }].slice(-STRIP);
    }));
    const saving = savers(() => [this.tokens, `measure-${spec.name.replace(/[^\w-]+/g, "-")}`], spec, page);
    root.append(make("article", { "aria-label": spec.name },
      make("h2", {}, spec.name), make("p", { class: "hint" }, `${spec.title}: ${spec.words}`),
      this.staff, this.roll,
      make("table", {}, make("thead", {}, make("tr", {},
        ...["Attribute", "start"].map((words) => make("th", { scope: "col" }, words)), this.asked,
        make("th", { scope: "col" }, "came out"), make("th", { scope: "col" }, "in training"))), this.table),
      this.said, make("div", { class: "row" }, keep, saving)));
  }

  // start: tokens of the start measure, null if this model lacks one of its pitches. found: {tokens, distance}.
  show(start, found) {
    this.tokens = found && found.tokens;
    if (!found) {
      for (const part of [this.staff, this.roll, this.table]) part.replaceChildren();
      this.said.textContent = "This model does not have all pitches of the start measure.";
      return;
    }
    const { page, spec } = this, { state } = page, { quantiles } = page.models[this.m];
    draw(this.staff, staff(spec, [found.tokens], { changedFrom: start, fifths: keySignature(spec, [start]) }));
    draw(this.roll, roll(spec, found.tokens, { changedFrom: start }));
    const before = attributesOf(spec, start), after = attributesOf(spec, found.tokens), others = [];
    this.asked.textContent = state.mode === "aim" ? "asked" : "control";
    this.table.replaceChildren(...spec.attributes.map((attribute, a) => {
      const { name } = attribute, level = state.levels[name], isControl = spec.controls.includes(name);
      const moved = Math.abs(after[a] - before[a]) / spreadOf(quantiles[a]) > MOVED;
      if (moved && !(isControl && level !== undefined)) {
        others.push(`${attribute.words} from ${shown(attribute, before[a], false)} to ${shown(attribute, after[a])}`);
      }
      const asked = !isControl ? "no control" : level === undefined ? "as is"
        : state.mode === "aim" ? shown(attribute, valueAt(quantiles[a], level), false) : percentile(level);
      return make("tr", { class: moved ? "moved" : null }, make("th", { scope: "row" }, attribute.words, make("small", {}, hasUnit(attribute) ? ` (${attribute.unit})` : "")),
        ...[shown(attribute, before[a], false), asked, shown(attribute, after[a], false), percentile(levelOf(quantiles[a], after[a]))]
          .map((text) => make("td", {}, text)));
    }));
    this.said.textContent = this.sentence(start, found, others);
  }

  sentence(start, found, others) {
    const asked = Object.keys(this.page.state.levels).filter((name) => this.spec.controls.includes(name));
    const places = found.tokens.filter((token, tick) => token !== start[tick]).length;
    if (!asked.length) {
      return places ? `The model gives the start back with ${places} of ${start.length} places changed.`
        : "The model gives the start back as it is.";
    }
    const near = this.page.state.mode !== "aim" ? ""
      : found.distance < 0.1 ? "It has what was asked. "
        : `The nearest that was found is ${found.distance.toFixed(2)} standard deviations from what was asked. `;
    return near + (others.length ? `What else moved: ${others.join(", ")}.` : "Nothing else moved.");
  }
}

// A choice of formats and a button that saves measures. measures returns [tokens or list of them, name of the file].
function savers(measures, spec, page) {
  const format = select("", Object.keys(WRITERS).map((suffix) => [suffix, `.${suffix}`]), () => {});
  format.chosen.setAttribute("aria-label", "Format");
  const go = button("Save", () => {
    const [tokens, name] = measures(), suffix = format.chosen.value, { type, write } = WRITERS[suffix];
    if (!tokens || !tokens.length) return;
    const list = tokens[0].length === undefined ? [tokens] : tokens;
    save(`${name}.${suffix}`, write(spec, list, { tempo: page.tempo(), title: "Made with vaemusic" }), type);
  });
  return make("span", { class: "savers" }, format.element, go);
}
