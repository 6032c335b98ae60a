"""MIDI files become bars of what is written in them, or of nothing."""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.helpers.midi_files import Note, even, midi_file, track
from vaemusic_jax.data.bars import Bar, Drop, bar_to_tokens
from vaemusic_jax.data.readers.midi import read_midi
from vaemusic_jax.data.readers.midi_bars import MOST_BARS_HELD
from vaemusic_jax.data.tunes import Reading, UnreadableTuneError

MELODY = Reading()
SCALE = (60, 62, 64, 65)
BEYOND = [(n * (2**28 - 1), b"\xb0\x07\x40") for n in range(10)]  # ticks that 32 bits cannot count
SCALE_TOKENS = "C4 _5 D4 _5 E4 _5 F4 _5"


def bars(data: bytes, reading: Reading = MELODY) -> list[Bar]:
    return [bar for tune in read_midi(data, reading) for voice in tune.voices for bar in voice]


def read(data: bytes, reading: Reading = MELODY) -> list[str]:
    """Every bar as its tokens, holds counted (`C4 _5`: an onset and five holds), or as the name of its drop."""
    return [short(bar_to_tokens(bar)) for bar in bars(data, reading)]


def short(tokens: tuple[str, ...] | Drop) -> str:
    if isinstance(tokens, Drop):
        return tokens.name
    words: list[str] = []
    holds = 0
    for token in (*tokens, ""):
        if token == "__":
            holds += 1
            continue
        words += [f"_{holds}"] * (holds > 0) + [token]
        holds = 0
    return " ".join(words).strip()


def one(notes: list[Note], ppq: int = 480, signatures: Sequence[tuple[int, int, int]] = ()) -> bytes:
    return midi_file(track(notes, signatures=signatures), ppq=ppq)


def test_a_bar_of_quarters() -> None:
    assert read(one(even(SCALE))) == [SCALE_TOKENS]


def test_black_keys_have_one_spelling_each() -> None:
    assert read(one(even([61, 63, 66, 68, 70, 61, 61, 61]))) == [
        "C#4 _5 E-4 _5 F#4 _5 G#4 _5",
        "B-4 _5 C#4 _5 C#4 _5 C#4 _5",
    ]


def test_the_outermost_octaves_are_named_and_what_is_beyond_costs_its_bar() -> None:
    assert read(one(even([12, 127, 12, 127, 60, 11, 60, 60]))) == ["C0 _5 G9 _5 C0 _5 G9 _5", "PITCH"]


@pytest.mark.parametrize("ppq", [12, 24, 96, 480, 960, 256, 1024, 32, 100])
@pytest.mark.parametrize("rounding", [math.floor, math.ceil, round])
def test_every_tick_of_the_grid_is_found_whatever_the_resolution(ppq: int, rounding: Callable[[Fraction], int]) -> None:
    places = [Fraction(n, 12) + quarter for quarter in range(4) for n in (0, 3, 4, 6, 8, 9)]
    ticks = [*(rounding(place * ppq) for place in places), 4 * ppq]
    notes: list[Note] = [(on, off, 60) for on, off in pairwise(ticks)]
    assert read(one(notes, ppq)) == [" ".join(["C4"] * 24)]


def test_onsets_off_the_grid_cost_their_bar_and_keep_their_place() -> None:
    notes = [(0, 60, 60), (60, 480, 62), *even(SCALE[1:], start=480), *even(SCALE, start=1920)]
    first, second = bars(one(notes))
    assert bar_to_tokens(first) is Drop.OFF_GRID
    assert [event.onset for event in first.events] == [0, Fraction(1, 8), 1, 2, 3]
    assert short(bar_to_tokens(second)) == SCALE_TOKENS


class TestMetre:
    def test_bars_follow_the_time_signatures(self) -> None:
        notes = [*even(range(60, 70)), (4800, 6720, 72)]
        data = one(notes, signatures=[(0, 4, 4), (1920, 3, 4), (3360, 6, 8), (4800, 2, 2)])
        assert [bar.metre for bar in bars(data)] == ["4/4", "3/4", "6/8", "2/2"]
        assert read(data)[::3] == ["C4 _5 C#4 _5 D4 _5 E-4 _5", "C5 _23"]

    def test_a_repeated_signature_changes_nothing(self) -> None:
        assert read(one(even(SCALE * 2), signatures=[(0, 4, 4), (960, 4, 4)])) == [SCALE_TOKENS] * 2

    def test_a_change_inside_a_bar_starts_a_bar_and_leaves_a_short_one(self) -> None:
        data = one(even([60, 62, *SCALE]), signatures=[(0, 4, 4), (960, 2, 2)])
        assert read(data) == ["SHORT", SCALE_TOKENS]

    def test_two_metres_at_once_are_none(self) -> None:
        data = one(even(SCALE), signatures=[(0, 4, 4), (0, 3, 4)])
        assert read(data) == ["METRE"]

    def test_signatures_of_any_track_count_for_all(self) -> None:
        data = midi_file(track(signatures=[(0, 3, 4)]), track(even(SCALE)))
        assert [bar.metre for bar in bars(data)] == ["3/4", "3/4"]

    def test_bars_of_a_length_that_ticks_cannot_express(self) -> None:
        data = one(even([60] * 9, step=5), 5, signatures=[(0, 7, 8), (35, 4, 4)])  # a bar of 7/8 is 17.5 ticks
        assert [bar.length for bar in bars(data)] == [Fraction(7, 2), Fraction(7, 2), 4]


class TestEnds:
    @pytest.mark.parametrize("length", [479, 470, 456, 432, 400, 300, 260])
    def test_an_articulated_note_is_no_rest(self, length: int) -> None:
        assert read(one(even(SCALE * 2, length=length)))[0] == SCALE_TOKENS

    def test_a_note_off_on_the_grid_starts_a_rest(self) -> None:
        assert read(one(even(SCALE, length=240))) == ["C4 _2 rest _2 D4 _2 rest _2 E4 _2 rest _2 F4 _2 rest _2"]

    def test_a_written_rest_after_an_articulated_note_is_one(self) -> None:
        data = one([(0, 456, 60), (960, 1416, 62), (1440, 1896, 64)])
        assert read(data) == ["C4 _5 rest _5 D4 _5 E4 _5"]

    WRITTEN = (
        ([(480, 0)] * 4, "C4 _5 C4 _5 C4 _5 C4 _5"),
        ([(960, 960)], "C4 _11 rest _11"),
        ([(1440, 480)], "C4 _17 rest _5"),
        ([(480, 1440)], "C4 _5 rest _17"),
        ([(240, 0), (240, 480), (960, 0)], "C4 _2 C4 _2 rest _5 C4 _11"),
    )

    @pytest.mark.parametrize("gate", [0.8, 0.85, 0.9, 0.95, 0.99])
    @given(written=st.lists(st.sampled_from(WRITTEN), max_size=6))
    def test_written_lengths_come_back_from_a_constant_gate(
        self, gate: float, written: list[tuple[list[tuple[int, int]], str]]
    ) -> None:
        notes, at = even([60] * 32, step=240, length=round(240 * gate)), 32 * 240
        for length, rest in (each for pattern, _ in written for each in pattern):
            notes.append((at, at + round(length * gate), 60))
            at += length + rest
        assert read(one(notes))[4:] == [tokens for _, tokens in written]

    def test_a_note_without_end_lasts_to_the_next_and_the_last_one_costs_its_bar(self) -> None:
        notes: list[Note] = [(0, None, 60), (480, 960, 62), (960, 1920, 64), (1920, 2400, 65), (2400, None, 67)]
        assert read(one(notes)) == ["C4 _5 D4 _5 E4 _11", "NO_LENGTH"]

    def test_a_note_held_over_a_barline(self) -> None:
        assert read(one([(0, 2400, 60), (2400, 3840, 62)])) == ["C4 _23", "_6 D4 _17"]

    def test_a_stuck_note_does_not_fill_the_piece_with_bars(self) -> None:
        found = read(one([(0, 10**8, 60), *even(SCALE, start=192 * 10**6)]))
        assert found == ["NO_LENGTH"] * (MOST_BARS_HELD + 1) + [SCALE_TOKENS]

    def test_silence_makes_no_bars(self) -> None:
        assert read(one(even(SCALE) + even(SCALE, start=1920 * 10**5))) == [SCALE_TOKENS] * 2

    def test_a_note_of_no_ticks_takes_no_time(self) -> None:
        assert read(one([(480, 480, 72), *even(SCALE)])) == [SCALE_TOKENS]


class TestTogether:
    def test_a_chord_costs_its_bar_and_those_it_is_held_into(self) -> None:
        notes: list[Note] = [(0, 480, 60), (0, 2400, 64), (2400, 3840, 62), *even(SCALE, start=3840)]
        assert read(one(notes)) == ["CHORD", "CHORD", SCALE_TOKENS]

    def test_the_same_note_twice_is_one(self) -> None:
        assert read(one([*even(SCALE), (0, 480, 60)])) == [SCALE_TOKENS]

    @pytest.mark.parametrize(("overlap", "found"), [(60, SCALE_TOKENS), (61, "OVERLAY")])
    def test_legato_ends_at_the_next_onset_and_a_second_voice_costs_the_bar(self, overlap: int, found: str) -> None:
        assert read(one([*even(SCALE[:3], length=480 + overlap), (1440, 1920, 65)])) == [found]

    def test_legato_over_the_barline_into_a_rest_starts_no_bar(self) -> None:
        assert read(one([*even(SCALE[:3]), (1440, 1920 + 60, 65)])) == [SCALE_TOKENS]

    def test_a_pitch_that_is_not_ended_before_it_starts_again_ends_there(self) -> None:
        notes: list[Note] = [(0, None, 60), *even(SCALE[1:], start=480), (1920, 2400, 60), *even(SCALE, start=3840)]
        assert read(one(notes)) == ["OVERLAY", "C4 _5 rest _17", SCALE_TOKENS]

    @pytest.mark.parametrize("overlap", [1, 10, 60])
    def test_a_pitch_played_again_legato_keeps_its_lengths(self, overlap: int) -> None:
        notes: list[Note] = [(0, 480 + overlap, 60), (480, 1440, 60), (1440, 1920, 64)]
        assert read(one(notes)) == ["C4 _5 C4 _11 E4 _5"]
        chain = even([60, 60, 60], length=480 + overlap)
        assert read(one([*chain, (1440, 1680, 60)])) == ["C4 _5 C4 _5 C4 _5 C4 _2 rest _2"]
        assert read(one([*chain, (1440, 1680, 60), *even([60] * 3, length=240, start=1920)])) == [
            "C4 _5 C4 _5 C4 _5 C4 _2 rest _2",
            "C4 _2 rest _2 C4 _2 rest _2 C4 _2 rest _8",
        ]

    @given(
        start=st.integers(0, 5),
        lengths=st.lists(st.integers(1, 480), min_size=7, max_size=7),
    )
    def test_a_pitch_that_is_never_ended_puts_off_no_later_end(self, start: int, lengths: list[int]) -> None:
        whole: list[Note] = [(480 * n, 480 * n + length, 60) for n, length in enumerate(lengths)]
        hanging = list(whole)
        hanging[start] = (480 * start, None, 60)
        as_read, expected = (bars(one([*notes, (5280, 5760, 72)])) for notes in (hanging, whole))

        def onsets(found: list[Bar], after: int) -> list[tuple[int, Fraction, str | None]]:
            return [
                (n, event.onset, event.pitch)
                for n, bar in enumerate(found)
                for event in bar.events
                if 4 * n + event.onset >= after
            ]

        assert onsets(as_read, start + 1) == onsets(expected, start + 1)

    def test_legato_is_shorter_than_half_the_next_note(self) -> None:
        assert read(one([(0, 530, 60), (480, 560, 62), *even(SCALE[2:], start=960)])) == ["OVERLAY"]

    def test_a_second_voice_costs_every_bar_it_sounds_in(self) -> None:
        notes: list[Note] = [(0, 4000, 48), *even(SCALE, start=480), *even(SCALE, start=5760)]
        assert read(one(notes)) == ["OVERLAY", "OVERLAY", "OVERLAY", SCALE_TOKENS]


class TestBeat:
    @pytest.mark.parametrize("shift", [1, 10])
    def test_a_small_constant_shift_is_taken_back(self, shift: int) -> None:
        assert read(one(even(SCALE * 4, start=shift))) == [SCALE_TOKENS] * 4

    def test_the_shift_is_that_of_all_parts(self) -> None:
        echo = midi_file(track(even(SCALE * 4)), track(even(SCALE * 4, start=10)))
        assert read(echo, Reading(voices="all")) == [SCALE_TOKENS] * 4 + ["OFF_GRID"] * 5

    def test_a_larger_shift_is_not(self) -> None:
        assert set(read(one(even(SCALE * 4, start=11)))) == {"OFF_GRID"}

    def test_a_beat_between_the_beats_is_refused(self) -> None:
        with pytest.raises(UnreadableTuneError, match="beat elsewhere"):
            read_midi(one(even(SCALE * 16, start=120)), MELODY)

    def test_a_part_that_drifts_off_does_not_come_back_elsewhere(self) -> None:
        # Twice a thirty-second too long: on the grid again, but a sixteenth late
        notes = even(SCALE) + even(SCALE * 4, start=1920 + 60) + even(SCALE * 4, start=1920 * 5 + 120)
        assert read(one(notes)) == [SCALE_TOKENS] + ["OFF_GRID"] * 9

    def test_grace_notes_that_push_back_the_rest_take_no_time(self) -> None:
        notes = [*even(SCALE), (1920, 1948, 72), *even(SCALE, start=1950), (3870, 3898, 72), *even(SCALE, start=3900)]
        assert read(one(notes)) == [SCALE_TOKENS] * 3

    def test_grace_notes_that_take_from_the_next_note_cost_their_bar_alone(self) -> None:
        notes = [(0, 30, 72), (30, 480, 60), *even(SCALE[1:], start=480), *even(SCALE, start=1920)]
        assert read(one(notes)) == ["OFF_GRID", SCALE_TOKENS]
        pushed_back = [(3840, 3868, 72), *even(SCALE, start=3870)]
        assert read(one([*notes, *pushed_back])) == ["OFF_GRID", SCALE_TOKENS, SCALE_TOKENS]


class TestBends:
    RANGE_ONE = ((0, b"\xb0\x65\x00"), (0, b"\xb0\x64\x00"), (0, b"\xb0\x06\x01"), (0, b"\xb0\x26\x00"))

    @staticmethod
    def wheel(semitones: float, bend_range: float = 2) -> bytes:
        value = round(8192 + semitones / bend_range * 8192)
        return bytes([0xE0, value & 0x7F, value >> 7])

    @pytest.mark.parametrize(
        ("commas", "rounded", "microtonal"),
        # B4 is 314; four commas flat rounds to B-flat, one comma flat to B
        [(314, "B4", "B4"), (310, "B-4", "B4-4c"), (313, "B4", "B4-1c"), (309, "B-4", "B4-5c"), (305, "A4", "A4")],
    )
    def test_notes_between_the_keys(self, commas: int, rounded: str, microtonal: str) -> None:
        sounding = 69 + (commas - 305) * 12 / 53
        extra = [(0, self.wheel(sounding - 71)), (480, self.wheel(1))]
        data = midi_file(track([(0, 480, 71), (480, 1920, 60)], extra=extra))
        assert read(data) == [f"{rounded} _5 C#4 _17"]
        assert read(data, Reading(pitch="microtonal"))[0].split()[0] == microtonal

    def test_the_range_of_the_wheel(self) -> None:
        data = midi_file(track([(0, 1920, 60)], extra=[*self.RANGE_ONE, (0, self.wheel(1, 1.001))]))
        assert read(data) == ["C#4 _23"]

    def test_without_bends_names_are_those_of_twelve_tones(self) -> None:
        assert read(one([(0, 1920, 61)]), Reading(pitch="microtonal")) == ["C#4 _23"]


class TestFiles:
    def test_no_notes_no_tune(self) -> None:
        assert read_midi(midi_file(track(signatures=[(0, 4, 4)])), MELODY) == []

    def test_drums_are_no_part(self) -> None:
        assert read_midi(midi_file(track(even(SCALE), channel=9, name="melody")), Reading(voices="all")) == []

    def test_the_title_is_the_name_of_the_only_track(self) -> None:
        assert read_midi(midi_file(track(even(SCALE), name=" The  Reel\n")), MELODY)[0].title == "The Reel"
        two = midi_file(track(even(SCALE), name="Melody"), track(even(SCALE, step=240), name="Bass"))
        assert read_midi(two, MELODY)[0].title == ""

    def test_a_part_that_changes_its_instrument_stays_one(self) -> None:
        extra = [(0, b"\xc0\x05"), (960, b"\xc0\x20")]
        assert read(midi_file(track(even(SCALE), extra=extra)), Reading(voices="all")) == [SCALE_TOKENS]

    def test_foreign_chunks_are_passed_over(self) -> None:
        foreign = b"XFIH\x00\x00\x00\x03abc"
        assert read(midi_file(foreign, track(even(SCALE)), count=1)) == [SCALE_TOKENS]

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (b"", "no MIDI file"),
            (b"RIFF" * 9, "no MIDI file"),
            (midi_file(track(even(SCALE)), ppq=0), "no ticks"),
            (midi_file(track(even(SCALE)), ppq=0xE728), "SMPTE"),
            (midi_file(track(even(SCALE)))[:-9], "cut off"),
            (midi_file(track(even(SCALE)), count=2), "fewer tracks"),
            (midi_file(track(even(SCALE)))[:-4] + b"\x00\x90\x3c\x50", "without an end"),
            (midi_file(track(signatures=[(0, 0, 4)])), "impossible time signature"),
            (midi_file(track(signatures=[(0, 4, 2**8)])), "impossible time signature"),
            (midi_file(track(extra=[(0, b"\x90\xff\xff")])), "cannot be read"),
            (midi_file(*[track()] * 257), "more than 256 tracks"),
            (midi_file(track(even(SCALE), extra=BEYOND)), "longer than"),
        ],
    )
    def test_files_that_cannot_be_used(self, data: bytes, reason: str) -> None:
        with pytest.raises(UnreadableTuneError, match=reason):
            read_midi(data, MELODY)

    BEFORE = (b"\xff\x01\x81\x00" + b"t" * 128, b"\xf0\x03\x01\x02\xf7", b"\xc0\x05", b"\x90\x3c\x50", b"\x3c\x00")

    @pytest.mark.parametrize("status", [b"\xff\x7f", b"\xff\x01", b"\xf0"])
    def test_a_time_signature_is_an_event_and_not_any_bytes_that_look_like_one(self, status: bytes) -> None:
        looks_like_one = (0, status + b"\x07\xff\x58\x04\x00\x02\x18\xf7")
        notes = even(SCALE, start=1920)
        assert read(midi_file(track(notes, extra=[looks_like_one]))) == [SCALE_TOKENS]
        before = [(0, each) for each in self.BEFORE]
        with pytest.raises(UnreadableTuneError, match="impossible time signature"):
            read(midi_file(track(notes, signatures=[(0, 0, 4)], extra=[*before, looks_like_one])))

    def test_a_look_alike_among_bytes_that_are_no_events_is_not_trusted(self) -> None:
        with pytest.raises(UnreadableTuneError, match="impossible time signature"):
            read(midi_file(track(even(SCALE), extra=[(0, b"\xf4"), (0, b"\xff\x58\x04\x00\x02\x18\x08")])))

    def test_bars_beyond_the_limit_are_not_made(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("vaemusic_jax.data.readers.midi_bars.MOST_BARS", 3)
        assert read(one(even(SCALE * 3))) == [SCALE_TOKENS] * 3
        with pytest.raises(UnreadableTuneError, match="more than 3 bars"):
            read_midi(one(even(SCALE * 4)), MELODY)

    @example(at=0, byte=0, cut=0)
    @given(at=st.integers(0, 200), byte=st.integers(0, 255), cut=st.integers(0, 40))
    def test_damage_never_makes_a_bar_of_the_wrong_length(self, at: int, byte: int, cut: int) -> None:
        data = bytearray(one(even(SCALE * 3), signatures=[(0, 4, 4)]))
        data[at % len(data)] = byte
        try:
            found = bars(bytes(data[: len(data) - cut]))
        except UnreadableTuneError:
            return
        for bar in found:
            onsets = [event.onset for event in bar.events]
            assert onsets == sorted(onsets)
            assert all(0 <= onset < bar.length for onset in onsets)
