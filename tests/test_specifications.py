"""The specification curve against studies whose truth is known, and what is computed again from stored nights."""

import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from swa.comparison.contrasts import compare_nights
from swa.comparison.designs import known_designs
from swa.comparison.further.specification_curve import (
    curve_test,
    trace_specifications,
)
from swa.night.analysis import analyze_night
from swa.report import figures
from swa.report.specification_pages import draw_specifications, specification_tables
from swa.settings import ComparisonSettings, Settings, WaveCriteria
from swa.study.respecification import (
    other_selections,
    presets_left_out,
    respecify_subject,
)
from swa.study.run.night_files import write_night
from swa.study.store import NightFolder, subject_file
from swa.study.subject import NightOfSubject, SubjectTask, combine_subject
from swa.tables.files import write_table
from swa.tables.marker import DEFAULT_MARKER
from swa.tables.results_tables import CONTRASTS, MEASURES, SPECIFICATION_SUMMARY, SPECIFICATIONS
from swa.tables.variant import Choices

SETTINGS = Settings(comparison=ComparisonSettings(primary="swa NREM cycle-1 frontal"))
# Powers of 1.2 by which a uniform gain of 1.2 changes each measure.
GAIN = {"swa": 2, "delta_power": 2, "swa_relative": 0, "wave_amplitude_p90": 1, "wave_slope_up_matched": 0}


def study(subjects, effect, *, noise=0.0, seed=0):
    """Long table and recomputed rows of a before/after study with a true uniform gain of `effect`."""
    rng = np.random.default_rng(seed)
    rows, again = [], []
    for subject in range(subjects):
        level = rng.lognormal(0, 0.4)
        own = rng.normal(0, noise, 2)  # of the night: shared by all its measures
        for condition, gain, night in (("baseline", 1.0, own[0]), ("ketamine", effect, own[1])):
            key = (f"S{subject:02d}", condition, condition)
            for stages, window, channel in itertools.product(
                ("NREM", "N2"), ("night", "cycle-1", "matched"), ("frontal", "central", "F3-M2", "F4-M1")
            ):

                def value(power, night=night, level=level, gain=gain):
                    return 100 * level * gain**power * np.exp(power / 2 * night + rng.normal(0, noise / 4))

                place = (channel, stages, window)
                rows += [(*key, *place, name, "", value(power), "µV²", 9, "") for name, power in GAIN.items()]
                variant = Choices("swa", "0.75-4.5 Hz", "median").encode()
                again.append((*key, *place, "swa", variant, value(2), "µV²", 9, ""))
    return pd.DataFrame(rows, columns=MEASURES.names), pd.DataFrame(again, columns=MEASURES.names)


def test_a_uniform_effect_is_a_flat_curve_at_the_truth():
    table, again = study(7, 1.2, noise=1e-8)  # equal changes would have no interval
    found, summary = trace_specifications(table, again, settings=SETTINGS)
    assert list(found) == SPECIFICATIONS.names
    assert list(summary) == SPECIFICATION_SUMMARY.names
    swa = found[found["curve"] == "swa"]
    absolute = swa[swa["estimator"] != "relative"]
    assert set(absolute["band"]) == {"0.5-4 Hz", "1-4 Hz", "0.75-4.5 Hz"}
    assert absolute["estimate"].to_numpy() == pytest.approx(1.44)
    assert absolute[["ci_low", "ci_high"]].to_numpy() == pytest.approx(1.44)
    # A gain of the whole spectrum cancels in relative power: another question, not a failed replication.
    assert swa.loc[swa["estimator"] == "relative", "estimate"].to_numpy() == pytest.approx(1.0)
    assert found.loc[found["curve"] == "wave_amplitude", "estimate"].to_numpy() == pytest.approx(1.2)
    of_swa = summary.set_index("curve").loc["swa"]
    assert of_swa["median"] == pytest.approx(1.44)
    assert (of_swa["n"], of_swa["p"]) == (7, 2 / 2**7)
    assert of_swa["n_specifications"] == len(swa)


def test_the_row_of_the_primary_is_that_of_the_contrasts():
    table, again = study(8, 1.2, noise=0.3)
    found, summary = trace_specifications(table, again, settings=SETTINGS)
    contrast = compare_nights(table, settings=SETTINGS)
    contrast = contrast[(contrast["role"] == "primary") & (contrast["subject"] == "group")]
    primary = found[found["role"] == "primary"]
    assert len(primary) == len(contrast) == 1
    same = ["contrast", "channel", "stages", "window", "scale", "estimate", "ci_low", "ci_high", "p", "n", "method"]
    same.append("note")
    assert primary[same].iloc[0].to_dict() == contrast[same].iloc[0].to_dict()
    assert found.index[found["role"] == "primary"][0] == 0
    assert summary["reference_estimate"].iloc[0] == contrast["estimate"].iloc[0]
    assert set(found.loc[found["differs"] == 0, "role"]) == {"primary", "reference"}


def test_a_null_study_has_its_curve_around_no_change():
    table, again = study(10, 1.0, noise=0.3, seed=4)
    found, summary = trace_specifications(table, again, settings=SETTINGS)
    swa = found[(found["curve"] == "swa") & (found["estimator"] != "relative")]
    assert ((swa["ci_low"] < 1) & (swa["ci_high"] > 1)).mean() > 0.8
    assert summary.set_index("curve").loc["swa", "p"] > 0.05


def test_rows_stand_in_the_same_order_whatever_the_order_of_the_input():
    table, again = study(6, 1.1, noise=0.2)
    first = trace_specifications(table, again, settings=SETTINGS)
    mixed = trace_specifications(
        table.sample(frac=1, random_state=1), again.sample(frac=1, random_state=2), settings=SETTINGS
    )
    for one, other in zip(first, mixed, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_nothing_declared_leaves_a_reference_and_the_first_channel_there_is():
    table, _ = study(6, 1.1, noise=0.2)
    table = table[table["channel"] == "F4-M1"]
    found, _ = trace_specifications(table)
    held = found[(found["curve"] == "swa") & (found["differs"] == 0)]
    assert held[["role", "channel", "window"]].to_numpy().tolist() == [["reference", "F4-M1", "cycle-1"]]
    assert "primary" not in set(found["role"])


def test_a_primary_without_other_definitions_has_a_curve_of_its_own():
    table, _ = study(6, 1.1, noise=0.2)
    table["measure"] = table["measure"].replace("delta_power", "sigma_power")
    settings = Settings(comparison=ComparisonSettings(primary="sigma_power NREM night central"))
    found, summary = trace_specifications(table, settings=settings)
    assert summary["curve"].iloc[0] == found["curve"].iloc[0] == "sigma_power"
    assert found["role"].iloc[0] == "primary"


def paired(change):
    return SimpleNamespace(change=change, subjects=np.array([f"S{i}" for i in range(len(change))], dtype=object))


def design(kind="paired", sequence=()):
    names = {f"S{i}": sign for i, sign in enumerate(sequence)}
    kinds = {known.kind: known for known in known_designs()}
    return kinds[kind](treatment="k", baseline="b", sequence=names)


def test_p_of_the_curve_by_definition_with_a_gap():
    change = np.random.default_rng(2).normal(0.4, 0.5, (6, 5))
    change[0, 0] = np.nan
    observed = abs(np.median(np.nanmean(change, axis=0)))
    flips = [np.nanmean(change * np.array(signs)[:, None], axis=0) for signs in itertools.product((1, -1), repeat=6)]
    expected = np.mean([abs(np.median(means)) >= observed - 1e-12 for means in flips])
    p, method, n = curve_test(paired(change), design(), np.arange(5), ComparisonSettings())
    assert (p, n) == (pytest.approx(expected), 6)
    assert "exact" in method


@pytest.mark.parametrize("n", [8, 20])
def test_p_of_the_curve_holds_its_level_though_specifications_are_alike(n):
    rng = np.random.default_rng(n)
    studies = 400
    rejected = 0
    settings = ComparisonSettings()
    for _ in range(studies if n < 13 else 60):
        change = rng.standard_t(3, (n, 1)) + 0.3 * rng.normal(size=(n, 12))
        rejected += curve_test(paired(change), design(), np.arange(12), settings)[0] <= 0.05
    assert rejected <= (34 if n < 13 else 9)  # above the 99.9 % binomial limit of a 5 % test


def test_an_effect_of_the_period_is_no_effect_of_the_treatment():
    rng = np.random.default_rng(5)
    sequence = np.repeat([1, -1], [7, 3])
    # Later nights are higher, the treatment does nothing.
    change = 0.8 * sequence[:, None] + rng.normal(0, 0.1, (10, 6))
    p, method, _ = curve_test(paired(change), design("crossover", sequence), np.arange(6), ComparisonSettings())
    assert p > 0.05
    assert "orders permuted, exact" in method
    p, _, _ = curve_test(paired(change + 0.4), design("crossover", sequence), np.arange(6), ComparisonSettings())
    assert p <= 2 / 120


def test_designs_without_an_exchange_have_no_test():
    p, method, _ = curve_test(paired(np.ones((9, 2))), design("mixed model"), np.arange(2), ComparisonSettings())
    assert np.isnan(p)
    assert "mixed model" in method


def test_a_curve_over_arms_counts_the_subjects_of_both():
    table, again = study(8, 1.2, noise=0.2)
    nights = table[["subject", "session", "condition"]].drop_duplicates()
    nights["arm"] = np.where(nights["subject"].isin(["S00", "S01", "S02", "S03"]), "ketamine", "placebo")
    summary = trace_specifications(table, again, nights=nights, settings=SETTINGS)[1]
    between = summary["method"].str.contains("parallel arms")
    assert set(summary.loc[between, "n"]) == {8}
    assert 0 < between.sum() < len(summary)


def test_presets_of_another_filter_are_left_out_and_said():
    left_out = presets_left_out(WaveCriteria())
    assert set(left_out) == {"massimini2004", "carrier2011", "aasm", "yasa", "molle"}
    assert "0.1-4 Hz" in left_out["aasm"]
    assert set(other_selections(WaveCriteria())) == {
        "amplitude limits x 0.75",
        "amplitude limits x 1.25",
        "massimini2004 limits",
    }
    # With the filter of 0.1-4 Hz the waves of massimini2004 are all stored: it is then the preset itself.
    aasm = WaveCriteria.preset("aasm")
    assert "massimini2004" in other_selections(aasm)
    assert "massimini2004" not in presets_left_out(aasm)


@pytest.fixture(scope="module")
def stored(tmp_path_factory, make_recording, make_hypnogram, sleep_eeg):
    """Two nights of a subject on disk, the second the first times 1.2, their task, and the first night."""
    path = tmp_path_factory.mktemp("results")
    hypnogram = make_hypnogram("W*4 N2*50 N3*80 R*12 N2*20 N3*20")
    signals = {"F3-M2": sleep_eeg(hypnogram, 1), "F4-M1": sleep_eeg(hypnogram, 2), "C4-M1": sleep_eeg(hypnogram, 3)}
    settings = Settings()
    kept = []
    for condition, gain in (("baseline", 1.0), ("ketamine", 1.2)):
        recording = make_recording({name: gain * signal for name, signal in signals.items()})
        night = analyze_night(recording, hypnogram, subject="S01", condition=condition, session=condition)
        write_night(NightFolder(path, "S01", condition), night, "fingerprint", {})
        kept.append((recording, night))
    task = SubjectTask(
        subject="S01",
        label="S01",
        nights=tuple(NightOfSubject(name, name, name, adaptation=False) for name in ("baseline", "ketamine")),
        baseline="baseline",
        results=path,
        settings=settings,
    )
    combine_subject(task)
    return task, kept[0], hypnogram


def test_stored_nights_give_the_true_gain_under_every_choice(stored):
    task, _, _ = stored
    rows = respecify_subject(task, DEFAULT_MARKER)
    found, _ = trace_specifications(pd.read_parquet(subject_file(task.results, "S01")), rows)
    known = found[np.isfinite(found["estimate"])]
    swa = known[known["curve"] == "swa"]
    assert set(swa["estimator"]) == {"mean", "median", "relative"}
    assert set(swa["artefacts"]) == {"in use", "limits x 0.5", "limits x 2"}
    exact = swa[(swa["estimator"] != "relative") & (swa["artefacts"] == "in use")]
    assert exact["estimate"].to_numpy() == pytest.approx(1.44, rel=1e-3)
    assert {"any", "NREM", "N2", "N3"} == set(exact["stages"])
    percentiles = known[known["estimator"].str.startswith("percentile")]
    assert set(percentiles["estimator"]) == {f"percentile {q}" for q in (50, 75, 90, 95)}
    assert percentiles["estimate"].to_numpy() == pytest.approx(1.2, rel=2e-3)


def test_what_is_computed_again_is_what_a_run_with_those_settings_gives(stored):
    task, (recording, _), hypnogram = stored
    rows = respecify_subject(task, DEFAULT_MARKER)
    rows = rows[rows["session"] == "baseline"]
    limits = {"negative_uv": (30.0, np.inf), "peak_to_peak_uv": (56.25, np.inf)}
    other = Settings(
        waves=WaveCriteria().model_copy(update=limits | {"name": "own"}),
        power=Settings().power.model_copy(update={"swa_hz": (0.75, 4.5)}),
    )
    measured = analyze_night(recording, hypnogram, settings=other, subject="S01", condition="baseline").measures
    keys = ["channel", "stages", "window"]
    for measure, variant in (
        ("wave_density", Choices("wave_density", selection="amplitude limits x 0.75").encode()),
        ("swa", Choices("swa", "0.75-4.5 Hz", "mean").encode()),
    ):
        again = rows[rows["variant"] == variant].set_index(keys)["value"]
        expected = measured[measured["measure"] == measure].set_index(keys)["value"]
        singles = again[~again.index.get_level_values("channel").isin(["frontal", "central"])]
        assert len(singles) >= 15
        assert singles.to_numpy() == pytest.approx(expected.loc[singles.index].to_numpy(), rel=1e-4, nan_ok=True)
    # A region is the log-mean of its channels.
    log = np.log(again.unstack("channel"))
    assert log["frontal"].to_numpy() == pytest.approx(log[["F3-M2", "F4-M1"]].mean(axis=1, skipna=False), nan_ok=True)


def test_channels_that_the_subject_step_dropped_stay_out(stored, tmp_path):
    task, _, _ = stored
    path = subject_file(task.results, "S01")
    table = pd.read_parquet(path)
    table[table["channel"] != "F4-M1"].to_parquet(path)
    try:
        assert "F4-M1" not in set(respecify_subject(task, DEFAULT_MARKER)["channel"])
    finally:
        table.to_parquet(path)


def test_picture_has_every_estimate_and_marks_the_primary():
    table, again = study(7, 1.2, noise=0.3)
    found, _ = trace_specifications(table, again, settings=SETTINGS)
    rows = found[found["curve"] == "swa"].copy()
    rows.loc[rows.index[-1], "estimate"] = np.nan
    figure = figures.specification_curve(rows, title="t")
    curve, below = figure.axes
    drawn = np.concatenate([line.get_ydata() for line in curve.lines if line.get_marker() == "."])
    assert len(drawn) == len(rows) - 1
    diamond = next(line for line in curve.lines if line.get_marker() == "D")
    primary = rows.loc[rows["role"] == "primary", "estimate"].iloc[0]
    assert list(diamond.get_ydata()) == [primary]
    assert int(diamond.get_xdata()[0]) == int((rows["estimate"] < primary).sum())
    assert {"Channel", "Stages", "Window", "Band", "Estimator"} <= {text.get_text() for text in below.texts}
    assert figures.figure_bytes(figure, "svg") == figures.figure_bytes(
        figures.specification_curve(rows, title="t"), "svg"
    )


def test_picture_of_nothing_says_so():
    empty = SPECIFICATIONS.empty()
    figure = figures.specification_curve(empty)
    assert "no specification" in figure.axes[0].texts[0].get_text()


def test_page_shows_the_curve_of_the_primary_with_its_numbers_and_what_was_left_out(tmp_path, make_draft):
    table, again = study(7, 1.2, noise=1e-8)  # equal changes would have no interval
    found, summary = trace_specifications(table, again, settings=SETTINGS)
    write_table(found, tmp_path / "specifications.tsv")
    write_table(summary, tmp_path / "specification_summary.tsv")
    contrasts = compare_nights(table, settings=SETTINGS)
    draft = make_draft(tmp_path, contrasts[contrasts["subject"] == "group"], settings=SETTINGS)
    (picture,) = draw_specifications(draft)
    n = int((found["curve"] == "swa").sum())
    assert f"{n} specifications of 7 subjects, 0.0\u00a0% to +44.0\u00a0%, median +44.0\u00a0%" in picture.alt
    assert "marked +44.0\u00a0%" in picture.alt
    assert "a test of the whole curve, not of the primary: p = 0.0156" in picture.alt
    curves, near = specification_tables(draft)
    assert "carrier2011 (another filter" in curves.about
    assert [row[1] for row in curves.rows] == ["Slow-wave activity", "Amplitude of waves", "Slope of waves"]
    assert [row[1] for row in near.rows[:2]] == ["as declared", "1\u20134 Hz"]
    assert len(near.rows) == int(((found["curve"] == "swa") & (found["differs"] <= 1)).sum())
    assert "no interval" not in {row[3] for row in near.rows}
    for name, table in (("specifications", found), ("specification_summary", summary)):
        write_table(table.assign(n=2), tmp_path / f"{name}.tsv")
    two = make_draft(tmp_path, contrasts[contrasts["subject"] == "group"], settings=SETTINGS)
    curves, few = specification_tables(two)
    assert {row[3] for row in few.rows} == {"no interval"}, "as a card of two subjects"
    assert {row[6] for row in curves.rows} == {"\u2013"}, "and none leaves out no change"


def test_a_study_without_contrasts_has_no_section(tmp_path, make_draft):
    write_table(SPECIFICATIONS.empty(), tmp_path / "specifications.tsv")
    write_table(SPECIFICATION_SUMMARY.empty(), tmp_path / "specification_summary.tsv")
    draft = make_draft(tmp_path, CONTRASTS.empty())
    assert draw_specifications(draft) == []
    assert specification_tables(draft) == []
