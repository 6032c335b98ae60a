// The state of the page, as text in the address behind #, so that a link or a bookmark brings it back; and undo.
// Whatever stands there is checked, because a link may come from anyone.
"use strict";

const STRIP = 8;

// from: the number of a start measure from 0, or the tokens of another one (in the first model's vocabulary).
// levels: of the controls that were set, by attribute, from 0 to 1. pad: two attributes, and the one that it shows.
// strip: measures as {model, tokens}.
function firstState(page) {
  const across = page.controls.includes("note_density") ? "note_density" : page.controls[0];
  const up = page.controls.find((name) => name !== across) || across;
  return { from: 0, mode: "turn", levels: {}, seed: 0, strip: [], pad: [across, up, across] };
}

const packed = (tokens) => Array.from(tokens, (token) => token.toString(36).padStart(2, "0")).join("");

function unpacked(text, spec) {
  const tokens = (text.match(/../g) || []).map((two) => parseInt(two, 36));
  const isRight = tokens.length === spec.sizes.nTicks && text.length === 2 * tokens.length;
  return isRight && tokens.every((token) => token < spec.tokens.length) ? tokens : null;
}

function toText(state) {
  const fields = new URLSearchParams();
  fields.set("from", Array.isArray(state.from) ? packed(state.from) : state.from + 1);
  fields.set("mode", state.mode);
  for (const [name, level] of Object.entries(state.levels)) fields.set(name, level.toFixed(3));
  fields.set("pad", state.pad.join("."));
  if (state.seed) fields.set("seed", state.seed);
  if (state.strip.length) fields.set("strip", state.strip.map(({ model, tokens }) => model + packed(tokens)).join("."));
  return fields.toString();
}

// The state that a text says; what is missing or wrong in it is as at first.
function fromText(text, page) {
  const fields = new URLSearchParams(text), state = firstState(page);
  const names = page.attributes.map(({ name }) => name), specs = page.models.map(({ spec }) => spec);
  const from = fields.get("from") || "";
  const tokens = unpacked(from, specs[0]);
  if (tokens) state.from = tokens;
  else if (/^\d{1,4}$/.test(from) && from >= 1 && from <= page.starts.length) state.from = from - 1;
  if (fields.get("mode") === "aim") state.mode = "aim";
  for (const name of page.controls) {
    const level = Number.parseFloat(fields.get(name));
    if (level >= 0 && level <= 1) state.levels[name] = level;
  }
  const pad = (fields.get("pad") || "").split(".");
  if (pad.length === 3 && page.controls.includes(pad[0]) && page.controls.includes(pad[1]) && names.includes(pad[2])) state.pad = pad;
  if (/^\d{1,6}$/.test(fields.get("seed") || "")) state.seed = Number(fields.get("seed"));
  for (const each of (fields.get("strip") || "").split(".").slice(0, STRIP)) {
    const model = Number(each[0]), measure = specs[model] && unpacked(each.slice(1), specs[model]);
    if (measure) state.strip.push({ model, tokens: measure });
  }
  return state;
}

// What was, and what was undone. Equal states that follow each other are one.
class History {
  constructor() { this.texts = []; this.at = -1; }

  add(text) {
    if (this.texts[this.at] === text) return;
    this.texts.splice(++this.at, Infinity, text);
  }

  // The text of the state before (-1) or after (1); undefined at the end.
  step(by) {
    const text = this.texts[this.at + by];
    if (text !== undefined) this.at += by;
    return text;
  }

  can(by) { return this.texts[this.at + by] !== undefined; }
}
