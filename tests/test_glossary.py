"""The glossary has every measure that the code can emit, and no other; docs/measures.md is made from it."""

import dataclasses
import importlib.util
import re
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest

from swa.comparison.within_subject import stated_within_sd
from swa.glossary import measures_that, name_of, read_glossary, read_groups
from swa.night.analysis import analyze_night
from swa.settings import ComparisonSettings, Settings, check_settings
from swa.simulation.simulated_study import NightPlan, simulate_night
from swa.sleep.scoring import make_hypnogram
from swa.study.run.night_files import write_night
from swa.study.store import NightFolder, subject_file
from swa.study.subject import NightOfSubject, SubjectTask, combine_subject

DOCS = Path(__file__).parent.parent / "docs"

needs_docs = pytest.mark.skipif(not (DOCS / "make_measures.py").is_file(), reason="needs the source tree")


ALL_GROUPS = {
    "coupling": {"measured": True},
    "aperiodic": {"high_exponent": True},
    "travelling": {"measured": True, "fewest_channels": 3},
    "eye_movements": {"measured": True},
}


@pytest.fixture(scope="module")
def all_groups(night_recording, long_hypnogram):
    """A night with the optional groups of measures: those whose settings have the key `measured`."""
    own = {"aperiodic": {"high_exponent": True}, "travelling": {"fewest_channels": 3}}
    for group, values in dict(Settings()).items():
        if hasattr(values, "measured"):
            own[group] = own.get(group, {}) | {"measured": True}
    return analyze_night(night_recording, long_hypnogram, check_settings(own))


@pytest.fixture(scope="module")
def rows(all_groups, tmp_path_factory):
    """The long table of a subject of two nights, with all that the subject step adds."""
    folder = tmp_path_factory.mktemp("glossary")
    for session in ("a", "b"):
        write_night(NightFolder(folder, "S01", session), dataclasses.replace(all_groups, session=session), "f", {})
    return subject_rows(folder, "S01")


def subject_rows(folder, subject):
    """Rows of a subject whose stored sessions a and b are its baseline and its ketamine night."""
    nights = tuple(NightOfSubject(n, n, name, adaptation=False) for n, name in (("a", "baseline"), ("b", "ketamine")))
    given = {"baseline": "baseline", "results": folder, "settings": Settings()}
    combine_subject(SubjectTask(subject=subject, label=subject, nights=nights, **given))
    return pd.read_parquet(subject_file(folder, subject))


def test_every_measure_has_an_entry_and_no_entry_is_stale(rows):
    emitted, known = set(rows["measure"]), set(read_glossary())
    assert not emitted - known, "without an entry in swa/glossary.toml"
    assert not known - emitted, "in swa/glossary.toml, but no night has them: are they called in swa/night/rows.py?"


def test_units_are_those_of_the_table(rows):
    units = rows.groupby("measure")["unit"].agg(set).to_dict()
    assert units == {measure: {entry.unit} for measure, entry in read_glossary().items()}


def test_a_measure_of_a_night_says_how_it_hangs_on_its_length(rows):
    of_nrem = rows[(rows["window"] == "night") & rows["stages"].isin(["NREM", "N2", "N3"])]
    known = {measure: read_glossary()[measure] for measure in of_nrem["measure"].unique()}
    assert len(known) > 40
    silent = [measure for measure, entry in known.items() if entry.compared and not entry.over_night]
    assert not silent, "over_night is missing in swa/glossary.toml: a longer night would pass for an effect"
    assert {entry.over_night for entry in read_glossary().values()} == {"", "cut", "whole", "free", "bed"}


def test_entries_are_whole():
    for measure, entry in read_glossary().items():
        assert entry.group in read_groups(), measure
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


GAIN = 1.2
UNMOVED = 1e-4  # of the value; the largest change of a measure that is free is 2e-6, the smallest of another 3e-2


@pytest.fixture(scope="module")
def louder(tmp_path_factory):
    """A simulated night and the same × `GAIN`, as one subject's two nights and as two subjects of one kind each."""
    channels = ("F3-M2", "F4-M1", "C3-M2", "E1-M2", "E2-M1")
    made = simulate_night(NightPlan(hours=6, rate_hz=128, channels=channels, seed=3))
    nights = {}
    for gain in (1.0, GAIN):
        signals = np.array([made.signals_uv[name] for name in channels]) * 1e-6 * gain
        raw = mne.io.RawArray(signals, mne.create_info(list(channels), 128, ["eeg"] * 3 + ["eog"] * 2), verbose="error")
        nights[gain] = analyze_night(raw, make_hypnogram(made.stages, 30.0), check_settings(ALL_GROUPS))
    folder = tmp_path_factory.mktemp("louder")
    rows = {}
    for subject, gains in {"both": (1.0, GAIN), "plain": (1.0, 1.0), "loud": (GAIN, GAIN)}.items():
        for session, gain in zip("ab", gains, strict=True):
            stored = dataclasses.replace(nights[gain], session=session)
            write_night(NightFolder(folder, subject, session), stored, "f", {})
        rows[subject] = subject_rows(folder, subject)
    sessions = {session: rows["both"][rows["both"]["session"] == session] for session in "ab"}
    keys = ["channel", "stages", "window", "measure", "variant"]
    pairs = (
        sessions["a"].merge(sessions["b"], on=keys, suffixes=("", "_louder")),
        rows["plain"].merge(rows["loud"], on=[*keys, "session"], suffixes=("", "_louder")),
    )
    return pd.concat(pairs, ignore_index=True)


@pytest.mark.slow
def test_a_measure_is_free_of_gain_where_a_gain_does_not_move_it(louder):
    moved = (louder["value_louder"] / louder["value"] - 1).abs()
    largest = moved.groupby(louder["measure"].astype(str)).max()
    unmoved = {name for name, change in largest.items() if change < UNMOVED}
    compared = measures_that("compared")
    assert set(largest.index) >= compared
    untold = {"process_s_tau_condition"}  # needs more cycles: tests/test_process_s.py
    assert unmoved & compared == measures_that("gain_free") - {"coupling_phase"} - untold
    assert largest[list(compared - unmoved - untold)].min() > 100 * UNMOVED


@pytest.mark.slow
def test_a_gain_moves_the_phase_of_coupling_in_no_direction(louder):
    rows = louder[
        (louder["measure"] == "coupling_phase") & (louder["stages"] == "NREM") & (louder["window"] == "night")
    ]
    assert abs((rows["value_louder"] - rows["value"]).mean()) < 5


@needs_docs
def test_the_page_of_measures_is_up_to_date():
    spec = importlib.util.spec_from_file_location("make_measures", DOCS / "make_measures.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = (DOCS / "measures.md").read_text(encoding="utf-8")
    assert text == module.markdown(), "run `python docs/make_measures.py`"
    assert (DOCS / "tables.md").read_text(encoding="utf-8") == module.tables(), "run `python docs/make_measures.py`"
    assert (DOCS / "choices.md").read_text(encoding="utf-8") == module.choices(), "run `python docs/make_measures.py`"
    for picture in re.findall(r"\]\((.*?)\)", text):
        assert (DOCS / picture).is_file(), picture


@needs_docs
def test_parts_of_the_night_vary_as_the_benchmark_prints():
    text = (DOCS / "validation.md").read_text(encoding="utf-8")
    printed = text.split("benchmarks/window_reliability.py")[1].split("```")[1]
    _, *parts = re.split(r"^(\w+), SD of the night ([\d.]+)$", printed, flags=re.MULTILINE)
    found = {}
    for measure, sd, lines in zip(*(parts[start::3] for start in range(3)), strict=True):
        assert f"{stated_within_sd('', ComparisonSettings(), measure):.3f}" == sd, measure
        rows = re.findall(r"^(\S+) +[\d.]+ +([\d.]+) ", lines, flags=re.MULTILINE)
        found[measure] = {window: float(multiple) for window, multiple in rows if window != "night"}
    stated = {entry.measure: entry.windows for entry in read_glossary().values() if entry.windows}
    assert stated == {name: pytest.approx(windows, abs=0.0051) for name, windows in found.items()}
