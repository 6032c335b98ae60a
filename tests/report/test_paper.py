"""The report as a LaTeX document: its numbers are those of the run, nothing in it breaks LaTeX, and it builds."""

import dataclasses
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from matplotlib.figure import Figure

from tests.helpers.evaluated_runs import config_of, corpus_of, write_run
from vaemusic_jax.cli import run
from vaemusic_jax.config.sweep import SweepConfig, load_config, trials
from vaemusic_jax.report.learned import LEARNED
from vaemusic_jax.report.markup import Column, Table
from vaemusic_jax.report.paper import write
from vaemusic_jax.report.paper.document import BUILD, Document
from vaemusic_jax.report.paper.methods import methods
from vaemusic_jax.report.paper.reproduction import config_files, reproduction
from vaemusic_jax.report.paper.words import values_of
from vaemusic_jax.report.paper.write import write_paper
from vaemusic_jax.report.style import to_pdf
from vaemusic_jax.runs.evaluations import EvaluationStore
from vaemusic_jax.runs.writer_versions import writer_versions

ROOT = Path(__file__).parents[2]
NASTY = "50% of <b> & more_$x #1 {y} ~ ^ \\end{document} \N{LATIN SMALL LETTER E WITH ACUTE}\N{SNOWMAN} |z|"
SMALL: dict[str, Any] = {"attributes": "note_density", "latent_dim": 4, "seed": 0}
NAME = "my_tunes-1.0"


@pytest.fixture(scope="module", autouse=True)
def quick_figures() -> Iterator[None]:
    """Every figure is an empty page, which LaTeX can include."""
    content = to_pdf(Figure(figsize=(2, 1)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(write, "to_pdf", lambda figure: content)
        yield


@pytest.fixture(scope="module")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The document of a run whose texts hold every sign that LaTeX reads as something else."""
    folder = tmp_path_factory.mktemp("nasty")
    config = config_of(dataset=["irish_folk", NAME], attributes="note_density", latent_dim=[4, 16], seed=[0, 1])
    path = write_run(folder / "run", config, {1: ("diverged", NASTY)})
    corpus = corpus_of(NAME)
    source = {"origin": NASTY, "files": 1234, "bytes": 5678, "sha256": "0123456789abcdef" * 4}
    facts = corpus.facts | {"reading": NASTY, "source": source}
    EvaluationStore(path).save_corpus(dataclasses.replace(corpus, facts=facts))
    write_paper([path], folder / "paper")
    return folder / "paper"


def whole(paper: Path) -> str:
    """The document with its tables in place of the commands that include them."""
    text = (paper / "paper.tex").read_text(encoding="ascii")
    return re.sub(r"\\input\{(.*?)\}", lambda found: (paper / f"{found[1]}.tex").read_text(encoding="ascii"), text)


def said(**fields: Any) -> str:
    return " ".join(methods(_Runs(config_of(**SMALL | fields))))  # type: ignore[arg-type]


class _Runs:
    """What the methods need of joined runs, without files."""

    def __init__(self, config: SweepConfig) -> None:
        self.configs, self.trials = (config,), {trial.id: trial for trial in trials(config)}
        self.datasets = tuple(dict.fromkeys(trial.dataset for trial in self.trials.values()))
        self.results = pd.DataFrame({"trial": [], "reconstruction_accuracy": []})

    def corpus(self, name: str) -> Any:
        return corpus_of(name)


def test_no_text_is_read_as_a_command_of_latex(nasty: Path) -> None:
    text = whole(nasty).partition("\\begin{document}")[2]
    text = re.sub(r"\\begin\{verbatim\}.*?\\end\{verbatim\}", "", text, flags=re.DOTALL)
    text = re.sub(r"\\(label|ref|cite)\{[^}]*\}|\\includegraphics\[.*?\]\{\{.*?\}\.pdf\}", "", text)
    text = re.sub(r"\$(R\^2|-|\\[a-z]+)\$", "", text)
    assert not re.findall(r"(?<!\\)[%#_$]|(?<!\\)\^", re.sub(r"\\\^", "", text))
    for line in re.findall(r".*(?<!\\)&.*", text):
        assert re.search(r"\\\\(\*\[-1pt\]| \\addlinespace\[1pt\])?$", line)  # only rows of tables have columns
    assert text.count("\\end{document}") == 1
    words = r"50\% of \textless{}b\textgreater{} \& more\_\$x \#1 \{y\} \textasciitilde{} \textasciicircum{} "
    words += r"\textbackslash{}end\{document\} \'{e}? \textbar{}z\textbar{}"
    assert text.count(words) >= 4  # how the data set was read, its files, and the status of a trial
    assert words in (nasty / "tables" / "not_done.tex").read_text(encoding="ascii")
    assert "tables/not_done" in (nasty / "paper.tex").read_text(encoding="ascii")


def test_the_data_statement_says_which_files_it_is_about_where_that_was_kept(nasty: Path) -> None:
    statement = whole(nasty).partition("\\section{Data statement}")[2].partition("\\section")[0]
    of_books, of_own = (part.partition("\\begin")[0] for part in statement.split("\\paragraph")[1:])
    assert "was not kept" in of_books
    assert "It was made of 1,234 files of 50" in of_own
    assert "5,678 bytes" in of_own
    assert "begins with 0123456789abcdef." in of_own
    n = len(corpus_of(NAME).attributes)
    assert f"{900 + n:,} measures of 100 tunes, of which 80 tunes with 800 measures for training" in of_own
    assert r"12.0\% also occur in the training split" in of_own


def test_whatever_it_refers_to_is_there_once(nasty: Path) -> None:
    text = whole(nasty)
    labels = re.findall(r"\\label\{(.*?)\}", text)
    assert len(labels) == len(set(labels))
    assert set(re.findall(r"\\ref\{(.*?)\}", text)) <= set(labels)
    figures = re.findall(r"\\includegraphics\[.*?\]\{\{figures/(.*?)\}\.pdf\}", text)
    assert sorted(path.stem for path in (nasty / "figures").iterdir()) == sorted(figures)
    assert any(NAME in figure for figure in figures)
    entries = re.findall(r"@\w+\{(.*?),", (nasty / "references.bib").read_text(encoding="utf-8"))
    cited = {key for keys in re.findall(r"\\cite\{(.*?)\}", text) for key in keys.split(",")}
    assert sorted(entries) == sorted(cited)
    assert {"bryankinns2024", "pati2021", "kawai2020", "jax", "flax", "optax", "music21", "oneill1903"} <= cited


def test_its_configurations_train_the_same_trials(nasty: Path) -> None:
    config = config_of(dataset=["irish_folk", NAME], attributes="note_density", latent_dim=[4, 16], seed=[0, 1])
    assert trials(load_config(nasty / "configs" / "made_up.yaml")) == trials(config)
    commands = re.findall(r"(?m)^vaemusic .*", whole(nasty))
    assert commands[0] == f"vaemusic data prepare {NAME} --source FOLDER"  # the other one comes with music21
    assert commands[1] == "vaemusic sweep configs/made_up.yaml --out runs/made_up"


def test_runs_of_one_name_have_configurations_of_their_own() -> None:
    runs = _Runs(config_of(**SMALL))
    runs.configs = (runs.configs[0], config_of(**SMALL | {"seed": 3, "out": "/elsewhere"}))  # type: ignore[assignment]
    files = config_files(runs)  # type: ignore[arg-type]
    assert [(name, trials(config)[0].seed, config.out) for name, config in files.items()] == [
        ("made_up.yaml", 0, None),
        ("made_up-2.yaml", 3, None),
    ]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"steps": 777}, "777 steps"),
        ({"batch_size": 31}, "of 31 measures"),
        ({"size": 23}, "23 units"),
        ({"latent_dim": [6, 11]}, "6 and 11 latent dimensions"),
        ({"learning_rate": 0.0123}, "learning rate of 0.0123"),
        ({"beta": 0.0456}, "has weight 0.0456"),
        ({"gamma": 0.77}, "regulariser has weight 0.77"),
        ({"delta": 6.5}, "steepness of the attribute regulariser is 6.5"),
        ({"adversary_weight": 0.31}, "adversary has weight 0.31"),
        ({"steering_weight": 0.35}, "follow the controls has weight 0.35"),
        ({"seed": [4, 5, 6]}, "seeds 4 to 6"),
        ({"eval_every": 19}, "validated every 19 steps"),
        ({"transpose": 5}, "up to 5 semitones"),
        ({"data_fraction": 0.25}, "training tunes is 0.25"),
        ({"attributes": "note_range+note_density"}, "note range and note density"),
        ({"recipe": "reference"}, "dropout between recurrent layers is 0.5"),
        ({"recipe": "reference"}, "term, averaged over latent dimensions"),
        ({"recipe": "reference"}, "logits are clipped at zero"),
        ({"steps": 85}, "rises over 17 steps"),
        ({"seed": [4, 5, 6]}, "6 trials of 2 configurations"),
    ],
)
def test_the_methods_follow_the_configuration(fields: dict[str, Any], words: str) -> None:
    assert words.lower() in said(**fields).lower()
    assert words.lower() not in said().lower()


def test_larger_codes_have_more_weights() -> None:
    text = said(latent_dim=[6, 11])
    found = re.findall(r"\(([\d,]+) to ([\d,]+) weights\)", text)
    assert len(found) == 2  # of both models
    assert all(int(low.replace(",", "")) < int(high.replace(",", "")) for low, high in found)


def test_numbers_in_the_appendix_are_those_of_the_attribute_that_the_row_is_about(nasty: Path) -> None:
    table = (nasty / "tables" / "definitions_codes.tex").read_text(encoding="ascii")
    results = pd.read_csv(nasty.parent / "run" / "results.csv")
    done = results[(results["model"] == "measure_vae") & (results["status"] == "done")]
    for (_, _), rows in done[done["latent_dim"] == 16].groupby(["dataset", "latent_dim"]):
        assert f"{rows['interpretability.note_density'].mean():.3f}" in table


def test_tables_that_are_two_are_named_as_two() -> None:
    document = Document("title")
    tables = [Table(name, "caption", (Column("a", "a"),), ((1,),)) for name in ("one", "two", "three")]
    for n, words in ((1, r"See Table~\ref{tab:one}."), (2, r"See Tables~\ref{tab:one} and \ref{tab:two}.")):
        document.parts(tables[:n])
        assert words in document.render()
    document.parts(tables)
    assert r"See Tables~\ref{tab:one} to \ref{tab:three}." in document.render()


def test_values_are_listed_and_rows_of_whole_numbers_are_ranges() -> None:
    assert [values_of(each) for each in ([4, 3], [3, 5, 4], [0.5, 4], [4, 16, 32], [2, 2])] == [
        "3 and 4",
        "3 to 5",
        "0.5 and 4",
        "4, 16 and 32",
        "2",
    ]


def test_the_time_that_training_took_is_in_hours() -> None:
    runs = _Runs(config_of(**SMALL))
    runs.paths = ()  # type: ignore[attr-defined]
    runs.curves = pd.DataFrame({"metric": ["seconds", "seconds", "accuracy"], "value": [3600.0, 5400.0, 9e9]})  # type: ignore[attr-defined]
    assert "Training took 2.5 hours in all" in " ".join(reproduction(runs, {"a.yaml": runs.configs[0]}))  # type: ignore[arg-type]


def test_values_that_belong_together_stand_together() -> None:
    runs = _Runs(config_of(**SMALL | {"steps": 70, "learning_rate": 0.01}))
    other = _Runs(config_of(**SMALL | {"steps": 90, "learning_rate": 0.02}))
    runs.trials |= other.trials
    paragraphs = [text for text in methods(runs) if "MeasureVAE" in text]  # type: ignore[arg-type]
    assert [re.findall(r"(\d+) steps of|rate of ([\d.]+)", text) for text in paragraphs] == [
        [("70", ""), ("", "0.01")],
        [("90", ""), ("", "0.02")],
    ]
    many = said(steps=[61, 62, 63], learning_rate=[0.01, 0.02])
    assert many.count("61 to 63 steps") == many.count("These values make 6 settings") == 2  # once for each model


def test_runs_that_learned_nothing_say_so_first_and_have_no_verdict(tmp_path: Path) -> None:
    metrics = {"reconstruction_accuracy": 0.7, "tick_baseline": 0.7 - LEARNED / 2}
    write_paper([write_run(tmp_path / "run", config_of(**SMALL), metrics=metrics)], tmp_path / "paper")
    text = (tmp_path / "paper" / "paper.tex").read_text(encoding="ascii")
    assert re.search(r"\\begin\{abstract\}\n\\noindent MeasureVAE has learned nothing here", text)
    assert "there is no verdict" in text
    assert not {"findings", "claims", "specification"} & {path.stem for path in (tmp_path / "paper/tables").iterdir()}
    assert not re.search("supported|contradicted|equivalent|holm1979", whole(tmp_path / "paper"))


@pytest.mark.skipif(not (shutil.which("pdflatex") and shutil.which("bibtex")), reason="there is no LaTeX here")
def test_it_builds_and_nothing_is_wider_than_a_page(nasty: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(nasty, tmp_path / "built")
    for command in BUILD.replace("pdflatex", "pdflatex -interaction=nonstopmode -halt-on-error").split(" && "):
        done = subprocess.run(command.split(), cwd=folder, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:].decode("utf-8", "replace")
    log = (folder / "paper.log").read_text(encoding="latin-1")
    assert not re.search("undefined|Overfull .vbox", log)
    assert [width for width in re.findall(r"Overfull \\hbox \((.*?)pt", log) if float(width) > 5] == []
    assert (folder / "paper.pdf").read_bytes().startswith(b"%PDF")


def test_a_figure_is_the_same_bytes_each_time_with_fonts_that_publishers_take() -> None:
    figures = [Figure(figsize=(2, 1)) for _ in range(2)]
    for figure in figures:
        figure.text(0.1, 0.5, "words")
    first, second = map(to_pdf, figures)
    assert first == second
    assert b"/TrueType" in first or b"/Type42" in first or b"/CIDFontType2" in first
    assert b"/Type3" not in first


def test_versions_are_those_of_the_newest_checkpoints_and_what_is_none_is_left_out(tmp_path: Path) -> None:
    contents = {
        "a/checkpoints/20": '{"versions": {"jax": "0.9"}}',
        "a/checkpoints/100": '{"versions": {"jax": "0.10.2", "bad": "\\\\input{x}", "worse": 3}}',
        "b/checkpoints/100": '{"versions": {"jax": "0.11.0"}}',
        "c/checkpoints/100": "[1, 2",
        "d/checkpoints/100": '{"versions": ["jax"]}',
    }
    for place, text in contents.items():
        folder = tmp_path / "cohorts" / place / "metadata"
        folder.mkdir(parents=True)
        (folder / "metadata").write_text(text)
    assert writer_versions(tmp_path) == {"jax": ("0.10.2", "0.11.0")}
    assert writer_versions(tmp_path / "elsewhere") == {}


def test_the_page_and_the_document_are_asked_for_apart(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", "run", "--out", "a", "--paper", "b"]) == 2
    assert "--paper: not allowed with argument --out" in capsys.readouterr().err


def test_the_citation_is_of_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{citation["version"]}"' in project
    assert f'license = "{citation["license"]}"' in project
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert citation["abstract"] in readme
