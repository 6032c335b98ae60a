// The explorer: reads what the page carries, starts the models, and keeps what is shown with the state.
"use strict";

const wordsOf = (page, name) => page.attributes.find((attribute) => attribute.name === name).words;

class Explorer {
  constructor({ models, starts, origin, levels }) {
    Object.assign(this, { starts, levels, startLevels: {} });
    this.attributes = models[0].spec.attributes;
    this.controls = this.attributes.map(({ name }) => name).filter((name) => models.some(({ spec }) => spec.controls.includes(name)));
    this.models = models.map(({ spec, file }) => ({ spec, ...startModel(spec, file), isBusy: false, done: Promise.resolve() }));
    this.history = new History();
    this.state = fromText(location.hash.slice(1), this);
    byId("intro").textContent = `${models.map(({ spec }) => `${spec.name} (${spec.title})`).join(" and ")}; `
      + `${starts.length} ${origin} to start from. Everything happens in this page: it loads nothing and sends nothing.`;
  }

  async open() {
    for (const model of this.models) Object.assign(model, await model.ready);
    this.start = new Start(byId("start"), this);
    this.sliders = new Controls(byId("controls"), this);
    this.models.forEach((model, m) => { model.result = new Result(byId("results"), this, m); });
    this.strip = new Strip(byId("strip"), this);
    this.transport = new Transport(byId("transport"), this);
    this.pad = new Pad(byId("pad"), this);
    this.keep();
    addEventListener("hashchange", () => this.go(location.hash.slice(1)));
    this.show();
  }

  // Changes the state. A change that is not done, as in the midst of a drag, is no step of undo.
  change(how, isDone = true) {
    const state = structuredClone(this.state);
    how(state);
    this.state = state;
    if (isDone) this.keep();
    this.show();
  }

  step(by) {
    const text = this.history.step(by);
    if (text === undefined) return;
    this.state = fromText(text, this);
    this.keep();
    this.show();
  }

  go(text) {
    if (text === toText(this.state)) return;
    this.state = fromText(text, this);
    this.keep();
    this.show();
  }

  // Makes the state a step of undo, and puts it into the address; browsers do not let pages do that all the time.
  keep() {
    const text = toText(this.state);
    this.history.add(text);
    history.replaceState(null, "", `#${text}`);
  }

  show() {
    this.start.show();
    this.sliders.show();
    this.strip.show();
    this.transport.show();
    this.models.forEach((model, m) => this.compute(model, m));
    this.pad.show();
  }

  // Lets a model work on the state. What changes meanwhile is worked on next; states in between are left out.
  compute(model, m) {
    model.isStale = true;
    if (model.isBusy) return;
    model.isBusy = true;
    model.done = (async () => {
      while (model.isStale) {
        model.isStale = false;
        const { mode, levels, seed } = this.state, start = this.startOf(m);
        const asks = mode === "aim" && Object.keys(levels).some((name) => model.spec.controls.includes(name));
        const found = !start ? null : asks ? await model.ask("aim", start, levels, seed)
          : { tokens: await model.ask("turn", start, levels) };
        if (start) await this.findLevels(model, start, mode);
        model.result.show(start, found);
        this.transport.see();
      }
      model.isBusy = false;
    })();
  }

  // Finds where the controls are at the start: in the code when turning, in the measure when aiming.
  async findLevels(model, start, mode) {
    const { spec, quantiles } = model, values = attributesOf(spec, start);
    const own = mode === "aim" ? spec.controls.map((name) => levelOf(quantiles[columnOf(spec, name)], values[columnOf(spec, name)]))
      : await model.ask("controlLevels", start);
    const found = Object.fromEntries(spec.controls.map((name, k) => [name, own[k]]));
    this.startLevels = model === this.models[0] ? { ...this.startLevels, ...found } : { ...found, ...this.startLevels };
    this.sliders.show();
    this.pad.paint();
  }

  settled() { return Promise.all(this.models.map(({ done }) => done)); }

  tempo() { return Number(this.transport.tempo.value); }

  // Tokens of one model as those of another; null if it lacks one of them.
  translated(tokens, from, to) {
    if (from === to) return tokens;
    const names = this.models[from].spec.tokens, own = this.models[to].spec.tokens;
    const found = Array.from(tokens, (token) => own.indexOf(names[token]));
    return found.includes(-1) ? null : found;
  }

  // The start measure in the tokens of a model; null if it lacks one of them.
  startOf(m) {
    const { from } = this.state;
    return this.translated(Array.isArray(from) ? from : this.starts[from], 0, m);
  }

  attributeLevels() {
    const { spec, quantiles } = this.models[0];
    this.ofStarts ||= this.starts.map((tokens) => attributesOf(spec, tokens).map((value, a) => levelOf(quantiles[a], value)));
    return this.ofStarts;
  }
}

const explorer = IN_WORKER ? null : new Explorer(JSON.parse(byId("data").textContent));
if (explorer) {
  explorer.open().catch((error) => {
    Object.assign(byId("problem"), { hidden: false, textContent: `This page does not work here: ${error.message}` });
  });
}
