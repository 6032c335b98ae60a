"""`vaemusic data list | prepare | inspect`: what they print."""

import re
from pathlib import Path

import pandas as pd
import pytest

from tests.helpers.reading import parse_tune
from vaemusic_jax.cli import run as vaemusic
from vaemusic_jax.commands import data as commands
from vaemusic_jax.data.corpora import CORPORA
from vaemusic_jax.data.dataset import SPLITS, Dataset
from vaemusic_jax.data.load import load_dataset
from vaemusic_jax.data.readers.abc_book import split_book
from vaemusic_jax.errors import UserError


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")


def test_list_names_source_terms_and_readiness_of_every_corpus(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tunes(tmp_path / "tunes.abc")
    commands.prepare("mine", source=str(tmp_path / "tunes.abc"), cache_dir=tmp_path / "cache", voices="all")
    capsys.readouterr()
    commands.list_corpora(cache_dir=tmp_path / "cache")
    printed = " ".join(capsys.readouterr().out.split())
    for corpus in CORPORA.values():
        for text in (corpus.name, corpus.what, corpus.source, corpus.licence):
            assert text in printed
    assert printed.count("ready no: vaemusic data prepare") == 3
    assert printed.count("ready yes, nothing to download") == 4
    place = "".join(f"ready yes: 20 measures of 20 tunes, from {tmp_path}/tunes.abc".split())
    assert place in printed.replace(" ", "")
    assert "(pitches rounded to twelve tones, all voices of each piece)" in printed


def test_prepare_prints_every_count_of_the_report(irish_folk: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    commands.prepare("irish_folk")
    printed = " ".join(capsys.readouterr().out.split())
    report = irish_folk.report
    for reason, count in {**report["tunes"]["dropped"], **report["measures"]["dropped"]}.items():
        assert f"dropped: {reason} {count:,}" in printed
    for split, numbers in report["splits"].items():
        assert f"{split}: measures of {numbers['tunes']:,} tunes {numbers['measures']:,}" in printed
    assert f"Kept in {load_dataset('irish_folk').path}" in printed


def test_inspect_shows_vocabulary_attributes_repeats_and_measures(
    irish_folk: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    commands.inspect("irish_folk", measures=5)
    printed = capsys.readouterr().out
    assert f"Vocabulary: {len(irish_folk.vocabulary)} tokens" in printed
    assert f"{irish_folk.seen_in_training:.1%} of the test measures also occur in the training split" in printed
    assert "Always predicting '__' is right for" in printed
    mean = (irish_folk.train.tokens > 1).mean()
    assert f"note_density {mean:.3f}" in " ".join(printed.split())
    # the ABC at the end is ABC: it reads as the first five measures of the training split
    (tune,) = split_book(printed[printed.index("X:1") :], "printed")
    names = [tuple(irish_folk.vocabulary.tokens[token] for token in row) for row in irish_folk.train.tokens[:5]]
    assert [measure[1:] for measure in parse_tune(tune).measures] == [measure[1:] for measure in names]


def test_inspect_without_measures(irish_folk: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    commands.inspect("irish_folk", measures=0)
    assert "ABC" not in capsys.readouterr().out
    with pytest.raises(UserError, match="--measures: -1"):
        commands.inspect("irish_folk", measures=-1)


def write_tunes(path: Path, n: int = 20) -> None:
    """Tunes of one measure each, all different."""
    steps = "CDEFGAB"
    path.write_text(
        "\n".join(f"X:{i}\nT:No {i}\nM:4/4\nL:1/4\nK:C\n{steps[i % 7]}{steps[i // 7]}cB|\n" for i in range(n))
    )


def test_prepare_of_the_users_own_tunes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match="no such file or folder"):
        commands.prepare("irish_folk", source=str(tmp_path / "absent"), cache_dir=tmp_path)
    with pytest.raises(UserError, match="turkish_makam: its music does not come with this package"):
        commands.prepare("turkish_makam", cache_dir=tmp_path)
    assert capsys.readouterr().out == ""


def test_the_report_has_a_line_for_every_tune_and_every_file_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    write_tunes(folder / "tunes.abc")
    (folder / "bad.abc").write_text("X:1\nT:Without a key\n\nX:2\nT:Waltz\nM:3/4\nL:1/4\nK:C\nCDE|CDE|\n")
    (folder / "empty.abc").write_text("")
    (folder / "dangling.mid").symlink_to(folder / "nowhere")
    for name in ("MusicXML/piece.xml", "midi/piece.mid"):
        (folder / name).parent.mkdir()
        (folder / name).write_text("")
    commands.prepare("mine", source=str(folder), cache_dir=tmp_path / "cache", report=tmp_path / "report.csv")
    table = pd.read_csv(tmp_path / "report.csv", keep_default_na=False)
    rows = {row["name"]: row for row in table.to_dict("records")}
    assert len(rows) == 2 + 2 + 20 + 2
    reasons = {name: row["reason"] for name, row in rows.items() if row["status"] == "unreadable"}
    assert reasons == {
        "dangling.mid": "link that leads nowhere",
        "empty.abc": "no tune in it",
        "bad.abc#1": "no key field (K:)",
        "MusicXML/piece.xml": "not well-formed XML",
    }
    left_out = rows["midi/piece.mid"]
    assert (left_out["status"], left_out["reason"]) == ("left out", "same piece in another format")
    waltz = rows["bad.abc#2"]
    assert (waltz["title"], waltz["status"], waltz["measures_written"]) == ("Waltz", "no usable measure", 2)
    assert waltz["measures_dropped"] == "another metre: 2"
    kept = table[table.status == "kept"]
    dataset = load_dataset("mine", cache_dir=tmp_path / "cache")
    for split in SPLITS:
        assert kept.measures_kept[kept.split == split].sum() == len(dataset.split(split))
    printed = " ".join(capsys.readouterr().out.split())
    for line in (
        "files seen 6",
        "dropped: link that leads nowhere 1",
        "tunes read 22",
        "of these distinct measures 20",
    ):
        assert line in printed
    assert f"Every tune and file: {tmp_path}/report.csv" in printed


def test_the_report_is_written_when_no_data_set_can_be_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "report.csv"

    def refused(source: Path, message: str) -> pd.DataFrame:
        report.unlink(missing_ok=True)
        command = ["data", "prepare", "mine", "--source", str(source), "--cache-dir", str(tmp_path / "cache")]
        assert vaemusic([*command, "--report", str(report)]) == 2
        *_, printed = capsys.readouterr().err.splitlines()
        assert message in printed
        assert printed.endswith(f"; every tune and file: {report}")
        assert not list(tmp_path.glob("cache/mine*"))
        return pd.read_csv(report, keep_default_na=False)

    write_tunes(tmp_path / "few.abc", 2)
    table = refused(tmp_path / "few.abc", "needs at least 10")
    assert list(table["name"]) == ["few.abc#0", "few.abc#1"]
    assert (set(table["status"]), set(table["measures_kept"]), set(table["split"])) == ({"kept"}, {1}, {""})
    (tmp_path / "empty.abc").write_text("")
    table = refused(tmp_path / "empty.abc", "no tune in it")
    assert list(zip(table["name"], table["reason"], strict=True)) == [("empty.abc", "no tune in it")]
    monkeypatch.setattr("vaemusic_jax.data.prepare.MOST_PITCHES", 3)
    write_tunes(tmp_path / "many.abc")
    assert len(refused(tmp_path / "many.abc", "different spelled pitches; a vocabulary has room for 3")) == 20


def test_a_report_or_page_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    write_tunes(tmp_path / "tunes.abc")
    with pytest.raises(UserError, match=r"absent/report.csv: cannot be written: no such folder"):
        commands.prepare("mine", source=str(tmp_path / "tunes.abc"), report=tmp_path / "absent" / "report.csv")
    with pytest.raises(UserError, match="cannot be written: a folder"):
        commands.inspect("irish_folk", html=tmp_path)


def test_a_sweep_looks_for_data_where_it_was_prepared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_tunes(tmp_path / "tunes.abc")
    commands.prepare("mine", source=str(tmp_path / "tunes.abc"), cache_dir=tmp_path / "cache")
    fields = {"name": "own", "dataset": "mine", "model": "measure_vae", "attributes": "all", "latent_dim": 4}
    (tmp_path / "own.yaml").write_text("\n".join(f"{name}: {value}" for name, value in fields.items()))
    sweep = ["sweep", str(tmp_path / "own.yaml"), "--dry-run", "--steps", "2", "--eval-every", "1", "--batch-size", "4"]
    assert vaemusic([*sweep, "--cache-dir", str(tmp_path / "cache")]) == 0
    capsys.readouterr()
    assert vaemusic([*sweep, "--cache-dir", str(tmp_path / "elsewhere")]) == 2
    assert "data set 'mine' is not" in capsys.readouterr().err


def test_a_page_holds_everything_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_tunes(tmp_path / "tunes.abc")
    cache_dir = tmp_path / "cache"
    commands.prepare("mine", source=str(tmp_path / "tunes.abc"), cache_dir=cache_dir)
    commands.inspect("mine", html=tmp_path / "page.html", cache_dir=cache_dir, measures=4)
    page = (tmp_path / "page.html").read_text()
    assert page.count("data:image/svg+xml,") >= 4  # distributions, correlations, tokens, notation
    assert "note_density" in page
    assert "20 distinct measures" in page
    assert "<svg" not in page  # in an image nothing is executed
    assert "K:C" in page
    assert not re.search(r"""(?:src|href)=["'](?!#|%23|data:)""", page)  # nothing is fetched
    again = tmp_path / "again.html"
    commands.inspect("mine", html=again, cache_dir=cache_dir, measures=4)
    assert again.read_text() == page
