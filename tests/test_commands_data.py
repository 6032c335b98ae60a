"""`vaemusic data list | prepare | inspect`: what they print."""

from pathlib import Path

import pytest

from vaemusic_jax.commands import data as commands
from vaemusic_jax.data.corpora import CORPORA
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.data.parse import parse_tune
from vaemusic_jax.data.tune_book import split_book
from vaemusic_jax.errors import UserError


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")


def test_list_names_source_terms_and_readiness_of_every_corpus(capsys: pytest.CaptureFixture[str]) -> None:
    commands.list_corpora()
    printed = " ".join(capsys.readouterr().out.split())
    for corpus in CORPORA.values():
        for text in (corpus.name, corpus.what, corpus.source, corpus.licence):
            assert text in printed
    assert printed.count("ready not in this version") == 3
    assert printed.count("ready yes, nothing to download") == 1


def test_prepare_prints_every_count_of_the_report(irish_folk: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    commands.prepare("irish_folk")
    printed = " ".join(capsys.readouterr().out.split())
    report = irish_folk.report
    for reason, count in {**report["tunes"]["dropped"], **report["measures"]["dropped"]}.items():
        assert f"dropped: {reason} {count:,}" in printed
    for split, numbers in report["splits"].items():
        assert f"{split}: measures of {numbers['tunes']:,} tunes {numbers['measures']:,}" in printed
    assert str(irish_folk.path) in printed


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


def test_prepare_of_the_users_own_tunes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match="no such file or folder"):
        commands.prepare("irish_folk", source=tmp_path / "absent", cache_dir=tmp_path)
    with pytest.raises(UserError, match="cannot be prepared yet"):
        commands.prepare("bach", cache_dir=tmp_path)
    assert capsys.readouterr().out == ""
