// Writes consecutive measures as files: ABC, MusicXML, MIDI, WAV and JSON, the same as the writers of data/writers.
// Each takes (spec, measures, options) and returns a text or a Uint8Array; WRITERS has them by the suffix of the file.
"use strict";

const MAJOR_KEYS = ["Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#"];

// ABC. A length that no single note shape has is written as several notes tied together or several rests.
const ABC_SIGNS = { "-2": "__", "-1": "_", 0: "=", 1: "^", 2: "^^" };
const MEASURES_PER_LINE = 4;
const POWERS = [-6, -5, -4, -3, -2, -1, 0, 1, 2, 3];
const NOTE_SHAPES = POWERS.flatMap((k) => [1, 1.5, 1.75].map((dots) => 2 ** k * dots)); // in quarters, up to two dots

const oneLine = (text = "") => text.trim().split(/\s+/).join(" ");

function abcOf(spec, measures, { title } = {}) {
  const fifths = keySignature(spec, measures), altered = alteredLetters(fifths), bars = [];
  let sounding = "";
  for (const names of measures.map((measure) => namesOf(spec, measure))) {
    const held = names[0] === HOLD_NAME;
    if (held && !sounding && !names.some(isPitch)) { // a short bar, as of a pickup, in which starts what is held
      bars.push(abcPitch(HELD, {}, altered) + "/8");
      sounding = HELD;
    }
    if (held && sounding) bars[bars.length - 1] += "-";
    bars.push(abcBar(spec.grid, names, altered, sounding));
    const last = names.filter((name) => name !== HOLD_NAME).pop() || sounding;
    sounding = last === REST_NAME ? "" : last;
  }
  const rounded = spec.microtonal ? ["N:pitches in commas, rounded to twelve tones"] : [], lines = [];
  for (let at = 0; at < bars.length; at += MEASURES_PER_LINE) {
    lines.push(bars.slice(at, at + MEASURES_PER_LINE).join("|") + "|");
  }
  const fields = ["X:1", `T:${oneLine(title)}`, ...rounded, `M:${spec.grid.metre}`, "L:1/8"];
  return [...fields, `K:${MAJOR_KEYS[fifths + 7]}`, ...lines].join("\n") + "\n";
}

function abcBar(grid, names, altered, sounding) {
  const inForce = {}, whole = tripletLength(grid);
  let written = "", group = [];
  for (const sound of sounds(grid, names)) {
    group.push(sound);
    if ((sound.onset + sound.length) % whole !== 0) continue;
    const triplets = group.some(({ onset }) => inThirds(onset)), notes = [];
    const quarter = triplets ? (grid.ppq * 2) / 3 : grid.ppq, shapes = NOTE_SHAPES.map((each) => each * quarter);
    for (const each of group) {
      const token = each.token === HOLD_NAME ? sounding || "x" : each.token;
      const lengths = token === "x" ? [each.length] : noteLengths(grid, each, shapes);
      lengths.forEach((length, i) => {
        const tie = i + 1 < lengths.length && token !== "x" && isPitch(token) ? "-" : "";
        notes.push(abcPitch(token, inForce, altered) + abcLength(length, quarter / 2) + tie);
      });
    }
    const ratio = !triplets ? "" : notes.length === 3 ? "(3" : `(3:2:${notes.length}`;
    written += (written && group[0].onset % grid.beat === 0 ? " " : "") + ratio + notes.join("");
    group = [];
  }
  return written;
}

// A pitch with a sign wherever what stands before it in the bar could alter it: readers differ on whether a sign holds
// in all octaves or in its own.
function abcPitch(token, inForce, altered) {
  if (token === "x" || token === REST_NAME) return token === "x" ? "x" : "z";
  const { letter, octave, alteration } = spelling(token), places = [letter, letter + octave];
  if (!(alteration in ABC_SIGNS)) throw new RangeError(`${token}: ABC has no sign for so many semitones`);
  const known = places.every((place) => (inForce[place] ?? altered[letter] ?? 0) === alteration);
  for (const place of places) inForce[place] = alteration;
  const name = octave <= 4 ? letter + ",".repeat(4 - octave) : letter.toLowerCase() + "'".repeat(octave - 5);
  return (known ? "" : ABC_SIGNS[alteration]) + name;
}

function abcLength(length, unit) { // in units: nothing, `2`, `/2`, `3/2`
  let below = 1;
  while ((length * below) % unit !== 0) below *= 2;
  const above = (length * below) / unit;
  return (above === 1 ? "" : above) + (below === 1 ? "" : `/${below}`);
}

// MusicXML. A hold that nobody knows the note of is a hidden rest, or a tied note where the measure would be silent.
const COMMA_SIGNS = {
  1: "quarter-sharp", 4: "sharp", 5: "slash-quarter-sharp", 8: "slash-sharp", 9: "double-sharp",
  "-1": "quarter-flat", "-4": "slash-flat", "-5": "flat", "-8": "double-slash-flat", "-9": "flat-flat",
};
const SIGNS = {
  0: "natural", 1: "sharp", 2: "double-sharp", 3: "triple-sharp", "-1": "flat", "-2": "flat-flat", "-3": "triple-flat",
};

function musicXmlOf(spec, measures, { title } = {}) {
  const { grid } = spec, fifths = keySignature(spec, measures), [beats, type] = grid.metre.split("/");
  const key = spec.microtonal ? "" : `<key><fifths>${fifths}</fifths></key>`;
  const attributes = `<attributes><divisions>${divisionsOf(grid)}</divisions>${key}<time><beats>${beats}</beats>` +
    `<beat-type>${type}</beat-type></time><clef><sign>G</sign><line>2</line></clef></attributes>`;
  const bars = writtenNotes(spec, measures, { fifths }).map((notes, m) =>
    `<measure number="${m + 1}">${m ? "" : attributes}${notes.map((note) => xmlNote(spec, note)).join("")}</measure>`);
  const text = oneLine(title).replace(/(?! )[\p{C}\p{Z}]/gu, "")
    .replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const software = spec.microtonal ? "vaemusic_jax, accidentals in Holdrian commas" : "vaemusic_jax";
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" ' +
      '"http://www.musicxml.org/dtds/partwise.dtd">',
    `<score-partwise version="4.0"><work><work-title>${text}</work-title></work>`,
    `<identification><encoding><software>${software}</software></encoding></identification>`,
    '<part-list><score-part id="P1"><part-name print-object="no">Melody</part-name></score-part></part-list>',
    '<part id="P1">', ...bars, "</part></score-partwise>\n",
  ].join("\n");
}

function xmlNote(spec, { length, pitch, hidden, ties, shape, accidental, beams, brackets }) {
  const tied = ties.map((kind) => `<tied type="${kind}"/>`).join("");
  const tuplets = brackets.map((kind) => `<tuplet type="${kind}"/>`).join("");
  let what = "<rest/>", sign = "";
  if (pitch) {
    const { letter, octave, alteration, commas } = spelling(pitch), inCommas = commas !== undefined;
    if (inCommas ? !(commas in COMMA_SIGNS) : spec.microtonal && alteration) {
      throw new RangeError(`${pitch}: MusicXML has no accidental for it among pitches in commas`);
    }
    if (accidental !== null) sign = inCommas ? COMMA_SIGNS[commas] : SIGNS[accidental] || "";
    const alter = inCommas ? ((12 * commas) / 53).toFixed(3) : alteration || "";
    what = `<pitch><step>${letter}</step>${alter && `<alter>${alter}</alter>`}<octave>${octave}</octave></pitch>`;
  }
  return [
    hidden ? '<note print-object="no">' : "<note>", what,
    `<duration>${(length * divisionsOf(spec.grid)) / spec.grid.ppq}</duration>`,
    ...ties.map((kind) => `<tie type="${kind}"/>`), "<voice>1</voice>",
    shape ? `<type>${shape.kind}</type>${"<dot/>".repeat(shape.dots)}` : "",
    sign && `<accidental>${sign}</accidental>`,
    shape && shape.inTriplet
      ? "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification>" : "",
    ...beams.map((does, i) => `<beam number="${i + 1}">${does}</beam>`),
    tied || tuplets ? `<notations>${tied}${tuplets}</notations>` : "", "</note>",
  ].join("");
}

// WAV: one channel of 16 bits, harmonics added up, of a sound like a plucked string's.
const SAMPLE_RATE = 22050, LOUDEST = 0.8, DECAY = 1.5, ATTACK = 0.005, RELEASE = 0.02; // times in seconds
const HARMONICS = [1, 0.5, 0.25, 0.12, 0.06];

function roundEven(x) { // halves to the even number, as Python does
  const down = Math.floor(x), rest = x - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
}

function wavOf(spec, measures, { tempo = 120 } = {}) {
  const { grid } = spec, perQuarter = (SAMPLE_RATE * 60) / tempo;
  const nSamples = roundEven(measures.length * (grid.length / grid.ppq) * perQuarter), size = 2 * nSamples;
  const view = new DataView(new ArrayBuffer(44 + size));
  [..."RIFF____WAVEfmt ____________________data"].forEach((each, at) => view.setUint8(at, each.charCodeAt(0)));
  [[4, 36 + size], [16, 16], [24, SAMPLE_RATE], [28, 2 * SAMPLE_RATE], [40, size]]
    .forEach(([at, value]) => view.setUint32(at, value, true));
  [[20, 1], [22, 1], [32, 2], [34, 16]].forEach(([at, value]) => view.setUint16(at, value, true));
  for (const { onset, end, token } of soundingNotes(spec, measures)) {
    const first = roundEven((onset / grid.ppq) * perQuarter), last = roundEven((end / grid.ppq) * perQuarter);
    const frequency = 440 * 2 ** ((spec.sounding[token] - 69) / 12);
    for (let i = 0; i < last - first; i++) {
      view.setInt16(44 + 2 * (first + i), roundEven(sampleOf(frequency, i, last - first) * 32767), true);
    }
  }
  return new Uint8Array(view.buffer);
}

// A tone decays, and starts and ends at zero, so that any two may follow each other without a click.
function sampleOf(frequency, i, nSamples) {
  const seconds = i / SAMPLE_RATE, length = nSamples / SAMPLE_RATE;
  const rise = (at) => 0.5 - 0.5 * Math.cos(Math.PI * Math.min(Math.max(at, 0), 1));
  const attack = rise(seconds / Math.min(ATTACK, length / 2));
  const release = rise((length - seconds) / Math.min(RELEASE, length / 2));
  let tone = 0, loudest = 0;
  HARMONICS.forEach((amplitude, index) => {
    const k = index + 1;
    loudest += amplitude;
    if (k * frequency < SAMPLE_RATE / 2) {
      tone += amplitude * Math.exp((-seconds * k) / DECAY) * Math.sin(2 * Math.PI * k * frequency * seconds);
    }
  });
  return (LOUDEST / loudest) * tone * attack * release;
}

// JSON, in the form that `vaemusic generate` writes: the metre, what else is known, and the tokens by name.
function jsonOf(spec, measures, { facts = {} } = {}) {
  const tokens = measures.map((measure) => ({ tokens: namesOf(spec, measure) }));
  return JSON.stringify({ metre: spec.grid.metre, ...facts, measures: tokens }, null, 1) + "\n";
}

// MIDI. A hold that nobody knows the note of starts in a bar of 1/64 before its measure, as a note hardly struck.
const VELOCITY = 80, INAUDIBLE = 1, MIDDLE_C = 60, BEND_RANGE = 2; // the last in semitones

function midiOf(spec, measures, { tempo = 120, program = 0 } = {}) {
  const { grid, sounding } = spec, events = [], notes = [], leadIn = grid.ppq / 16; // events: {time, order, bytes}
  const add = (time, order, ...bytes) => events.push({ time, order, bytes });
  const metre = (time, above, below) => add(time, 0, 0xff, 0x58, 4, above, Math.log2(below), 24, 8);
  let start = 0;
  measures.forEach((measure, m) => {
    const names = namesOf(spec, measure), last = notes[notes.length - 1];
    const unknown = names[0] === HOLD_NAME && (!last || last.pitch === null);
    if (unknown) {
      const next = measure.find((token) => isPitch(spec.tokens[token]));
      notes.push({ time: start, pitch: next === undefined ? MIDDLE_C : sounding[next], velocity: INAUDIBLE });
      metre(start, 1, 64);
      start += leadIn;
    }
    if (m === 0 || unknown) metre(start, ...grid.metre.split("/").map(Number));
    names.forEach((name, tick) => {
      const pitch = isPitch(name) ? sounding[measure[tick]] : null;
      if (name !== HOLD_NAME) notes.push({ time: start + grid.onsets[tick], pitch, velocity: VELOCITY });
    });
    start += grid.length;
  });
  const perQuarter = Math.round(6e7 / tempo);
  if (!spec.microtonal) add(0, 1, 0xff, 0x59, 2, keySignature(spec, measures) & 255, 0);
  add(0, 2, 0xff, 0x51, 3, perQuarter >> 16, (perQuarter >> 8) & 255, perQuarter & 255);
  add(0, 3, 0xc0, program);
  if (spec.microtonal) add(0, 4, 0xb0, 101, 0, 0, 100, 0, 0, 6, BEND_RANGE, 0, 38, 0); // in one running status
  notes.forEach(({ time, pitch, velocity }, i) => {
    if (pitch === null) return;
    const number = roundEven(pitch), end = i + 1 < notes.length ? notes[i + 1].time : start;
    if (number < 0 || number > 127) throw new RangeError(`a pitch of MIDI number ${number}; MIDI has 0 to 127`);
    const bend = roundEven(((pitch - number) / BEND_RANGE) * 8192) + 8192;
    if (spec.microtonal) add(time, 5, 0xe0, bend & 127, bend >> 7);
    add(end, 6, 0x80, number, velocity);
    add(time, 7, 0x90, number, velocity);
  });
  events.sort((a, b) => a.time - b.time || a.order - b.order);
  const track = [];
  let now = 0;
  for (const { time, bytes } of events) {
    const delta = time - now, parts = [delta & 127];
    for (let rest = delta >> 7; rest; rest >>= 7) parts.unshift((rest & 127) | 128);
    track.push(...parts, ...bytes);
    now = time;
  }
  track.push(1, 0xff, 0x2f, 0);
  const size = track.length, sizeBytes = [size >> 24, (size >> 16) & 255, (size >> 8) & 255, size & 255];
  const header = [0x4d, 0x54, 0x68, 0x64, 0, 0, 0, 6, 0, 1, 0, 1, grid.ppq >> 8, grid.ppq & 255]; // MThd: 1 track
  return Uint8Array.from([...header, 0x4d, 0x54, 0x72, 0x6b, ...sizeBytes, ...track]);
}

const WRITERS = {
  mid: { write: midiOf, type: "audio/midi" },
  musicxml: { write: musicXmlOf, type: "application/vnd.recordare.musicxml+xml" },
  abc: { write: abcOf, type: "text/vnd.abc" },
  wav: { write: wavOf, type: "audio/wav" },
  json: { write: jsonOf, type: "application/json" },
};
