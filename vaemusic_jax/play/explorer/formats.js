// The formats that measures are saved in: suffix, media type, and what writes the content.
"use strict";

const TITLE = "Made with vaemusic";
const FORMATS = {
  MIDI: { suffix: "mid", type: "audio/midi", write: (spec, measures, tempo) => midiOf(spec, measures, { tempo }) },
  MusicXML: { suffix: "musicxml", type: "application/vnd.recordare.musicxml+xml", write: (spec, measures) => musicXmlOf(spec, measures, { title: TITLE }) },
  ABC: { suffix: "abc", type: "text/vnd.abc", write: (spec, measures) => abcOf(spec, measures, { title: TITLE }) },
  WAV: { suffix: "wav", type: "audio/wav", write: (spec, measures, tempo) => wavOf(spec, measures, { tempo }) },
  JSON: { suffix: "json", type: "application/json", write: (spec, measures) => jsonOf(spec, measures, {}) },
};
