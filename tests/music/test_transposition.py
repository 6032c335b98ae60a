"""Transposed measures keep intervals, rhythm and attributes, are spelled simply, and depend on seed and step only."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from music21 import interval, pitch

from tests.helpers import cohorts
from vaemusic_jax.errors import UserError
from vaemusic_jax.music.attributes import compute_attributes
from vaemusic_jax.music.key_signatures import FIFTHS
from vaemusic_jax.music.transposition import draw_shifts, moved_pitch, moves, transpose, transposition_table
from vaemusic_jax.music.vocabulary import HOLD, REST, Vocabulary, spelling
from vaemusic_jax.training.cohort import run_member, table_for

WIDE = Vocabulary.from_pitches(["C2", "C7"])
NARROW = Vocabulary.from_pitches(["G3", "F#5"])
TABLES = {vocabulary: transposition_table(vocabulary, 11) for vocabulary in (WIDE, NARROW)}
apply = jax.jit(transpose)

# The two intervals of each number of semitones, by name: an independent account of `moves`.
INTERVALS = {
    1: ("m2", "A1"),
    2: ("M2", "d3"),
    3: ("m3", "A2"),
    4: ("M3", "d4"),
    5: ("P4", "A3"),
    6: ("A4", "d5"),
    7: ("P5", "d6"),
    8: ("m6", "A5"),
    9: ("M6", "d7"),
    10: ("m7", "A6"),
    11: ("M7", "d8"),
}


@pytest.mark.parametrize("semitones", [s for s in range(-11, 12) if s])
def test_pitches_move_as_in_music21(semitones: int) -> None:
    """music21 has a limit of its own on accidentals; what it spells, we spell alike."""
    compared = 0
    for name in ("C4", "B3", "F#5", "B-2", "E#4", "C-5", "F##4", "D--4"):
        ours = {moved_pitch(name, semitones, fifths)[0] for fifths in moves(semitones)}
        theirs = set()
        for named in INTERVALS[abs(semitones)]:
            by = interval.Interval(named if semitones > 0 else f"{named[0]}-{named[1]}")
            by.transposePitch(pitch.Pitch(name), maxAccidental=None)
            theirs.add(by.transposePitch(pitch.Pitch(name), maxAccidental=None).nameWithOctave)
        assert ours == theirs
        compared += 1
    assert compared == 8


def tokens_of(text: str, vocabulary: Vocabulary = WIDE) -> np.ndarray:
    """Eight eighths of three ticks each, as (1, 24)."""
    tokens = np.full((1, 24), HOLD, np.uint8)
    for place, name in enumerate(text.split()):
        tokens[0, 3 * place] = vocabulary.index(name)
    return tokens


def names_of(tokens: np.ndarray, vocabulary: Vocabulary = WIDE) -> str:
    return " ".join(vocabulary.tokens[token] for token in tokens[0] if token != HOLD)


@pytest.mark.parametrize(
    ("measure", "semitones", "expected"),
    [
        ("D4 E4 F#4 G4 A4 B4 C#5 D5", 1, "E-4 F4 G4 A-4 B-4 C5 D5 E-5"),  # E flat major, not D sharp major
        ("E-4 F4 G4 A-4 B-4 C5 D5 E-5", -1, "D4 E4 F#4 G4 A4 B4 C#5 D5"),
        ("B3 C#4 D#4 E4 F#4 G#4 A#4 B4", 1, "C4 D4 E4 F4 G4 A4 B4 C5"),
        ("G4 rest B4 rest D5 rest F#5 G5", 6, "D-5 rest F5 rest A-5 rest C6 D-6"),
        ("F4 rest A4 rest C5 rest E5 F5", 6, "B4 rest D#5 rest F#5 rest A#5 B5"),
        ("C4 D4 E4 F4 G4 A4 B4 C5", 6, "F#4 G#4 A#4 B4 C#5 D#5 E#5 F#5"),  # as many flats would do
        ("D-4 F4 A-4 C5", 11, "C5 E5 G5 B5"),
        ("C4 D4 E4 F4 G4 A4 B4 C5", 0, "C4 D4 E4 F4 G4 A4 B4 C5"),
        ("C#4 E#4 G#4 B#4", 0, "C#4 E#4 G#4 B#4"),  # what is not moved is not spelled anew
    ],
)
def test_measures_are_spelled_as_a_musician_would(measure: str, semitones: int, expected: str) -> None:
    moved = apply(TABLES[WIDE], tokens_of(measure), jnp.array([semitones]))
    assert names_of(np.asarray(moved)) == expected


@pytest.mark.parametrize(("semitones", "expected"), [(1, "F#5"), (-11, "G4"), (-1, "F5")])
def test_a_measure_that_would_leave_the_vocabulary_stays_where_it_is(semitones: int, expected: str) -> None:
    moved = apply(TABLES[NARROW], tokens_of("F#5", NARROW), jnp.array([semitones]))
    assert names_of(np.asarray(moved), NARROW) == expected


def test_the_spelling_with_more_accidentals_is_taken_where_the_vocabulary_has_no_other() -> None:
    """C up a semitone is D flat, but here there is only C sharp."""
    vocabulary = Vocabulary.from_pitches(["C4", "C#4"], room=False)
    moved = apply(transposition_table(vocabulary, 1), tokens_of("C4", vocabulary), jnp.array([1]))
    assert names_of(np.asarray(moved), vocabulary) == "C#4"


def place_on_the_line_of_fifths(name: str) -> int:
    letter, _, alteration = spelling(name)
    return FIFTHS.index(letter) + 7 * alteration


@given(
    notes=st.lists(st.integers(0, len(NARROW) - 1), min_size=24, max_size=24),
    onsets=st.lists(st.booleans(), min_size=24, max_size=24),
    semitones=st.integers(-11, 11),
    vocabulary=st.sampled_from([WIDE, NARROW]),
)
def test_intervals_rhythm_and_attributes_stay(
    notes: list[int], onsets: list[bool], semitones: int, vocabulary: Vocabulary
) -> None:
    before = np.where(onsets, notes, HOLD).astype(np.uint8)[None]
    after = np.asarray(apply(TABLES[vocabulary], before, jnp.array([semitones])))
    is_note = before[0] > REST
    np.testing.assert_array_equal(after[0][~is_note], before[0][~is_note])
    steps = vocabulary.midi[after[0][is_note]] - vocabulary.midi[before[0][is_note]]
    fifths = {
        place_on_the_line_of_fifths(vocabulary.tokens[a]) - place_on_the_line_of_fifths(vocabulary.tokens[b])
        for a, b in zip(after[0][is_note], before[0][is_note], strict=True)
    }
    assert len(set(steps)) <= 1
    assert len(fifths) <= 1
    ours, theirs = (
        compute_attributes(after, vocabulary.midi, vocabulary.grid),
        compute_attributes(before, vocabulary.midi, vocabulary.grid),
    )
    np.testing.assert_array_equal(ours, theirs)

    names = [vocabulary.tokens[token] for token in before[0][is_note]]
    choices = [[moved_pitch(name, semitones, move) for name in names] for move in moves(semitones)]
    possible = [choice for choice in choices if all(name in vocabulary for name, _ in choice)]
    if possible:
        assert set(steps) <= {semitones}
        fewest = min(sum(count for _, count in choice) for choice in possible)
        taken = [vocabulary.tokens[token] for token in after[0][is_note]]
        assert sum(abs(spelling(name)[2]) for name in taken) == fewest
    else:
        np.testing.assert_array_equal(after, before)


def test_every_shift_up_to_the_widest_is_drawn_and_none_beyond() -> None:
    draw = jax.vmap(draw_shifts, (None, 0, None, None))
    shifts = np.asarray(draw(jnp.uint32(3), jnp.arange(200), jnp.int32(4), 16))
    values, counts = np.unique(shifts, return_counts=True)
    assert values.tolist() == list(range(-4, 5))
    assert counts.min() > 0.8 * shifts.size / 9
    assert (draw(jnp.uint32(3), jnp.arange(200), jnp.int32(0), 16) == 0).all()
    other = np.asarray(draw(jnp.uint32(4), jnp.arange(200), jnp.int32(4), 16))
    assert 0.05 < (shifts == other).mean() < 0.2


MOVING = ((1, 3), (5, 11))  # seed and widest interval of the members of one compiled cohort


def batches(trials, irish_folk, monkeypatch, member: int, cuts=(3, 4)) -> np.ndarray:
    """The tokens that a member of a cohort sees, (steps, B, 24), by replacing the training step with one that notes."""
    cohort = cohorts.ensemble(trials, irish_folk)
    state = jax.tree.map(lambda leaf: np.asarray(leaf)[member], cohort.start())
    hp, train, table = jax.tree.map(np.asarray, (cohort.members[member], cohort.train, cohort.transposition))
    hp, train, table = jax.tree.map(jnp.asarray, (hp, train, table))  # on one device
    seen: list[np.ndarray] = []

    def note(program, train, batch, hp):
        jax.debug.callback(lambda tokens: seen.append(np.asarray(tokens)), batch.tokens, ordered=True)
        return train._replace(step=train.step + 1), dict.fromkeys(state.sums, jnp.float32(0))

    with monkeypatch.context() as patch:
        patch.setattr("vaemusic_jax.training.cohort.train_step", note)
        for n_steps in cuts:
            state = run_member(cohort.program, 3, state, hp, train, table, jnp.int32(n_steps))
        jax.effects_barrier()
    return np.stack(seen)


def test_equal_seeds_see_the_same_measures_in_the_same_order_however_far_they_move(irish_folk, monkeypatch) -> None:
    still, moving = (cohorts.trial("measure_vae", seed=5, transpose=n) for n in (0, 6))
    plain = batches([still], irish_folk, monkeypatch, 0)
    moved = batches([moving], irish_folk, monkeypatch, 0)
    midi = irish_folk.vocabulary.midi
    difference = midi[moved] - midi[plain]
    is_note = midi[plain] >= 0
    assert (difference[~is_note] == 0).all()
    up, down = np.where(is_note, difference, -99).max(-1), np.where(is_note, difference, 99).min(-1)
    has_notes = is_note.any(-1)
    np.testing.assert_array_equal(up[has_notes], down[has_notes])  # one shift for each measure
    assert set(up[has_notes]) == set(range(-6, 7))


@pytest.mark.slow
def test_what_a_member_sees_does_not_depend_on_its_cohort(irish_folk, monkeypatch) -> None:
    """Neither on its place, nor on how far others move, nor on how the steps are cut into calls."""
    own = cohorts.trial("measure_vae", seed=5, transpose=2)
    still = cohorts.trial("measure_vae", seed=5)
    wide = cohorts.trial("measure_vae", seed=6, transpose=11)
    np.testing.assert_array_equal(
        batches([wide, still, own], irish_folk, monkeypatch, 2), batches([own], irish_folk, monkeypatch, 0, cuts=(7,))
    )
    np.testing.assert_array_equal(
        batches([wide, still, own], irish_folk, monkeypatch, 1), batches([still], irish_folk, monkeypatch, 0)
    )


@pytest.mark.slow
def test_members_that_move_differently_train_together_as_alone(irish_folk) -> None:
    """That those which stay see what they would see alone, is tested above."""
    trials = [cohorts.trial("measure_vae", seed=seed, transpose=n) for seed, n in MOVING]
    together = cohorts.losses(cohorts.ensemble(trials, irish_folk), 20)
    alone = cohorts.losses(cohorts.ensemble(trials[:1], irish_folk), 20)
    for name, values in alone.items():
        np.testing.assert_allclose(together[name][:, :1], values, rtol=1e-4, atol=1e-4, err_msg=name)


def test_a_cohort_that_goes_on_elsewhere_ends_as_if_it_had_not_stopped(irish_folk) -> None:
    trials = [cohorts.trial("measure_vae", seed=seed, transpose=n) for seed, n in MOVING]
    cohort = cohorts.ensemble(trials, irish_folk)
    whole = cohort.to_host(cohort.run(cohort.start(), 12))
    half = cohort.to_host(cohort.run(cohort.start(), 5))
    resumed = cohort.to_host(cohort.run(cohort.from_host(half), 7))
    jax.tree.map(np.testing.assert_array_equal, resumed, whole)


def test_a_cohort_in_which_nobody_moves_has_no_table(irish_folk) -> None:
    assert cohorts.ensemble([cohorts.trial("measure_vae")], irish_folk).transposition is None


def test_pitches_between_the_semitones_are_refused_where_they_would_move() -> None:
    vocabulary = Vocabulary(("__", "rest", "A4", "B4-4c"))
    still, moving = (cohorts.trial("measure_vae", dataset="turkish_makam", transpose=n) for n in (0, 2))
    assert table_for([still], vocabulary) is None
    with pytest.raises(UserError, match=r"^transpose: 2 moves by semitones, .*'turkish_makam' .* B4-4c; use"):
        table_for([still, moving], vocabulary)
