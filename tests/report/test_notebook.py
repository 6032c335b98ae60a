"""What notebooks ask of a run is there, or one line says what is not."""

from pathlib import Path

import pytest

from vaemusic_jax.errors import UserError
from vaemusic_jax.report import notebook


def test_a_run_that_is_opened_has_what_it_wrote(finished_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = notebook.open_run(finished_run)
    assert set(run.results["trial"]) == set(run.trials)
    monkeypatch.setenv(notebook.VARIABLE, str(finished_run))
    assert notebook.open_run("elsewhere").path == finished_run
    table = notebook.study_table(run, "accuracy")
    assert "<table" in table._repr_html_()
    assert table.latex.startswith("\\begin{table}")
    for call, words in (
        (lambda: notebook.study_table(run, "acuracy"), "no table 'acuracy'; there are accuracy"),
        (lambda: run.evaluation("0123456789"), "trial 0123456789 has no evaluation"),
        (lambda: run.sample("lakh_clean"), "there is no sample of data set 'lakh_clean'"),
    ):
        with pytest.raises(UserError, match=words):
            call()


def test_a_picture_is_shown_at_half_its_size() -> None:
    header = b"\x89PNG\r\n\x1a\n" + bytes(8) + (640).to_bytes(4, "big") + (480).to_bytes(4, "big")
    assert notebook.Picture(header)._repr_png_() == (header, {"width": 320, "height": 240})
