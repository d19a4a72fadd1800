"""Imports go down only, and each big library has its home."""

import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(os.environ.get("SWA_SOURCE", Path(__file__).parents[1]))
FLOORS = [
    "errors",
    "tables",
    "glossary",
    "settings",
    "recordings",
    "measures",
    "simulation",
    "sleep",
    "night",
    "study",
    "comparison",
    "report",
    "pipeline",
]
HOMES = {
    "yasa": ("sleep", "measures"),
    "mne": ("recordings", "comparison", "report/figures", "sleep/staging.py"),
    "matplotlib": ("report/figures",),
    "jinja2": ("report/pages",),
    "dask": ("study/run/batch.py",),
    "distributed": ("study/run/batch.py",),
    "edfio": ("recordings", "simulation"),
    "typer": (),
    "rich": (),
}

pytestmark = pytest.mark.skipif(not (SOURCE / "swa").is_dir(), reason="needs the source tree")


def _imports(path: Path) -> Iterator[str]:
    """Modules that a file imports when it runs; imports for type checkers alone do not count."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _files() -> list[Path]:
    return sorted((SOURCE / "swa").rglob("*.py"))


def _floor(parts: tuple[str, ...]) -> int:
    return FLOORS.index(parts[0].removesuffix(".py"))


@pytest.mark.parametrize("path", _files(), ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_imports_go_down_only(path: Path) -> None:
    parts = path.relative_to(SOURCE / "swa").parts
    if parts == ("__init__.py",):
        return
    for module in _imports(path):
        names = tuple(module.split("."))
        if names[0] == "swa_cli":
            pytest.fail(f"{path} imports the command line")
        if names[0] == "swa" and len(names) > 1 and names[1] in FLOORS:
            assert _floor(names[1:2]) <= _floor(parts), f"{path} imports {module} from a floor above"


def test_files_of_measures_do_not_know_each_other() -> None:
    for path in (SOURCE / "swa" / "measures").glob("*.py"):
        own = f"swa.measures.{path.stem}"
        others = [
            module for module in _imports(path) if module.startswith("swa.measures") and not module.startswith(own)
        ]
        assert not others, f"{path} imports {others}"


@pytest.mark.parametrize("path", _files(), ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_big_libraries_stay_at_home(path: Path) -> None:
    place = path.relative_to(SOURCE / "swa").as_posix()
    for module in _imports(path):
        library = module.split(".")[0]
        if library in HOMES:
            assert place.startswith(HOMES[library]), f"{place} imports {library}"


def test_command_line_imports_are_relative() -> None:
    for path in (SOURCE / "cli").glob("*.py"):
        assert not [module for module in _imports(path) if module.split(".")[0] in ("cli", "swa_cli")], path


def test_no_file_prints_outside_the_command_line() -> None:
    for path in _files():
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        assert not [call for call in calls if ast.unparse(call.func) == "print"], path
