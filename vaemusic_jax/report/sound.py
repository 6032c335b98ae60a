"""The sound of measures in the report's page: notes as a short text, and the script that plays them.

A WAV of one measure is 20 to 90 kB and its notes are 100 bytes, so the page has a small synthesiser instead. It runs
without any request. Where scripts do not run, the buttons stay hidden.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaemusic_jax.data.writers.notation import sounds, token_names
from vaemusic_jax.data.writers.tuning import concert_pitches
from vaemusic_jax.music.vocabulary import is_pitch

if TYPE_CHECKING:
    import numpy as np

    from vaemusic_jax.music.vocabulary import Vocabulary

# It has no `<` and no `&`, so that the page is well-formed as XML too. A button plays the measures of its list item,
# or of all items of its strip, and stops what is playing if that is its own.
SCRIPT = """
(() => {
  const quarter = 0.5, harmonics = [0, 1, 0.5, 0.25, 0.12, 0.06];
  let context, wave, out, playing, timers = [];
  const stop = () => {
    timers.forEach(clearTimeout);
    timers = [];
    document.querySelectorAll("li.playing").forEach(item => item.classList.remove("playing"));
    if (out) out.disconnect();
    playing = null;
  };
  const sound = (onset, length, pitch) => {
    const tone = context.createOscillator(), level = context.createGain();
    tone.setPeriodicWave(wave);
    tone.frequency.value = 440 * 2 ** ((pitch - 69) / 12);
    level.gain.setValueAtTime(0, onset);
    level.gain.linearRampToValueAtTime(0.5, onset + 0.005);
    level.gain.setTargetAtTime(0.1, onset + 0.005, 0.6);
    level.gain.setTargetAtTime(0, onset + length - 0.03, 0.008);
    tone.connect(level).connect(out);
    tone.start(onset);
    tone.stop(onset + length);
  };
  const play = (button, items) => {
    const again = playing === button;
    stop();
    if (again) return;
    context = context || new AudioContext();
    context.resume();
    wave = wave || context.createPeriodicWave(new Float32Array(harmonics.length), new Float32Array(harmonics));
    out = context.createGain();
    out.connect(context.destination);
    playing = button;
    const now = context.currentTime;  // It goes on while notes are scheduled.
    let start = 0.05;
    for (const item of items) {
      const length = quarter * item.dataset.quarters;
      for (const note of item.dataset.notes.split(" ").filter(Boolean)) {
        const [onset, quarters, pitch] = note.split(",").map(Number);
        sound(now + start + quarter * onset, quarter * quarters, pitch);
      }
      const at = 1000 * start;
      timers.push(setTimeout(() => item.classList.add("playing"), at));
      timers.push(setTimeout(() => item.classList.remove("playing"), at + 1000 * length));
      start += length;
    }
    timers.push(setTimeout(stop, 1000 * start));
  };
  for (const button of document.querySelectorAll("button.play")) {
    button.hidden = false;
    button.onclick = () => {
      const item = button.closest("li");
      play(button, item ? [item] : button.closest(".strip").querySelectorAll("li"));
    };
  }
})();
"""


def notes_as_text(tokens: np.ndarray, vocabulary: Vocabulary) -> str:
    """Returns the notes of a measure as `onset,length,pitch`, parted by spaces: quarters, quarters and MIDI number.

    A hold at the first tick is silent, because nobody knows which note it holds.

    Args:
        tokens: (T,) token indices.
        vocabulary: the vocabulary of the tokens.
    """
    pitches = concert_pitches(vocabulary)
    notes = [sound for sound in sounds(token_names(tokens, vocabulary), vocabulary.grid) if is_pitch(sound.token)]
    return " ".join(
        f"{float(note.onset):.4g},{float(note.length):.4g},{pitches[vocabulary.index(note.token)]:.6g}"
        for note in notes
    )
