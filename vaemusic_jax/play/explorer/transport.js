// Playing: what is heard, again and again or once, how fast; and going back and forth between the start and a result.
"use strict";

class Transport {
  constructor(root, page) {
    Object.assign(this, { page, isPlaying: false, heard: "0", last: "0" });
    this.play = button("Play", () => this.toggle(), { class: "play", "aria-keyshortcuts": "Space" });
    const options = [["start", "start"], ...page.models.map(({ spec }, m) => [String(m), page.models.length > 1 ? spec.name : "result"]), ["strip", "strip"]];
    this.hears = radios("Hear:", "hear", options, (value) => this.hear(value, this.isPlaying));
    this.loop = make("input", { type: "checkbox", checked: true, onchange: () => this.again() });
    this.tempo = make("input", { type: "range", min: 40, max: 220, value: 110, step: 5, oninput: () => this.showTempo(), onchange: () => this.again() });
    this.tempoWords = make("output");
    this.undo = button("Undo", () => page.step(-1), { "aria-keyshortcuts": "Control+Z" });
    this.redo = button("Redo", () => page.step(1), { "aria-keyshortcuts": "Control+Y" });
    this.seen = make("div", { class: "seen", "aria-hidden": "true" });
    root.append(this.seen, this.play, this.hears.element, make("label", {}, this.loop, " loop"),
      make("label", { class: "tempo" }, "Tempo ", this.tempo, this.tempoWords), this.undo, this.redo);
    this.hears.set(this.heard);
    this.showTempo();
    addEventListener("keydown", (event) => this.key(event));
  }

  showTempo() { this.tempoWords.textContent = ` ${this.tempo.value} quarters a minute`; }

  key(event) {
    const inField = event.target.matches("input:not([type=range]):not([type=checkbox]):not([type=radio]), select, button, textarea");
    if (event.key === " " && !inField && !event.target.matches("input")) this.toggle();
    else if ((event.key === "b" || event.key === "B") && !inField && !event.ctrlKey && !event.metaKey) {
      this.hear(this.heard === "start" ? this.last : "start");
    } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") this.page.step(event.shiftKey ? 1 : -1);
    else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "y") this.page.step(1);
    else return;
    event.preventDefault();
  }

  // Plays one of: "start", the number of a model, "strip".
  hear(what, isPlaying = true) {
    if (what !== "start" && what !== "strip") this.last = what;
    this.heard = what;
    this.hears.set(what);
    this.see();
    if (isPlaying) this.start();
  }

  measures() {
    const { page } = this;
    if (this.heard === "strip") return [page.models[0].spec, page.strip.measures()];
    const m = this.heard === "start" ? 0 : Number(this.heard);
    const tokens = this.heard === "start" ? page.startOf(0) : page.models[m].result.tokens;
    return [page.models[m].spec, tokens ? [Array.from(tokens)] : []];
  }

  toggle() { if (this.isPlaying) this.stop(); else this.start(); }

  start() {
    const [spec, measures] = this.measures();
    if (!measures.length) { this.stop(); return; }
    this.isPlaying = true;
    this.play.textContent = "Stop";
    play(spec, () => this.measures()[1], { tempo: this.page.tempo(), loop: this.loop.checked, onEnd: () => this.stopped() });
  }

  stop() { stop(); this.stopped(); }

  stopped() { this.isPlaying = false; this.play.textContent = "Play"; }

  // Plays anew, because the tempo or the loop has changed. A changed measure is heard from the next round on.
  again() { if (this.isPlaying) this.start(); }


  // Shows what is heard beside the buttons, where the page is too narrow to see it and the controls at once.
  see() {
    const [spec, measures] = this.measures();
    draw(this.seen, measures.length === 1 ? staff(spec, measures, { changedFrom: this.page.startOf(Number(this.last)) }) : "");
  }

  show() {
    this.see();
    this.undo.disabled = !this.page.history.can(-1);
    this.redo.disabled = !this.page.history.can(1);
  }
}
