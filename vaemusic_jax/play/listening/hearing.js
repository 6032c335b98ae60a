// Sounds of the test: pairs of measures one after the other, and tones that tell headphones from loudspeakers.
"use strict";

const PAUSE = 600; // between the measures of a pair, in milliseconds
// Three tones, one of them quieter, another with one ear's wave turned round, which loudspeakers partly cancel: Woods,
// Siegel, Traer & McDermott, "Headphone screening to facilitate web-based auditory experiments" (2017).
const TONE = { frequency: 200, seconds: 1, apart: 0.5, fade: 0.1, loudness: 0.35, quieter: 10 ** (-6 / 20) };

let pausing = 0; // the timer of the pause between two measures

// Ends what is played, also in the pause between two measures.
function hush() {
  clearTimeout(pausing);
  stop();
}

// Plays measures one after the other, in place of what is played now; says which one sounds (from 0, and -1 when it is
// over), and when all is over.
function playOneByOne(spec, measures, tempo, onSounds, onEnd) {
  const from = (index) => {
    onSounds(index);
    play(spec, [measures[index]], {
      tempo,
      onEnd: () => {
        onSounds(-1);
        if (index + 1 < measures.length) pausing = setTimeout(from, PAUSE, index + 1);
        else onEnd();
      },
    });
  };
  hush();
  from(0);
}

// Plays the three tones; quiet and turned are places from 0.
function playTones({ quiet, turned }, onSounds, onEnd) {
  const context = (player.context ||= new AudioContext()), begin = context.currentTime + 0.06;
  context.resume();
  for (let i = 0; i < 3; i++) {
    const at = begin + i * (TONE.seconds + TONE.apart), end = at + TONE.seconds, loudness = TONE.loudness * (i === quiet ? TONE.quieter : 1);
    const oscillator = context.createOscillator(), merger = context.createChannelMerger(2);
    oscillator.frequency.value = TONE.frequency;
    [1, i === turned ? -1 : 1].forEach((sign, ear) => {
      const gain = context.createGain();
      gain.gain.setValueAtTime(0, at);
      gain.gain.linearRampToValueAtTime(sign * loudness, at + TONE.fade);
      gain.gain.setValueAtTime(sign * loudness, end - TONE.fade);
      gain.gain.linearRampToValueAtTime(0, end);
      oscillator.connect(gain).connect(merger, 0, ear);
    });
    merger.connect(context.destination);
    oscillator.start(at);
    oscillator.stop(end);
    setTimeout(onSounds, 1000 * (at - context.currentTime), i);
    oscillator.onended = () => {
      merger.disconnect();
      onSounds(-1);
      if (i === 2) onEnd();
    };
  }
}
