// Draws one measure as a piano roll.
"use strict";

// Returns an SVG element: a row for each semitone, lines at the beats, and the names of the pitches that are there.
// Notes that `changedFrom` does not have at their place are of the class "changed".
// With cells there is an invisible one for each tick and each pitch of the vocabulary around the notes, to be clicked.
function roll(spec, tokens, { changedFrom, width = 360, height = 165, cells = false } = {}) {
  const { grid } = spec, notes = soundingNotes(spec, [tokens]);
  const pitches = notes.map(({ token }) => spec.sounding[token]);
  const middle = Math.round((Math.min(...pitches, Infinity) + Math.max(...pitches, -Infinity)) / 2) || 71;
  const reach = Math.max(7, Math.ceil(Math.max(...pitches.map((pitch) => Math.abs(pitch - middle)))) + 1);
  const low = middle - reach, high = middle + reach;
  const left = 34, wide = width - left - 1, row = height / (high - low + 1), y = (pitch) => (high - pitch) * row;
  const x = (tick) => left + (wide * tick) / grid.length, at = (value) => Number(value.toFixed(1));
  const line = (tick, opacity) =>
    `<path d="M${at(x(tick))} 0V${height}" stroke="currentColor" opacity="${opacity}" fill="none"/>`;
  const parts = [];
  for (let pitch = low; pitch <= high; pitch++) {
    if ([1, 3, 6, 8, 10].includes(pitch % 12)) { // the black keys
      parts.push(`<rect x="${left}" y="${at(y(pitch))}" width="${wide}" height="${at(row)}" opacity=".07"/>`);
    }
  }
  for (let tick = 0; tick <= grid.length; tick += grid.beat) parts.push(line(tick, tick % grid.length ? 0.25 : 0.6));
  const labels = new Map(notes.map(({ token }) => [y(spec.sounding[token]), spec.tokens[token]]));
  let free = -Infinity;
  for (const top of [...labels.keys()].sort((a, b) => a - b)) {
    if (top - free < 0) continue; // there is no room for it
    parts.push(`<text x="${left - 4}" y="${at(top + row / 2)}" font-size="10" text-anchor="end"` +
      ` dominant-baseline="central">${shownName(labels.get(top))}</text>`);
    free = top + 11;
  }
  if (cells) {
    spec.sounding.forEach((pitch, token) => grid.onsets.forEach((onset, tick) => {
      if (pitch < low || pitch > high) return;
      const end = grid.onsets[tick + 1] ?? grid.length;
      parts.push(`<rect class="cell" data-tick="${tick}" data-token="${token}" x="${at(x(onset))}" y="${at(y(pitch))}"` +
        ` width="${at(x(end) - x(onset))}" height="${at(row)}" fill="transparent"/>`);
    }));
  }
  for (const { onset, end, token } of notes) {
    const changed = isChanged(grid, tokens, changedFrom, onset) ? " changed" : "", top = y(spec.sounding[token]);
    parts.push(`<rect class="note${changed}" data-measure="0" data-tick="${grid.onsets.indexOf(onset)}" data-token="${token}"` +
      ` x="${at(x(onset) + 0.5)}" width="${at(x(end) - x(onset) - 1)}" y="${at(top + 0.3)}" height="${at(row - 0.6)}"` +
      ` rx="2"/>`);
  }
  const words = `Piano roll, ${inWords(spec, [tokens], { changedFrom })}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" class="roll" role="img" aria-label="${words}" fill="currentColor"` +
    ` viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif">` +
    `${parts.join("")}</svg>`;
}
