"""Corpora by name: which files of an official source, or of music21, are read."""

import re
from pathlib import Path

from vaemusic_jax.data.corpora import CORPORA, embedded_files, find_corpus
from vaemusic_jax.data.pieces import collect
from vaemusic_jax.data.prepare import prepare_dataset
from vaemusic_jax.data.read_pieces import read_piece
from vaemusic_jax.data.tunes import Reading
from vaemusic_jax.support.progress import no_progress

ROOT = Path(__file__).parents[2]

#: A song as the kern edition of the Essen collection writes it.
KERN = """!!!OTL: LAND
!!!ARE: Europa, Mitteleuropa
**kern
*ICvox
*k[f#]
*M4/4
*G:
{{4d
=1
4g
4g
8a
8b
4g}}
=2
2.r
{{4b
=3
[4b
8b]
8a
2g}}
==
!!!AGN: Lied
*-
"""


def tune(n: int, metre: str = "4/4") -> str:
    return f"X:{n}\nT:No {n}\nM:{metre}\nL:1/4\nK:G\n{'CDEFGABc'[n % 8]}{'cdefgab'[n // 8]}ed|\n"


def test_of_a_checkout_of_nottingham_the_tune_books_are_read_alone(tmp_path: Path) -> None:
    for folder in ("ABC_cleaned", "MIDI", "ABC"):
        (tmp_path / "checkout" / folder).mkdir(parents=True)
    (tmp_path / "checkout" / "ABC_cleaned" / "jigs.abc").write_text("\n".join(map(tune, range(20))))
    (tmp_path / "checkout" / "MIDI" / "ashover_simple_chords_1.mid").write_bytes(b"")
    (tmp_path / "checkout" / "ABC" / "jigs.abc").write_text("\n".join(map(tune, range(20))))
    options = {"cache_dir": tmp_path / "cache", "progress": no_progress, "workers": 1}
    for source in (tmp_path / "checkout", tmp_path / "checkout" / "ABC_cleaned"):
        report = prepare_dataset("nottingham", source=source, **options).dataset.report  # type: ignore[arg-type]
        assert (report["files"]["seen"], report["tunes"]["read"]) == (1, 20)
    elsewhere = prepare_dataset("mine", source=tmp_path / "checkout", **options)  # type: ignore[arg-type]
    assert elsewhere.dataset.report["tunes"]["read"] == 40


def test_songs_of_the_essen_collection_are_read_in_both_editions() -> None:
    parsed = read_piece("kern", KERN.encode(), Reading())
    assert [[name for name in measure if name != "__"] for measure in parsed.measures] == [
        ["G4", "G4", "A4", "B4", "G4"],
        ["rest", "B4"],
        ["B4", "A4", "G4"],
    ]
    assert parsed.drops == {"shorter than its metre, such as a pickup": 1}
    collection = collect(embedded_files(find_corpus("essen")), 64)
    assert len(collection.pieces) > 8_000
    assert not collection.dropped
    song = next(piece for piece in collection.pieces if piece.name == "essenFolksong/kinder0.abc#1")
    assert read_piece(song.kind, song.content(), Reading(metre="2/4")).measures


def test_pages_list_every_corpus() -> None:
    listed = re.findall(
        r"^\| `(\w+)` \| .* \| .*(?:--source|nothing)", (ROOT / "docs/data.md").read_text(), re.MULTILINE
    )
    assert listed == list(CORPORA)
    assert len(CORPORA) == 7
    assert "seven corpora" in (ROOT / "README.md").read_text()
