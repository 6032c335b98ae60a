// What measures are as written music: spelled pitches, sounds, key signature, and the single notes they are written as.
// The same as music/vocabulary.py and, in data/writers, key_signature.py, notation.py and musicxml.py.
// Times are in ticks, spec.grid.ppq to the quarter. A measure is an array of token indices.
"use strict";

const HOLD_NAME = "__", REST_NAME = "rest";
const SEMITONES = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 };
const NATURAL_COMMAS = { C: 0, D: 9, E: 18, F: 22, G: 31, A: 40, B: 49 };
const FIFTHS = "FCGDAEB";
const HELD = "B4"; // stands for a note held from before, of unknown pitch
const KINDS = ["whole", "half", "quarter", "eighth", "16th", "32nd", "64th"];

const isPitch = (name) => name !== HOLD_NAME && name !== REST_NAME;
const namesOf = (spec, tokens) => Array.from(tokens, (token) => spec.tokens[token]);

// Returns {letter, octave, alteration} of a pitch, `C#4` or `B-4`, and commas if it has some, `B4-4c`.
// Then its alteration is rounded to semitones; with commas === undefined it is exact.
function spelling(name) {
  const inCommas = /^([A-G])(\d)([+-]\d+)c$/.exec(name);
  if (inCommas) {
    const [, letter, octave, commas] = inCommas;
    const above = Math.round((12 * (NATURAL_COMMAS[letter] + Number(commas))) / 53);
    return { letter, octave: Number(octave), alteration: above - SEMITONES[letter], commas: Number(commas) };
  }
  const [, letter, signs, octave] = /^([A-G])(#*|-*)(\d)$/.exec(name);
  return { letter, octave: Number(octave), alteration: signs[0] === "-" ? -signs.length : signs.length };
}

// Returns the alteration of each letter that a key signature alters.
function alteredLetters(fifths) {
  const letters = fifths >= 0 ? FIFTHS.slice(0, fifths) : FIFTHS.slice(fifths);
  return Object.fromEntries([...letters].map((letter) => [letter, Math.sign(fifths)]));
}

// Returns the number of sharps, negative for flats, that agrees with the most notes; 0 for pitches in commas.
function keySignature(spec, measures) {
  if (spec.microtonal) return 0;
  const notes = measures.flatMap((measure) => namesOf(spec, measure)).filter(isPitch).map(spelling);
  let best = null;
  for (const fifths of [0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6, 7, -7]) { // of equals the first is taken
    const altered = alteredLetters(fifths);
    const off = notes.filter(({ letter, alteration }) => (altered[letter] || 0) !== alteration).length;
    if (!best || off < best.off) best = { fifths, off };
  }
  return best.fifths;
}

// Returns the sounds of a measure's token names, {token, onset, length}; they fill it without gaps.
function sounds(grid, names) {
  const ticks = [...names.keys()].filter((tick) => tick === 0 || names[tick] !== HOLD_NAME);
  return ticks.map((tick, i) => {
    const onset = grid.onsets[tick], end = i + 1 < ticks.length ? grid.onsets[ticks[i + 1]] : grid.length;
    return { token: names[tick], onset, length: end - onset };
  });
}

// Returns the lengths of single notes that add up to a sound: one, or as few as can be cut where beats start.
function noteLengths(grid, { onset, length }, shapes) {
  const lengths = [], end = onset + length;
  for (let at = onset; at < end; at += lengths[lengths.length - 1]) {
    const ends = [end];
    for (let beat = grid.length - grid.beat; beat > at; beat -= grid.beat) if (beat < end) ends.push(beat);
    const fitting = ends.map((each) => each - at).find((each) => shapes.includes(each));
    const most = Math.min(...ends) - at;
    lengths.push(fitting || Math.max(...shapes.filter((each) => each <= most)));
  }
  return lengths;
}

const inThirds = (tick) => tick % 3 !== 0; // a quarter has a multiple of 3 ticks, but not of 9

// Returns the length of the grid's shortest triplet; without any, of a beat.
function tripletLength(grid) {
  const thirds = grid.onsets.filter(inThirds);
  return thirds.length ? 3 * Math.min(...thirds) : grid.beat;
}

// Returns how many parts a quarter has, of which every place of the grid is a whole number.
function divisionsOf(grid) {
  const divisor = (a, b) => (b ? divisor(b, a % b) : a);
  return grid.ppq / grid.onsets.reduce(divisor, grid.ppq);
}

// Returns the note shapes that fit the grid by their lengths: {kind, dots, inTriplet}.
function shapesOf(grid) {
  const shapes = new Map(), unit = grid.ppq / divisionsOf(grid);
  KINDS.forEach((kind, power) => {
    const length = (4 * grid.ppq) / 2 ** power;
    for (const [factor, dots, inTriplet] of [[2 / 3, 0, true], [3 / 2, 1, false], [1, 0, false]]) {
      const ticks = Math.round(length * factor);
      if (ticks % unit === 0) shapes.set(ticks, { kind, dots, inTriplet });
    }
  });
  return shapes;
}

// Returns the notes and rests that each of consecutive measures is written as, with accidentals, beams and brackets.
// A note is {onset, length, pitch, hidden, ties, shape, tick, accidental, beams, brackets}: pitch is empty for a rest,
// hidden says that it is one nobody asked for, ties are "stop" and "start", tick is where the sound starts to which it
// belongs, accidental is in semitones (in commas 1 for up and -1 for down) or null.
// before: what sounds before the first measure. cutHidden: whether hidden rests are cut into shapes as others are.
function writtenNotes(spec, measures, { fifths, before = "", cutHidden = false }) {
  const { grid } = spec, shapes = shapesOf(grid), lengths = [...shapes.keys()];
  const named = measures.map((measure) => namesOf(spec, measure));
  let sounding = before;
  return named.map((names, m) => {
    const notes = [], goesOn = m + 1 < named.length && named[m + 1][0] === HOLD_NAME, events = sounds(grid, names);
    const silent = !sounding || sounding === REST_NAME;
    if (!cutHidden && names[0] === HOLD_NAME && silent && !names.some(isPitch)) sounding = HELD;
    events.forEach((event, e) => {
      const held = event.token === HOLD_NAME;
      if (!held) sounding = event.token;
      const pitch = sounding && isPitch(sounding) ? sounding : "", hidden = held && !pitch;
      const parts = hidden && !cutHidden ? [event.length] : noteLengths(grid, event, lengths);
      let onset = event.onset;
      parts.forEach((length, i) => {
        const ties = [];
        if (pitch && (held || i > 0)) ties.push("stop");
        if (pitch && (i + 1 < parts.length || (goesOn && e + 1 === events.length))) ties.push("start");
        const shape = shapes.get(length) || null;
        const note = { onset, length, pitch, hidden, ties, shape, tick: event.onset };
        notes.push({ ...note, accidental: null, beams: [], brackets: [] });
        onset += length;
      });
    });
    showAccidentals(spec, notes, alteredLetters(fifths));
    beam(grid, notes);
    bracket(grid, notes);
    return notes;
  });
}

const flagsOf = ({ kind }) => Math.max(KINDS.indexOf(kind) - 2, 0);

function showAccidentals(spec, notes, altered) {
  const inForce = {};
  for (const note of notes) {
    if (!note.pitch) continue;
    const { letter, octave, alteration, commas } = spelling(note.pitch);
    if (spec.microtonal) {
      if (commas !== undefined) note.accidental = Math.sign(commas);
    } else if (!note.ties.includes("stop")) {
      if ((inForce[letter + octave] ?? altered[letter] ?? 0) !== alteration) note.accidental = alteration;
      inForce[letter + octave] = alteration;
    }
  }
}

// Beams notes that have flags and stand next to each other in one beat; says what each beam of a note does.
function beam(grid, notes) {
  const number = notes.map(({ pitch, shape }) => (pitch && shape ? flagsOf(shape) : 0));
  const beat = notes.map(({ onset }) => Math.floor(onset / grid.beat));
  const joined = (i, level) =>
    i >= 0 && i + 1 < notes.length && beat[i] === beat[i + 1] && Math.min(number[i], number[i + 1]) >= level;
  notes.forEach((note, i) => {
    if (!joined(i - 1, 1) && !joined(i, 1)) return;
    for (let level = 1; level <= number[i]; level++) {
      const back = joined(i - 1, level), on = joined(i, level);
      const hook = joined(i - 1, 1) ? "backward hook" : "forward hook";
      note.beams.push(back ? (on ? "continue" : "end") : on ? "begin" : hook);
    }
  });
}

// Joins neighbours in triplets to one bracket, up to where a whole one ends.
function bracket(grid, notes) {
  const length = tripletLength(grid), inTriplet = notes.map(({ shape }) => Boolean(shape && shape.inTriplet));
  notes.forEach((note, i) => {
    if (!inTriplet[i]) return;
    if (!inTriplet[i - 1] || note.onset % length === 0) note.brackets.push("start");
    if (!inTriplet[i + 1] || notes[i + 1].onset % length === 0) note.brackets.push("stop");
  });
}

// Returns the notes that sound: {onset, end, token}, in ticks from the start of the first measure.
// A hold at the start of a measure continues the one before; where nothing sounds there, it is silent.
function soundingNotes(spec, measures) {
  const { grid } = spec, notes = [];
  let last = null;
  measures.forEach((measure, m) => {
    measure.forEach((token, tick) => {
      if (spec.tokens[token] === HOLD_NAME) return;
      const onset = m * grid.length + grid.onsets[tick];
      if (last) last.end = onset;
      last = isPitch(spec.tokens[token]) ? { onset, end: 0, token } : null;
      if (last) notes.push(last);
    });
  });
  if (last) last.end = measures.length * grid.length;
  return notes;
}

// Returns a pitch as people write it: `C♯4`, `B♭4`, and `B4 −4` in commas.
function shownName(name) {
  const { letter, octave, alteration, commas } = spelling(name);
  if (commas !== undefined) return `${letter}${octave} ${commas > 0 ? "+" : "−"}${Math.abs(commas)}`;
  return letter + (alteration < 0 ? "♭" : "♯").repeat(Math.abs(alteration)) + octave;
}

function pitchInWords(name) {
  const { letter, octave, alteration, commas } = spelling(name);
  if (commas !== undefined) return `${letter} ${octave} ${commas > 0 ? "plus" : "minus"} ${Math.abs(commas)} commas`;
  const size = ["", "", "double ", "triple "][Math.abs(alteration)], sign = alteration < 0 ? "flat " : "sharp ";
  return `${letter} ${alteration ? size + sign : ""}${octave}`;
}

// Returns what measures are in words, for people who do not see them: `4/4, measure 1: F sharp 5, dotted quarter; ...`.
function inWords(spec, measures, { before = "", changedFrom } = {}) {
  const bars = writtenNotes(spec, measures, { fifths: 0, before, cutHidden: true }).map((notes, m) => {
    const parts = [];
    for (const { pitch, hidden, shape, ties, tick, onset } of notes) {
      const kind = (shape.dots ? "dotted " : "") + (shape.inTriplet ? "triplet " : "") + shape.kind;
      if (onset !== tick) { // it belongs to the sound before
        parts.push(`${parts.pop()} and ${kind}`);
        continue;
      }
      const held = ties.includes("stop") ? "held " : "";
      const what = pitch ? held + pitchInWords(pitch) : hidden ? "held from before" : "rest";
      const changed = isChanged(spec.grid, measures[m], changedFrom, tick) ? "changed: " : "";
      parts.push(`${changed}${what}, ${kind}`);
    }
    return `measure ${m + 1}: ${parts.join("; ")}`;
  });
  return `${spec.grid.metre}, ${bars.join(". ")}`;
}

// Says whether the sound of a measure at a place, in ticks, is not the other measure's there.
function isChanged(grid, measure, other, onset) {
  const tick = grid.onsets.indexOf(onset);
  return Boolean(other) && other[tick] !== measure[tick];
}
