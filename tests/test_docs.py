"""What the documentation says is true: examples of docstrings, README and docs are run, links and names are checked."""

import contextlib
import doctest
import inspect
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import swa
from swa.recordings.simulate import simulate_study

ROOT = Path(__file__).parents[1]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the examples mean it: one night with its scoring, a small study, and its results."""
    folder = tmp_path_factory.mktemp("lab")
    study = simulate_study(
        folder / "recordings",
        subjects=2,
        hours=1.5,
        rate_hz=100.0,
        channels=("F3-M2", "C4-M1", "E1-M2", "Chin"),
        effect={"ketamine": 1.5},
        icc=0.95,
        seed=3,
    )
    table = pd.read_csv(study, sep="\t", dtype=str)
    table["hypnogram"] = [f"truth/{name.removesuffix('.edf')}_stages.tsv" for name in table["recording"]]
    table.to_csv(study, sep="\t", index=False)
    recordings = study.parent
    shutil.copy(recordings / "S01_baseline.edf", folder / "night.edf")
    stages = pd.read_csv(recordings / "truth" / "S01_baseline_stages.tsv", sep="\t")
    stages["stage"].to_csv(folder / "night.csv", index=False, header=False)
    return folder


@pytest.fixture(scope="module")
def studied(lab: Path) -> Path:
    """The same folder after its recordings were analysed, by the example of `run_study`."""
    with contextlib.chdir(lab):
        _run_examples("run_study", swa.run_study.__doc__ or "")
    return lab


def _documented() -> Iterator[tuple[str, object]]:
    for name in swa.__all__:
        item = getattr(swa, name)
        if inspect.ismodule(item):
            yield from ((f"{name}.{part}", getattr(item, part)) for part in item.__all__)
        else:
            yield name, item
    yield "WaveCriteria.preset", swa.WaveCriteria.preset
    yield "Recording.from_raw", swa.Recording.from_raw


DOCUMENTED = dict(_documented())
FUNCTIONS = {name: item for name, item in DOCUMENTED.items() if not inspect.isclass(item)}
NEEDS_RESULTS = {name for name, item in FUNCTIONS.items() if '"results"' in (item.__doc__ or "")}
# YASA's staging imports for seconds, and nights cost a second each.
SLOW = NEEDS_RESULTS | {name for name in FUNCTIONS if "figures." in name} | {"stage_recording", "compare_nights"}


def test_public_names_are_those_that_are_promised() -> None:
    assert sorted(swa.__all__) == sorted(
        [
            *("read_recording", "Recording", "stage_recording", "read_hypnogram", "detect_slow_waves", "WaveCriteria"),
            *("analyze_night", "Night", "measures_from_waves", "compare_nights", "read_results", "Results", "figures"),
            *("Settings", "read_settings", "SwaError", "run_study", "compare_study", "simulate_study"),
        ]
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_public_function_says_what_it_takes_and_gives_with_an_example(name: str) -> None:
    text = inspect.getdoc(FUNCTIONS[name]) or ""
    headings = re.findall(r"^([A-Z]\w+(?: \w+)?)\n-+$", text, flags=re.MULTILINE)
    assert {"Parameters", "Returns", "Examples"} <= set(headings), headings
    order = ["Parameters", "Returns", "Raises", "See Also", "Notes", "Examples"]
    assert headings == [heading for heading in order if heading in headings]
    parameters = text.split("Parameters\n----------\n")[1].split("\n\n")[0]
    own = [parameter for parameter in inspect.signature(FUNCTIONS[name]).parameters if parameter != "self"]
    told = {
        word.strip()
        for line in re.findall(r"^(\w[\w, ]*)(?: :|$)", parameters, re.MULTILINE)
        for word in line.split(",")
    }
    assert set(own) == told


def _run_examples(name: str, text: str) -> None:
    test = doctest.DocTestParser().get_doctest(inspect.cleandoc(text), {}, name, name, 0)
    report: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS, verbose=False).run(test, out=report.append)
    assert test.examples
    assert not report, "".join(report)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in SLOW else ())
        for name, item in DOCUMENTED.items()
        if ">>>" in (item.__doc__ or "")
    ],
)
def test_examples_of_docstrings_give_what_they_say(
    name: str, lab: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name in NEEDS_RESULTS:
        request.getfixturevalue("studied")
    monkeypatch.chdir(lab)
    if name != "run_study":  # made the results
        _run_examples(name, DOCUMENTED[name].__doc__ or "")
