"""The glossary has every measure that the code can emit, and no other; docs/measures.md is made from it."""

import dataclasses
import importlib.util
import re
from pathlib import Path

import pandas as pd
import pytest

from swa.glossary import GROUPS, name_of, read_glossary
from swa.night.analysis import analyze_night
from swa.settings import Settings, check_settings
from swa.study.run.night_files import write_night
from swa.study.store import NightFolder, subject_file
from swa.study.subject import NightOfSubject, SubjectTask, combine_subject

DOCS = Path(__file__).parent.parent / "docs"

needs_docs = pytest.mark.skipif(not (DOCS / "make_measures.py").is_file(), reason="needs the source tree")


@pytest.fixture(scope="module")
def all_groups(night_recording, long_hypnogram):
    """A night with the optional groups of measures."""
    settings = check_settings(
        {
            "coupling": {"measured": True},
            "aperiodic": {"high_exponent": True},
            "travelling": {"measured": True, "fewest_channels": 3},
        }
    )
    return analyze_night(night_recording, long_hypnogram, settings)


@pytest.fixture(scope="module")
def rows(all_groups, tmp_path_factory):
    """The long table of a subject of two nights, with all that the subject step adds."""
    folder = tmp_path_factory.mktemp("glossary")
    for session in ("a", "b"):
        write_night(NightFolder(folder, "S01", session), dataclasses.replace(all_groups, session=session), "f", {})
    nights = tuple(NightOfSubject(n, n, name, adaptation=False) for n, name in (("a", "baseline"), ("b", "ketamine")))
    combine_subject(
        SubjectTask(subject="S01", label="S01", nights=nights, baseline="baseline", results=folder, settings=Settings())
    )
    return pd.read_parquet(subject_file(folder, "S01"))


def test_every_measure_has_an_entry_and_no_entry_is_stale(rows):
    assert set(rows["measure"]) == set(read_glossary())


def test_units_are_those_of_the_table(rows):
    units = rows.groupby("measure")["unit"].agg(set).to_dict()
    assert units == {measure: {entry.unit} for measure, entry in read_glossary().items()}


def test_entries_are_whole():
    for measure, entry in read_glossary().items():
        assert entry.group in GROUPS, measure
        filled = [field.name for field in dataclasses.fields(entry) if getattr(entry, field.name)]
        assert set(filled) >= {"name", "symbol", "unit", "definition", "formula", "source", "raises", "lowers"}, measure
        assert entry.definition.endswith("."), measure


PLAIN = ("measure", "name", "symbol", "group", "unit", "source", "scale", "short")  # shown without a run's settings
FACTS = {"halfwave_rate": "0.5–4 Hz", "spindle_density": "1–30 Hz"}  # measured in that band, and YASA's own


def _texts(entry) -> dict[str, str]:
    return {name: text for name, text in vars(entry).items() if isinstance(text, str)}


@pytest.mark.parametrize("measure", read_glossary())
def test_settings_of_an_entry_are_filled_in(measure):
    entry = read_glossary()[measure]
    assert not [name for name, text in _texts(entry.filled(Settings())).items() if "{" in text]
    assert not [name for name in PLAIN if "{" in _texts(entry)[name]]


@pytest.mark.parametrize("measure", read_glossary())
def test_no_band_that_a_setting_changes_stands_bare_in_an_entry(measure):
    groups = dict(Settings())
    bands = {
        (group, key): value
        for group, values in groups.items()
        for key, value in dict(values).items()
        if key.endswith("_hz") and isinstance(value, tuple)
    }
    assert len(bands) > 15
    told = {name: text for name, text in _texts(read_glossary()[measure]).items() if name != "source"}
    told["note"] = told["note"].replace(FACTS.get(measure, "\n"), "")
    for setting, (low, high) in bands.items():
        bare = re.compile(rf"(?<![\d.]){low:g}(–| to ){high:g} Hz")
        assert not [name for name, text in told.items() if bare.search(text)], setting


def test_entries_tell_the_settings_in_force():
    own = Settings(power={"swa_hz": (0.75, 4.5)}, homeostasis={"cycles_minimum": 6, "tau_h": (1.0, 9.0)})
    told = {measure: entry.filled(own) for measure, entry in read_glossary().items()}
    assert told["swa"].definition.startswith("Power of the EEG from 0.75 to 4.5 Hz")
    assert told["process_s_initial"].note.startswith("6 cycle means")
    assert "Outside 1–9 h" in told["process_s_tau"].note
    assert told["swa"] != read_glossary()["swa"].filled(Settings())


def test_names_are_unique_and_unknown_measures_keep_theirs():
    names = [entry.name for entry in read_glossary().values()]
    assert len(set(names)) == len(names)
    assert name_of("swa") == "Slow-wave activity"
    assert name_of("a_new_measure") == "A new measure"


@needs_docs
def test_the_page_of_measures_is_up_to_date():
    spec = importlib.util.spec_from_file_location("make_measures", DOCS / "make_measures.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = (DOCS / "measures.md").read_text(encoding="utf-8")
    assert text == module.markdown(), "run `python docs/make_measures.py`"
    assert (DOCS / "tables.md").read_text(encoding="utf-8") == module.tables(), "run `python docs/make_measures.py`"
    for picture in re.findall(r"\]\((.*?)\)", text):
        assert (DOCS / picture).is_file(), picture
