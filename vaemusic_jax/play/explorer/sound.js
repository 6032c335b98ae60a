// Plays measures by WebAudio: a soft plucked tone of the harmonics of writers.js, without samples of any kind.
// Notes are scheduled a little ahead by a timer, so that their times are exact and a change is heard soon.
"use strict";

const AHEAD = 0.15, AHEAD_HIDDEN = 1.5, WAKE = 0.025, FADE = 0.06; // in seconds; timers of hidden pages are slow
const scheduled = []; // what was scheduled since `play`: {onset, length, pitch}; seconds from its start, MIDI number
const player = { context: null, timer: 0, out: null, voices: [] };

// Plays measures, at least one, in place of what is played now. Browsers allow it from a user's action on.
// measures may be a function that returns them: it is asked again at the start of every round of a loop.
// onTick(measure, tick) is called when the music comes to a tick, and onEnd() when it is over, but not by `stop`.
function play(spec, measures, { tempo = 120, loop = false, onTick, onEnd } = {}) {
  stop();
  const { grid } = spec, context = (player.context ||= new AudioContext()), second = (60 / tempo) / grid.ppq;
  context.resume();
  const out = (player.out = context.createGain());
  out.connect(context.destination);
  const begin = context.currentTime + 0.06, rounds = [];
  const newRound = (start) => {
    const bars = typeof measures === "function" ? measures() : measures;
    rounds.push({ start, end: start + bars.length * grid.length * second, bars, notes: soundingNotes(spec, bars) });
  };
  let shown = "";
  const wake = () => {
    const now = context.currentTime, horizon = now + (document.hidden ? AHEAD_HIDDEN : AHEAD);
    while (loop && rounds.at(-1).end < horizon) newRound(rounds.at(-1).end);
    if (player.out !== out) return; // it was stopped where the measures were asked for
    for (const { start, notes } of rounds) {
      while (notes.length && start + notes[0].onset * second < horizon) {
        const { onset, end, token } = notes.shift(), at = start + onset * second, length = (end - onset) * second;
        scheduled.push({ onset: at - begin, length, pitch: spec.sounding[token] });
        player.voices.push(pluck(context, out, Math.max(at, now), length, spec.sounding[token]));
      }
    }
    player.voices = player.voices.filter(({ until }) => until > now);
    while (rounds.length > 1 && rounds[0].end <= now) rounds.shift();
    const place = (now - rounds[0].start) / second;
    if (now >= rounds[0].end) {
      stop();
      if (onEnd) onEnd();
    } else if (onTick && place >= 0) {
      const measure = Math.floor(place / grid.length), within = place - measure * grid.length;
      const tick = grid.onsets.findLastIndex((onset) => onset <= within);
      const here = `${rounds[0].start} ${measure} ${tick}`;
      if (here !== shown) onTick(measure, tick);
      shown = here;
    }
  };
  scheduled.length = 0;
  newRound(begin);
  player.timer = setInterval(wake, 1000 * WAKE);
  wake();
}

// Fades out what is heard and schedules no more.
function stop() {
  clearInterval(player.timer);
  if (!player.out) return;
  const { out, context } = player, end = context.currentTime + FADE;
  out.gain.setTargetAtTime(0, context.currentTime, FADE / 8);
  for (const { oscillator } of player.voices) oscillator.stop(end);
  setTimeout(() => out.disconnect(), 2000 * FADE);
  Object.assign(player, { timer: 0, out: null, voices: [] });
}

const isPlaying = () => player.out !== null;

// Starts one tone, of a length in seconds at a time of the context; it fades in and out, so that there is no click.
function pluck(context, destination, at, seconds, pitch) {
  const frequency = 440 * 2 ** ((pitch - 69) / 12), until = at + seconds + FADE;
  const imaginary = Float32Array.from([0, ...HARMONICS]), real = new Float32Array(imaginary.length);
  const oscillator = context.createOscillator(), filter = context.createBiquadFilter(), gain = context.createGain();
  oscillator.setPeriodicWave(context.createPeriodicWave(real, imaginary, { disableNormalization: true }));
  oscillator.frequency.value = frequency;
  filter.frequency.setValueAtTime(Math.min(8 * frequency, 10000), at); // the higher harmonics are gone sooner
  filter.frequency.setTargetAtTime(1.5 * frequency, at, DECAY / 3);
  const loudest = LOUDEST / HARMONICS.reduce((sum, each) => sum + each, 0);
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(loudest, at + Math.min(ATTACK, seconds / 2));
  gain.gain.setTargetAtTime(0, at + Math.min(ATTACK, seconds / 2), DECAY);
  gain.gain.setTargetAtTime(0, at + Math.max(seconds - RELEASE, seconds / 2), FADE / 8);
  oscillator.connect(filter).connect(gain).connect(destination);
  oscillator.start(at);
  oscillator.stop(until);
  return { oscillator, until };
}
