"""Mean spectra over subjects: geometric, within subjects, of the nights and channels that the contrasts rest on."""

import numpy as np
import pandas as pd
import pytest

from swa.comparison.further.group_spectra import average_spectra
from swa.report import figures
from swa.settings import Settings
from swa.study.store import NIGHT_TABLES, NightFolder
from swa.tables.contrast import Contrast
from swa.tables.files import write_table
from swa.tables.results_tables import GROUP_SPECTRA

PAIR = Contrast(treatment="ketamine", comparator="baseline")
HERTZ = np.arange(0.2, 40, 0.2)
FRONTAL = {"F3-M2": 2.0, "F4-M1": 0.5}


def write_study(path, levels, *, channels=FRONTAL, dropped=(), **columns):
    """Nights whose spectra are level / f at two frontal channels; `levels` by (subject, condition), one a night."""
    nights, rows = [], []
    for (subject, condition), several in levels.items():
        for number, level in enumerate(several):
            session = f"{condition}{number}"
            nights.append((subject, session, condition, subject, session, "done"))
            parts = [
                pd.DataFrame({"channel": name, "frequency_hz": HERTZ, "density_uv2_hz": factor * level / HERTZ})
                for name, factor in (channels | {"C4-M1": 99.0}).items()
            ]
            file = NightFolder(path, subject, session).file(NIGHT_TABLES["spectra"])
            file.parent.mkdir(parents=True)
            pd.concat(parts).assign(stages="NREM", window="cycle-1").to_parquet(file)
            kept = [name for name in (*channels, "C4-M1", "frontal") if (subject, name) not in dropped]
            rows += [(subject, session, condition, name) for name in kept]
    head = ["subject", "session", "condition", "subject_label", "session_label", "status"]
    write_table(pd.DataFrame(nights, columns=head).assign(**columns), path / "nights.tsv")
    table = pd.DataFrame(rows, columns=["subject", "session", "condition", "channel"])
    table = table.assign(
        stages="NREM", window="cycle-1", measure="swa", variant="", value=1.0, unit="µV²", n=1, note=""
    )
    table.to_parquet(path / "measures.parquet")
    return path


def test_changes_are_within_subjects_and_means_geometric(tmp_path):
    levels = {(name, "baseline"): [level] for name, level in zip("ABCD", (1.0, 10.0, 100.0, 1000.0), strict=True)}
    levels |= {(name, "ketamine"): [2 * levels[name, "baseline"][0]] for name in "ABC"}
    other = Contrast(treatment="other", comparator="baseline")
    table = average_spectra(write_study(tmp_path, levels), [PAIR, other])
    assert list(table) == GROUP_SPECTRA.names
    assert table[["channel", "stages", "window"]].drop_duplicates().to_numpy().tolist() == [
        ["frontal", "NREM", "cycle-1"]
    ]
    changes = table[table["kind"].isin(["change", "band"])]
    assert set(changes["contrast"]) == {"ketamine:baseline"}
    assert (changes["n"] == 3).all(), "D has no ketamine night"
    assert np.allclose(changes["change_db"], 10 * np.log10(2))
    assert changes[["low_db", "high_db"]].isna().all(axis=None), "changes that do not vary have no interval"
    at_one = table[np.isclose(table["frequency_hz"], 1) & (table["kind"] == "spectrum")].set_index("condition")
    assert at_one.loc["baseline", "density_uv2_hz"] == pytest.approx(10**1.5)  # geometric, over channels and subjects
    assert at_one["n"].to_dict() == {"baseline": 4, "ketamine": 3}


def test_the_interval_is_that_of_t(tmp_path):
    changes = np.array([0.1, 0.3, 0.2, 0.5])
    levels = {(name, "baseline"): [3.0] for name in "ABCD"}
    levels |= {(name, "ketamine"): [3 * np.exp(change)] for name, change in zip("ABCD", changes, strict=True)}
    settings = Settings(comparison={"confidence": 0.9})
    table = average_spectra(write_study(tmp_path, levels), [PAIR], settings)
    row = table[table["kind"] == "band"].iloc[0]
    half = 2.3534 * changes.std(ddof=1) / 2  # t of 3 degrees of freedom at 95 %, one-sided
    expected = 10 / np.log(10) * np.array([changes.mean(), changes.mean() - half, changes.mean() + half])
    assert row[["change_db", "low_db", "high_db"]].to_list() == pytest.approx(expected, rel=1e-4)


def test_two_subjects_have_a_mean_change_and_no_interval(tmp_path):
    levels = {(name, "baseline"): [1.0, 4.0] for name in "AB"} | {(name, "ketamine"): [4.0] for name in "AB"}
    table = average_spectra(write_study(tmp_path, levels), [PAIR])
    changes = table[table["kind"] == "change"]
    assert np.allclose(changes["change_db"], 10 * np.log10(2)), "two baseline nights are one value"
    assert changes[["low_db", "high_db"]].isna().all(axis=None)
    figure = figures.group_spectra(table[table["kind"] == "spectrum"], changes)
    assert [len(axes.lines) for axes in figure.axes] == [2, 2]


def test_nights_and_channels_that_no_contrast_rests_on_are_in_no_spectrum(tmp_path):
    levels = {(name, "baseline"): [1.0, 50.0] for name in "AB"} | {(name, "ketamine"): [2.0] for name in "AB"}
    path = write_study(
        tmp_path, levels, channels={"F3-M2": 1.0, "F4-M1": 900.0}, dropped=[(name, "F4-M1") for name in "AB"],
        adaptation=["", "yes", "", "yes", "", ""],
    )  # fmt: skip
    at_one = average_spectra(path, [PAIR]).query("kind == 'spectrum' and 0.99 < frequency_hz < 1.01")
    assert at_one.set_index("condition")["density_uv2_hz"].to_dict() == pytest.approx({"baseline": 1, "ketamine": 2})


def test_spectra_of_nothing_say_so(tmp_path):
    table = average_spectra(write_study(tmp_path, {("A", "baseline"): [1.0]}), [PAIR])
    assert set(table["kind"]) == {"spectrum"}
    NightFolder(tmp_path, "A", "baseline0").file(NIGHT_TABLES["spectra"]).unlink()
    nothing = average_spectra(tmp_path, [PAIR])
    assert (list(nothing), len(nothing)) == (GROUP_SPECTRA.names, 0)
    assert figures.group_spectra(nothing, nothing).axes[0].texts
