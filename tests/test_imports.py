"""Imports run down one ordered list of packages, and the package is cheap to import.

The list stands in the README too. `runs.checkpoint` alone imports Orbax; training and metrics never import music21.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "vaemusic_jax"

# No package imports one to its right; modules of one package import each other in no circle.
ORDER = (
    "errors",
    "support",
    "music",
    "config",
    "data",
    "metrics",
    "models",
    "runs",
    "training",
    "evaluation",
    "play",
    "report",
    "commands",
    "cli",
    "__main__",
)
REFUSED_COMMAND = "import vaemusic_jax.cli; assert vaemusic_jax.cli.run(['sweep', 'absent.yaml']) == 2"
HEAVY = {"jax", "flax", "optax", "orbax", "music21", "matplotlib", "pandas", "sklearn", "scipy"}


def modules() -> dict[str, Path]:
    """Every module of the package by its name below the package; the package itself is ''."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(path: Path, at_import: bool = False, for_types: bool = False) -> set[str]:
    """Full names that a module imports anywhere, or at its import alone, or for type checkers alone."""
    names: set[str] = set()

    def visit(node: ast.AST) -> None:
        match node:
            case ast.Import():
                names.update(alias.name for alias in node.names)
            case ast.ImportFrom(level=0, module=str(module)):
                names.update({module, *(f"{module}.{alias.name}" for alias in node.names)})
            case ast.ImportFrom():
                pytest.fail(f"{path}: relative import in line {node.lineno}; write it out")
            case ast.If(test=ast.Name("TYPE_CHECKING")):
                for statement in node.body if for_types else node.orelse:
                    visit(statement)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda() if at_import:
                pass
            case _:
                for child in ast.iter_child_nodes(node):
                    visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return names


def own(names: set[str]) -> set[str]:
    """Modules of ours among imported names."""
    return {n.removeprefix("vaemusic_jax.") for n in names if n.removeprefix("vaemusic_jax.") in MODULES and "." in n}


MODULES = modules()


def place(module: str) -> int:
    """Of the module's package in ORDER."""
    return ORDER.index(module.partition(".")[0])


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_run_one_way(module: str) -> None:
    if not module:  # the package itself is above everything, but imports it only on demand
        return
    names = own(imported(MODULES[module]) | imported(MODULES[module], for_types=True))
    upwards = {name for name in names if place(name) > place(module)}
    assert upwards == set()


@pytest.mark.parametrize("module", sorted(name for name in MODULES if name.startswith("report")))
def test_a_report_needs_neither_training_nor_evaluation(module: str) -> None:
    packages = {name.partition(".")[0] for name in own(imported(MODULES[module]))}
    assert packages & {"models", "training", "evaluation", "play"} == set()


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md"])
def test_the_pages_give_the_same_order(page: str) -> None:
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    (line,) = [line.strip() for line in lines if line.strip().startswith("errors, support")]
    assert line.replace("->", ",").replace(" ", "").split(",") == list(ORDER[:-1])


def test_no_module_imports_itself_by_a_detour() -> None:
    graph = {name: own(imported(path)) - {name} for name, path in MODULES.items()}
    # A package's own file stands for its name, which `from package import module` also mentions.
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, f"circle: {' -> '.join((*path, module))}"
        if module not in done:
            for name in graph[module]:
                visit(name, (*path, module))
            done.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize("module", sorted(MODULES))
def test_libraries_are_used_where_they_belong(module: str) -> None:
    libraries = {name.partition(".")[0] for name in imported(MODULES[module])}
    if module != "runs.checkpoint":
        assert "orbax" not in libraries
    if not module.startswith(("data", "commands.data")):
        assert "music21" not in libraries
    assert "matplotlib" not in {name.partition(".")[0] for name in imported(MODULES[module], at_import=True)}


def test_the_order_names_what_there_is() -> None:
    assert set(ORDER) == {name.partition(".")[0] for name in MODULES if name}


def loaded_by(statement: str) -> set[str]:
    """Top-level modules in a fresh interpreter after a statement."""
    program = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("import vaemusic_jax", set()),
        ("import vaemusic_jax; vaemusic_jax.read_measures; vaemusic_jax.save_measures", set()),
        ("import vaemusic_jax.config.sweep, vaemusic_jax.runs.directory", set()),
        (REFUSED_COMMAND, set()),
        ("import vaemusic_jax.data.dataset", set()),
        ("import vaemusic_jax.metrics.registry, vaemusic_jax.metrics.inputs", set()),
        ("import vaemusic_jax.training.step, vaemusic_jax.training.cohort", {"jax", "flax", "optax", "scipy"}),
        ("import vaemusic_jax.report.write", {"pandas", "scipy"}),
        ("import vaemusic_jax.metrics.reconstruction, vaemusic_jax.metrics.interpretability", {"jax", "scipy"}),
    ],
)
def test_importing_brings_in_only_what_is_needed(statement: str, allowed: set[str]) -> None:
    assert loaded_by(statement) & HEAVY - allowed == set()


IMPORTING = """
import contextlib, importlib, logging, os, signal, sys, warnings

def state():
    import jax

    found = {f"signal {number}": signal.getsignal(number) for number in signal.valid_signals()}
    found |= {f"environment variable {name}": value for name, value in os.environ.items()}
    found |= {f"jax.config.{name}": value for name, value in jax.config.values.items()}
    for logger in [logging.root, *map(logging.getLogger, list(logging.root.manager.loggerDict))]:
        found |= {f"level of logger {logger.name}": logger.level or None}
        found |= {f"filters of logger {logger.name}": list(logger.filters) or None}
        if not logger.name.startswith("vaemusic_jax"):
            found |= {f"handlers of logger {logger.name}": list(logger.handlers) or None}
    found |= {"warning filters": list(warnings.filters)}
    return found | {f"sys.{name}": getattr(sys, name) for name in ("excepthook", "unraisablehook", "displayhook")}

ours, others = (names.split() for names in sys.argv[1:])
for name in others:
    with contextlib.suppress(ImportError):  # a function or class of a module
        importlib.import_module(name)
before = state()
for name in ours:
    importlib.import_module(name)
after = state()
print(*(name for name in before | after if before.get(name) != after.get(name)), sep="\\n")
"""


def test_importing_every_module_changes_nothing_outside_the_package() -> None:
    """What other packages do when they are imported is theirs: they are imported first."""
    everything = set().union(*(imported(path, at_import=True) for path in MODULES.values()))
    ours = [f"vaemusic_jax.{name}" for name in sorted(MODULES) if name not in ("", "__main__")]
    others = sorted(name for name in everything if name.partition(".")[0] != "vaemusic_jax")
    command = [sys.executable, "-c", IMPORTING, " ".join(ours), " ".join(others)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
