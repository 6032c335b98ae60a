// Draws measures as notes on a staff. Lengths are in tenths of the distance of two staff lines; y is 0 on the middle
// line and grows downwards. The shapes are in glyphs.js.
"use strict";

const STEM = 34, HEAD = 5.7, BEAM = 5, BEAMS_APART = 7.6, SCALE = 0.8; // pixels of a tenth
const MIDDLE = { treble: 34, bass: 22 }; // the steps of B4 and D3 above C0
const SHARPS_AT = [-20, -5, -25, -10, 5, -15, 0], FLATS_AT = [0, -15, 5, -10, 10, -5, 15];
const ACCIDENTALS = {
  "-3": ["flat", "flat", "flat"], "-2": ["flat", "flat"], "-1": ["flat"], 0: ["natural"],
  1: ["sharp"], 2: ["doubleSharp"], 3: ["sharp", "doubleSharp"],
};
const ACCIDENTAL_WIDTH = 10;

const rounded = (x) => Number(x.toFixed(1));
const point = (x, y) => `${rounded(x)} ${rounded(y)}`;
const glyph = (name, x, y, more = "") => `<path d="${GLYPHS[name]}" transform="translate(${point(x, y)})${more}"/>`;
const rule = (x1, y1, x2, y2, thickness) =>
  `<path d="M${point(x1, y1)}L${point(x2, y2)}" stroke="currentColor" stroke-width="${thickness}" fill="none"/>`;
const colour = (changed) => (changed ? ' class="changed"' : "");

function stepOf(name) {
  const { letter, octave } = spelling(name);
  return 7 * octave + "CDEFGAB".indexOf(letter);
}

// Returns an SVG element of 1 to 8 consecutive measures.
// previous: the measure before them, from which a hold at the start is tied; without it, rests are shown pale there.
// changedFrom: a measure; sounds that it does not have at their place are of the class "changed".
// fifths: the key signature, where it is not to be chosen for these measures. width: in pixels, of a line at most.
function staff(spec, measures, options = {}) {
  const { previous, changedFrom, fifths = keySignature(spec, measures), width = Infinity } = options;
  const before = previous ? namesOf(spec, previous).filter((name) => name !== HOLD_NAME).pop() || "" : "";
  const bars = writtenNotes(spec, measures, { fifths, before, cutHidden: true });
  const clef = clefOf(bars.flat());
  showHeldAccidentals(spec, bars.flat(), fifths);
  bars.forEach((notes, m) => notes.forEach((note) => {
    note.measure = m;
    note.place = spec.grid.onsets.indexOf(note.tick);
    note.changed = isChanged(spec.grid, measures[m], changedFrom, note.tick);
    note.y = note.pitch ? 5 * (MIDDLE[clef] - stepOf(note.pitch)) : 0;
  }));
  const starts = [true, false].map((withMetre) => lineStart(spec, clef, fifths, withMetre));
  const lines = brokenInto(bars.map((notes) => spaced(spec, notes)), starts, width / SCALE);
  const longest = Math.ceil(Math.max(lines.length > 1 ? width / SCALE : 0, ...lines.map(({ used }) => used)));
  let top = 0, parts = [];
  for (const line of lines) {
    const short = line === lines[lines.length - 1] && line.used < 0.7 * longest; // then it ends where it ends
    const stretch = short ? 1 : (longest - line.start.width) / (line.used - line.start.width);
    const drawn = drawLine(line, stretch);
    parts.push(`<g transform="translate(${point(0, top - drawn.top)})">${drawn.svg}</g>`);
    top += Math.ceil(drawn.bottom - drawn.top);
  }
  const many = Math.abs(fifths) > 1 ? "s" : "";
  const signs = fifths ? `${Math.abs(fifths)} ${fifths > 0 ? "sharp" : "flat"}${many}, ` : "";
  const words = `Notes in ${signs}${inWords(spec, measures, { before, changedFrom })}`;
  const size = `viewBox="0 0 ${longest} ${top}" width="${rounded(longest * SCALE)}" height="${rounded(top * SCALE)}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" class="staff" role="img" aria-label="${words}" ${size}` +
    ` fill="currentColor">${parts.join("")}</svg>`;
}

// Breaks measures into as few lines as fit into a width, with as many in each, but for the last.
function brokenInto(boxes, starts, width) {
  for (let n = 1; ; n++) {
    const lines = [], each = Math.ceil(boxes.length / n);
    for (let at = 0; at < boxes.length; at += each) {
      const some = boxes.slice(at, at + each), start = starts[at ? 1 : 0];
      lines.push({ start, boxes: some, used: some.reduce((sum, box) => sum + box.width, start.width) });
    }
    if (each === 1 || lines.every(({ used }) => used <= width)) return lines;
  }
}

// Returns the clef with the shorter ledger lines.
function clefOf(notes) {
  const beyond = (clef) => notes.reduce((sum, { pitch }) =>
    sum + (pitch ? Math.max(Math.abs(MIDDLE[clef] - stepOf(pitch)) - 5, 0) : 0), 0);
  return beyond("bass") < beyond("treble") ? "bass" : "treble";
}

// Tied notes show no accidental, but for the first one, since what it is tied to is not seen.
function showHeldAccidentals(spec, notes, fifths) {
  notes.forEach((note, i) => {
    if (!note.ties.includes("stop")) return;
    const { letter, alteration, commas } = spelling(note.pitch), usual = alteredLetters(fifths)[letter] || 0;
    const own = spec.microtonal ? Math.sign(commas || 0) : alteration;
    note.accidental = i === 0 && own !== usual ? own : null;
  });
}

// Clef, key signature and, in the first line, metre.
function lineStart(spec, clef, fifths, withMetre) {
  const parts = [glyph(clef, 5, clef === "treble" ? 10 : -10)], signs = fifths > 0 ? SHARPS_AT : FLATS_AT;
  let x = 38;
  for (let i = 0; i < Math.abs(fifths); i++, x += 9.5) {
    parts.push(glyph(fifths > 0 ? "sharp" : "flat", x, signs[i] + (clef === "bass" ? 10 : 0)));
  }
  if (withMetre) {
    x += fifths ? 6 : 3;
    const rows = spec.grid.metre.split("/"), wide = Math.max(...rows.map((digits) => digits.length));
    rows.forEach((digits, row) => [...digits].forEach((digit, i) =>
      parts.push(glyph(digit, x + 12 * (i + (wide - digits.length) / 2), 20 * row - 10))));
    x += 12 * wide;
  }
  return { svg: parts.join(""), width: x + 3 };
}

// Gives each note of a measure its place from the bar line; a measure of one rest has a whole rest in its middle.
function spaced(spec, notes) {
  if (notes.every(({ pitch, hidden, tick }) => !pitch && (hidden === notes[0].hidden) && tick === notes[0].tick)) {
    return { notes: [{ ...notes[0], x: 32, shape: { kind: "whole", dots: 0 } }], width: 64 };
  }
  const signs = ({ accidental }) => (accidental === null ? 0 : ACCIDENTAL_WIDTH * ACCIDENTALS[accidental].length + 1);
  let x = 13;
  for (const note of notes) {
    note.x = x += signs(note);
    const room = 13 + 22 * (note.length / spec.grid.ppq) ** 0.6, dots = note.shape.dots ? 6 : 0;
    x += Math.max(room - signs(notes[notes.indexOf(note) + 1] || { accidental: null }) * 0.6, 2 * HEAD + dots + 4);
  }
  return { notes, width: x + 1 };
}

function drawLine({ start, boxes }, stretch) {
  const parts = [start.svg], all = [];
  let x = start.width;
  for (const box of boxes) {
    for (const note of box.notes) all.push(Object.assign(note, { x: x + note.x * stretch }));
    x += box.width * stretch;
    parts.push(rule(x - 0.7, -20.6, x - 0.7, 20.6, 1.4));
  }
  for (let y = -20; y <= 20; y += 10) parts.push(rule(0, y, x, y, 1));
  parts.push(...drawBeams(all), ...all.map(drawNote), ...drawTies(all, start.width, x), ...drawBrackets(all));
  const top = Math.min(-44, ...all.map((note) => note.top - 6));
  return { svg: parts.join(""), top, bottom: Math.max(46, ...all.map((note) => note.bottom + 6)) };
}

const hasStem = ({ pitch, shape }) => Boolean(pitch) && shape.kind !== "whole";

// Chooses where stems point and end, and draws the beams that join them.
function drawBeams(notes) {
  const parts = [];
  for (const note of notes) {
    const length = STEM + 7 * Math.max(flagsOf(note.shape) - 2, 0);
    note.up = note.y > 0;
    note.tip = note.up ? Math.min(note.y - length, 0) : Math.max(note.y + length, 0);
  }
  notes.forEach((note, i) => {
    if (note.beams[0] !== "begin") return;
    const group = notes.slice(i, notes.findIndex((each, j) => j > i && each.beams[0] === "end") + 1);
    const last = group[group.length - 1], ys = group.map(({ y }) => y);
    const up = Math.max(...ys) + Math.min(...ys) > 0, side = up ? -1 : 1;
    const inner = group.slice(1, -1).some(({ y }) => side * y > Math.max(side * note.y, side * last.y));
    const rise = inner ? 0 : Math.max(-10, Math.min(10, (last.y - note.y) / 2));
    const slope = Math.max(-0.25, Math.min(0.25, rise / (last.x - note.x)));
    const needed = group.map(({ x, y, beams }) => {
      const tip = side * y + STEM - 5 + BEAMS_APART * Math.max(beams.length - 2, 0);
      return Math.max(tip, 0) - side * slope * (x - note.x);
    });
    const from = side * Math.max(...needed), stemX = (each) => each.x + (up ? HEAD : -HEAD);
    const yAt = (x) => from + slope * (x - stemX(note));
    for (const each of group) Object.assign(each, { up, tip: yAt(stemX(each)) });
    const inColour = colour(group.every(({ changed }) => changed));
    for (let level = 0; level < Math.max(...group.map(({ beams }) => beams.length)); level++) {
      group.forEach((each, g) => {
        const does = each.beams[level], x = stemX(each);
        if (does === "begin") {
          const end = group.findIndex((other, j) => j > g && other.beams[level] === "end");
          parts.push(beamPath(x - 0.6, stemX(group[end]) + 0.6));
        } else if (does === "forward hook") parts.push(beamPath(x - 0.6, x + 10));
        else if (does === "backward hook") parts.push(beamPath(x - 10, x + 0.6));
      });
      function beamPath(x1, x2) {
        const off = -side * BEAMS_APART * level, thick = -side * BEAM;
        const [a, b] = [x1, x2].map((x) => yAt(x) + off);
        return `<path${inColour} d="M${point(x1, a)}L${point(x2, b)}V${rounded(b + thick)}L${point(x1, a + thick)}Z"/>`;
      }
    }
  });
  return parts;
}

// Notes know between which heights they and what belongs to them are drawn.
function takeRoom(note, top, bottom) {
  note.top = Math.min(note.top, top);
  note.bottom = Math.max(note.bottom, bottom);
}

function drawNote(note) {
  const { x, y, up, tip, shape, pitch, hidden, changed, measure, place } = note, parts = [];
  const dotY = !pitch ? -5 : y % 10 === 0 ? y - 5 : y;
  if (!pitch) {
    parts.push(drawRest(x, shape.kind));
    Object.assign(note, { top: -16, bottom: 16 });
  } else {
    parts.push(glyph(shape.kind === "whole" ? "whole" : shape.kind === "half" ? "half" : "black", x, y));
    const ledger = shape.kind === "whole" ? 12 : 9.5;
    for (let far = 30; far <= Math.abs(y); far += 10) {
      const at = Math.sign(y) * far;
      parts.push(rule(x - ledger, at, x + ledger, at, 1.2));
    }
    Object.assign(note, { top: y - 6, bottom: y + 6 });
    if (hasStem(note)) {
      const stem = x + (up ? HEAD - 0.6 : 0.6 - HEAD);
      parts.push(rule(stem, y + (up ? -2 : 2), stem, tip, 1.2));
      const flags = note.beams.length ? 0 : flagsOf(shape);
      for (let i = 0; i < flags; i++) {
        parts.push(glyph("flag", stem - 0.6, tip + (up ? 8 : -8) * i, up ? "" : " scale(1-1)"));
      }
      takeRoom(note, tip, tip);
    }
    if (note.accidental !== null) parts.push(drawAccidental(note));
  }
  if (shape.dots) parts.push(glyph("dot", x + (pitch ? 11 : 10), dotY));
  const pale = hidden ? ' opacity=".35"' : "";
  const where = `data-measure="${measure}" data-tick="${place}"`;
  return `<g class="note${changed ? " changed" : ""}" ${where}${pale}>${parts.join("")}</g>`;
}

function drawAccidental(note) {
  const names = ACCIDENTALS[note.accidental], { commas } = spelling(note.pitch);
  let x = note.x - (note.shape.kind === "whole" ? 8 : HEAD) - ACCIDENTAL_WIDTH * (names.length - 0.5) - 1;
  const parts = names.map((name, i) => glyph(name, x + ACCIDENTAL_WIDTH * i, note.y));
  if (commas !== undefined) { // the number of commas, as in Turkish folk music
    const place = `x="${rounded(x)}" y="${note.y - 19}"`;
    parts.push(`<text ${place} font-size="11" text-anchor="middle">${Math.abs(commas)}</text>`);
    takeRoom(note, note.y - 30, 0);
  }
  takeRoom(note, note.y - (note.accidental < 0 ? 18 : 14), note.y + (note.accidental < 0 ? 8 : 14));
  return parts.join("");
}

function drawRest(x, kind) {
  if (kind === "whole") return glyph("blockRest", x, -10);
  if (kind === "half") return glyph("blockRest", x, -4.5);
  if (kind === "quarter") return glyph("quarterRest", x, 0);
  const n = KINDS.indexOf(kind) - 2; // the number of hooks, on a leaning stem
  const top = n < 3 ? -5.5 : -15.5, bottom = top + 10 * n + 5.5;
  const stemX = (at) => x - 0.24 * (at - (top + bottom) / 2);
  const hooks = Array.from({ length: n }, (_, i) => glyph("restHook", stemX(top + 10 * i), top + 10 * i));
  return hooks.join("") + rule(stemX(top), top, stemX(bottom), bottom, 1.5);
}

// Ties go from heads to the next note, and to or from the ends of the line.
function drawTies(notes, left, right) {
  const parts = [];
  const tie = (x1, x2, { y, up, changed }, ends) => {
    const side = up ? 1 : -1, bow = side * (4 + Math.min((x2 - x1) / 12, 7)), at = y + side * 7;
    const [inner, outer] = [2 * bow - side, 2 * bow + 2 * side].map((far) => `Q${point((x1 + x2) / 2, at + far)} `);
    const path = `M${point(x1, at)}${inner}${point(x2, at)}${outer}${point(x1, at)}Z`;
    parts.push(`<path${colour(changed)} d="${path}"/>`);
    for (const each of ends) takeRoom(each, at + bow, at + bow);
  };
  notes.forEach((note, i) => {
    const next = notes[i + 1];
    if (note.ties.includes("start")) tie(note.x + 3, next ? next.x - 3 : right - 3, note, next ? [note, next] : [note]);
    if (note.ties.includes("stop") && i === 0) tie(Math.max(left - 5, note.x - 28), note.x - 4, note, [note]);
  });
  return parts;
}

// A 3 at the beam that has all notes of a triplet, else a bracket with a 3 in it.
function drawBrackets(notes) {
  const parts = [];
  notes.forEach((note, i) => {
    if (!note.brackets.includes("start")) return;
    const group = notes.slice(i, notes.findIndex((each, j) => j >= i && each.brackets.includes("stop")) + 1);
    const last = group[group.length - 1], stems = group.filter(hasStem);
    const above = stems.filter(({ up }) => up).length * 2 >= stems.length, side = above ? -1 : 1;
    const ends = [note, last], alone = note.beams[0] === "begin" && last.beams[0] === "end" &&
      group.every(({ beams }) => beams.length);
    const far = alone ? ends.reduce((sum, { tip }) => sum + side * tip, 0) / 2 :
      Math.max(26, ...group.map(({ top, bottom }) => (above ? -top : bottom)));
    const y = side * (far + 8), middle = (note.x + last.x) / 2 + (alone ? -side * HEAD : 0);
    parts.push(`<g${colour(group.every(({ changed }) => changed))}>${glyph("3", middle, y, " scale(.55) skewX(-10)")}`);
    if (!alone) {
      for (const [from, to] of [[note.x - 6, middle - 6], [last.x + 6, middle + 6]]) {
        parts.push(rule(from, y - side * 5, from, y, 1), rule(from, y, to, y, 1));
      }
    }
    parts.push("</g>");
    for (const each of group) takeRoom(each, y - 6, y + 6);
  });
  return parts;
}
