"""CONTRIBUTING names the places of a change, and a place that is forgotten is named here."""

import os
import re
from pathlib import Path

import pytest

from swa.glossary import read_glossary

ROOT = Path(__file__).parents[1]
SOURCE = Path(os.environ.get("SWA_SOURCE", ROOT))
GUIDE = ROOT / "CONTRIBUTING.md"
MEASURES = sorted(path for path in (SOURCE / "swa" / "measures").glob("*.py") if path.stem != "__init__")

pytestmark = pytest.mark.skipif(not (GUIDE.is_file() and MEASURES), reason="needs the source tree")


def _places() -> list[str]:
    named = re.findall(r"`((?:swa|cli|tests|docs|benchmarks|examples)/[^`\s]*)`", GUIDE.read_text(encoding="utf-8"))
    return sorted({place for place in named if "<" not in place and place != "swa/measures/entropy.py"})


def test_the_guide_names_places() -> None:
    assert {"swa/tables/results_tables.py", "swa/glossary.toml", "tests/test_floors.py"} <= set(_places())


@pytest.mark.parametrize("place", _places())
def test_a_place_that_the_guide_names_is_there(place: str) -> None:
    assert (ROOT / place).exists() or (SOURCE / place).exists()


def test_every_room_is_in_the_guide() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    rooms = [path for path in (SOURCE / "swa").iterdir() if (path / "__init__.py").is_file()]
    assert len(rooms) > 8
    assert not [path.name for path in rooms if f"| `swa/{path.name}/` |" not in text]


def _imported(path: Path, module: str) -> bool:
    package, _, name = module.rpartition(".")
    text = path.read_text(encoding="utf-8")
    return bool(re.search(rf"from {re.escape(module)} import|from {re.escape(package)} import .*\b{name}\b", text))


@pytest.mark.parametrize("path", MEASURES, ids=lambda path: path.stem)
def test_a_family_of_measures_has_a_test_and_is_called(path: Path) -> None:
    module = f"swa.measures.{path.stem}"
    tests = [test for test in (ROOT / "tests").glob("test_*.py") if _imported(test, module)]
    assert tests, f"tests/test_{path.stem}.py is missing: no test imports {module}"
    callers = [file for room in ("night", "study") for file in (SOURCE / "swa" / room).rglob("*.py")]
    assert any(_imported(file, module) for file in callers), f"{module} is not called in swa/night/rows.py"


@pytest.mark.parametrize("measure", read_glossary())
def test_a_measure_is_in_the_changelog(measure: str) -> None:
    news = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"`{measure}`", news), f"{measure} has no line in CHANGELOG.md"
