"""The subject step: limits fixed on the baseline, steepness at equal amplitude, regions, bad channels."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swa.comparison.contrasts import is_compared, subject_values
from swa.measures.matched_slopes import pooled_quantile
from swa.measures.slow_waves import SlowWaves
from swa.night.analysis import Night
from swa.settings import Settings, WaveCriteria
from swa.study import across_nights
from swa.study.across_nights import fit_line
from swa.study.condition_curves import read_curves
from swa.study.run.night_files import write_night
from swa.study.store import KEY, NightFolder, subject_file
from swa.study.subject import NightOfSubject, SubjectTask, combine_subject
from swa.tables.marker import SHARED_COURSE, Marker, select
from swa.tables.results_tables import CYCLES, NIGHT_MEASURES, SPECTRA, WAVES

N_EPOCHS = 240  # two hours of N2, one cycle
MINUTES = N_EPOCHS / 2


def draw_waves(rng, n, *, size=1.0, steepness=1.0, exponent=0.6, scatter=0.1):
    """Half-waves whose rising slope follows `steepness * 5 * amplitude ** exponent`."""
    amplitude = size * rng.lognormal(np.log(35), 0.5, n)
    return amplitude, steepness * 5 * amplitude**exponent * np.exp(rng.normal(0, scatter, n))


def wave_table(channel, amplitude, slope):
    n = len(amplitude)
    times = (np.arange(n) + 0.5) * N_EPOCHS * 30 / n
    table = pd.DataFrame(dict.fromkeys(WAVES.names, 1.0), index=range(n))
    return table.assign(
        channel=channel,
        stage="N2",
        cycle=1,
        start_s=times - 0.3,
        negative_peak_s=times,
        midcrossing_s=times + 0.2,
        end_s=times + 0.7,
        negative_amplitude_uv=amplitude,
        peak_to_peak_uv=1.8 * amplitude,
        slope_up_uv_s=slope,
        slope_down_uv_s=1.1 * slope,
    )


@pytest.fixture
def study(tmp_path, make_hypnogram):
    """`study({session: (condition, {channel: (amplitudes, slopes)})})` → rows of the long table, problems."""
    hypnogram = make_hypnogram(f"N2*{N_EPOCHS}")
    epochs = {"onset_s": np.arange(N_EPOCHS) * 30.0, "stage": "N2", "cycle": 1, "usable_s": 30.0, "swa": 100.0}
    epochs["process_s_band"] = 100.0
    cycles = pd.DataFrame([(1, 0.0, N_EPOCHS * 30.0, np.nan, np.nan)], columns=CYCLES.names)

    def write(session, condition, channels, values, unusable):
        rows = [
            (channel, "NREM", "night", measure, "", value, unit, 10, "" if np.isfinite(value) else f"why {channel}")
            for channel, measures in values.items()
            for measure, (value, unit) in measures.items()
        ]
        tables = [wave_table(channel, *waves) for channel, waves in channels.items()]
        night = Night(
            subject="S01",
            session=session,
            condition=condition,
            measures=pd.DataFrame(rows, columns=NIGHT_MEASURES.names),
            waves=SlowWaves(
                table=pd.concat(tables, ignore_index=True),
                criteria=WaveCriteria(),
                analysed_min=pd.DataFrame({"channel": [], "stage": [], "minutes": []}),
                average=pd.DataFrame({"channel": ["x"], "time_s": [0.0], "mean_uv": [0.0]}),
            ),
            epochs=pd.concat([pd.DataFrame(epochs).assign(channel=c) for c in channels], ignore_index=True),
            spectra=SPECTRA.empty(),
            spectrogram=pd.DataFrame({"channel": ["x"]}),
            hypnogram=hypnogram,
            cycles=cycles,
            summary={
                "channels": list(channels),
                "sleep_onset_min": 0.0,
                "dose_s": None,
                "unusable_nrem_share": {c: {"any": unusable.get((session, c), 0.0)} for c in channels},
            },
            notes=(),
        )
        write_night(NightFolder(tmp_path, "S01", session), night, "f", {})

    def combine(nights, *, values=None, unusable=None, adaptation=(), before=(), baseline="baseline", settings=None):
        for session, (condition, channels) in nights.items():
            default = {channel: {"swa": (100.0, "µV²")} for channel in channels}
            write(session, condition, channels, (values or {}).get(session, default), unusable or {})
        task = SubjectTask(
            subject="S 01",
            label="S01",
            nights=tuple(
                NightOfSubject(s, s, condition, s in adaptation, s not in before)
                for s, (condition, _) in nights.items()
            ),
            baseline=baseline,
            results=tmp_path,
            settings=settings or Settings(),
        )
        outcome = combine_subject(task)
        return pd.read_parquet(subject_file(tmp_path, "S01")), outcome.problems

    return combine


def look_up(rows, measure, session, channel="C4-M1", window="night", stages="NREM", column="value", variant=""):
    row = rows[
        (rows["measure"] == measure)
        & (rows["session"] == session)
        & (rows["channel"] == channel)
        & (rows["window"] == window)
        & (rows["stages"] == stages)
        & (rows["variant"] == variant)
    ]
    assert len(row) == 1
    return row[column].iloc[0]


@pytest.fixture
def rng():
    return np.random.default_rng(1)


def one(waves):
    return {"C4-M1": waves}


# --- amplitude-matched slope --------------------------------------------------------------------------------------


def test_the_matched_slope_is_that_of_the_law_at_the_reference_amplitude(study, rng):
    amplitude, slope = draw_waves(rng, 6000)
    rows, _ = study({"b": ("baseline", one((amplitude, slope)))})
    reference = np.quantile(amplitude[amplitude >= 40], 0.75)
    expected = 5 * reference**0.6
    assert look_up(rows, "wave_slope_up_matched", "b") == pytest.approx(expected, rel=0.02)
    assert look_up(rows, "wave_slope_down_matched", "b") == pytest.approx(1.1 * expected, rel=0.02)
    assert f"at {reference:.1f} µV" in look_up(rows, "wave_slope_up_matched", "b", column="note")


@pytest.mark.parametrize("exponent", [0.6, 1.0])
def test_larger_waves_of_the_same_law_have_the_same_matched_slope(study, rng, exponent):
    waves = {size: draw_waves(rng, 6000, size=size, exponent=exponent) for size in (1.0, 1.3)}
    rows, _ = study({"b": ("baseline", one(waves[1.0])), "k": ("ketamine", one(waves[1.3]))})
    ratio = look_up(rows, "wave_slope_up_matched", "k") / look_up(rows, "wave_slope_up_matched", "b")
    assert ratio == pytest.approx(1.0, abs=0.02)


def test_waves_steeper_by_15_percent_are_found_as_such_whatever_their_size(study, rng):
    steep = draw_waves(rng, 6000, size=1.3, steepness=1.15)
    rows, _ = study({"b": ("baseline", one(draw_waves(rng, 6000))), "k": ("ketamine", one(steep))})
    for measure in ("wave_slope_up_matched", "wave_slope_down_matched"):
        assert look_up(rows, measure, "k") / look_up(rows, measure, "b") == pytest.approx(1.15, abs=0.02)


def test_a_few_wild_waves_do_not_move_the_matched_slope(study, rng):
    amplitude, slope = draw_waves(rng, 6000)
    wild = slope.copy()
    wild[::20] *= 20
    rows, _ = study({"b": ("baseline", one((amplitude, slope))), "k": ("ketamine", one((amplitude, wild)))})
    ratio = look_up(rows, "wave_slope_up_matched", "k") / look_up(rows, "wave_slope_up_matched", "b")
    assert ratio == pytest.approx(1.0, abs=0.02)


def test_waves_below_40_uv_do_not_count(study, rng):
    amplitude, slope = draw_waves(rng, 6000)
    with_small = np.concatenate([amplitude, rng.uniform(5, 39.9, 6000)]), np.concatenate([slope, np.full(6000, 1e4)])
    rows, _ = study({"b": ("baseline", one((amplitude, slope))), "k": ("ketamine", one(with_small))})
    assert look_up(rows, "wave_slope_up_matched", "k") == pytest.approx(look_up(rows, "wave_slope_up_matched", "b"))


def test_too_few_waves_are_nan_with_the_reason(study, rng):
    few = np.full(29, 60.0), np.full(29, 300.0)
    rows, _ = study({"b": ("baseline", one(draw_waves(rng, 6000))), "k": ("ketamine", one(few))})
    assert np.isnan(look_up(rows, "wave_slope_up_matched", "k"))
    assert "29 waves of 40 µV or more, 30 are needed" in look_up(rows, "wave_slope_up_matched", "k", column="note")


def test_waves_of_one_amplitude_have_their_median_slope(study):
    same = np.full(100, 60.0), np.linspace(200, 300, 100)
    rows, _ = study({"b": ("baseline", one(same))})
    assert look_up(rows, "wave_slope_up_matched", "b") == pytest.approx(250, rel=0.01)


# --- baseline-fixed density ---------------------------------------------------------------------------------------


def test_a_tenth_of_the_baseline_lies_above_its_own_limit(study, rng):
    waves = draw_waves(rng, 6000)
    rows, _ = study({"b": ("baseline", one(waves))})
    assert look_up(rows, "wave_density_baseline_fixed", "b") == pytest.approx(600 / MINUTES, rel=0.01)
    limit = np.quantile(waves[0], 0.9)
    assert f"above {limit:.1f} µV" in look_up(rows, "wave_density_baseline_fixed", "b", column="note")


def test_the_density_of_larger_waves_counts_them_above_the_baseline_limit(study, rng):
    amplitude, slope = draw_waves(rng, 6000)
    rows, _ = study({"b": ("baseline", one((amplitude, slope))), "k": ("ketamine", one((1.3 * amplitude, slope)))})
    expected = (1.3 * amplitude > np.quantile(amplitude, 0.9)).sum() / MINUTES
    assert look_up(rows, "wave_density_baseline_fixed", "k") == pytest.approx(expected, rel=0.005)


def test_a_gain_of_all_nights_changes_no_baseline_fixed_density(study, rng):
    pair = {"b": ("baseline", one(draw_waves(rng, 3000))), "k": ("ketamine", one(draw_waves(rng, 3000, size=1.2)))}
    plain, _ = study(pair)
    louder, _ = study({s: (c, one((1.5 * w["C4-M1"][0], w["C4-M1"][1]))) for s, (c, w) in pair.items()})
    for session in pair:
        measure = "wave_density_baseline_fixed"
        assert look_up(louder, measure, session) == look_up(plain, measure, session)


def test_baseline_nights_weigh_equally_however_many_waves_they_have(study):
    many, few = np.linspace(10, 20, 9000), np.linspace(100, 110, 100)
    nights = {"b1": ("baseline", one((many, many))), "b2": ("baseline", one((few, few)))}
    rows, _ = study(nights)
    limit = 108.0  # the 80th percentile of the smaller night: half of the weight, less a tenth
    assert f"above {limit:.0f}" in look_up(rows, "wave_density_baseline_fixed", "b1", column="note")[:9]
    assert look_up(rows, "wave_density_baseline_fixed", "b2") == pytest.approx(20 / MINUTES, abs=1.1 / MINUTES)


def test_the_amplitudes_that_the_baseline_sets_stand_in_every_night_at_full_precision(study, rng):
    waves, louder = draw_waves(rng, 3000), draw_waves(rng, 3000, size=1.5)
    rows, _ = study({"b": ("baseline", one(waves)), "k": ("ketamine", one(louder))})
    stored = waves[0].astype(np.float32).astype(float)
    for measure, expected in (
        ("wave_fixed_limit", pooled_quantile([stored], 0.9)),
        ("wave_reference_amplitude", pooled_quantile([stored[stored >= 40]], 0.75)),
    ):
        assert [look_up(rows, measure, session) for session in "bk"] == [expected, expected]
        assert not is_compared(measure)


def test_the_line_of_a_condition_is_what_its_contrast_rests_on(study, rng, tmp_path):
    """Nights of very different numbers of waves: each counts once, in the table of the figure as in the contrasts."""
    few = draw_waves(rng, 200, steepness=1.5)
    nights = {"b": ("baseline", one(draw_waves(rng, 4000)))}
    nights |= {"k1": ("ketamine", one(draw_waves(rng, 4000))), "k2": ("ketamine", one(few))}
    nights |= {"a": ("baseline", one(draw_waves(rng, 4000, steepness=3)))}
    rows, _ = study(nights, adaptation=("a",))
    lines = select(read_curves(tmp_path, "S01").slopes, kind="line").set_index("condition")
    assert list(lines.index) == ["baseline", "ketamine"]
    assert lines.loc["baseline", "slope_at_reference_uv_s"] == look_up(rows, "wave_slope_up_matched", "b")
    several = [look_up(rows, "wave_slope_up_matched", session) for session in ("k1", "k2")]
    assert lines.loc["ketamine", "slope_at_reference_uv_s"] == pytest.approx(np.sqrt(np.prod(several)), rel=1e-12)
    changes = subject_values(rows[rows["session"] != "a"], measures=["wave_slope_up_matched"])
    change = Marker("wave_slope_up_matched", "NREM", "night", "C4-M1").select(changes)["change"].item()
    assert change == pytest.approx(np.divide(*lines["slope_at_reference_uv_s"].iloc[::-1]), rel=1e-12)
    assert set(lines["reference_uv"]) == {look_up(rows, "wave_reference_amplitude", "k1")}


def test_an_adaptation_night_is_never_baseline(study, rng):
    nights = {"a": ("baseline", one(draw_waves(rng, 3000, size=3))), "b": ("baseline", one(draw_waves(rng, 3000)))}
    rows, _ = study(nights, adaptation=("a",))
    assert look_up(rows, "wave_density_baseline_fixed", "b") == pytest.approx(300 / MINUTES, rel=0.01)
    assert look_up(rows, "wave_density_baseline_fixed", "a") > 1000 / MINUTES


@pytest.mark.parametrize("left_out", ["adaptation", "before"])
def test_a_night_that_is_not_compared_changes_no_row_of_the_others(study, rng, tmp_path, left_out):
    nights = {"b": ("baseline", one(draw_waves(rng, 3000))), "k": ("ketamine", one(draw_waves(rng, 3000, size=1.3)))}
    without, _ = study(nights)
    drawn = read_curves(tmp_path, "S01").slopes
    beside = {"a": ("baseline", one(draw_waves(rng, 3000, size=2, steepness=2)))}
    rows, _ = study(beside | nights, **{left_out: ("a",)})
    pd.testing.assert_frame_equal(rows[rows["session"] != "a"].reset_index(drop=True), without.reset_index(drop=True))
    pd.testing.assert_frame_equal(read_curves(tmp_path, "S01").slopes, drawn)
    assert np.isfinite(look_up(rows, "wave_slope_up_matched", "a", variant="resampled"))


def test_a_baseline_of_nights_before_the_infusion_alone_is_of_all_of_them(study, rng):
    """The night after it is missing: the reference is that of what there is, and the line drawn that of the table."""
    nights = {"p": ("baseline", one(draw_waves(rng, 3000))), "k": ("ketamine", one(draw_waves(rng, 3000, size=1.3)))}
    rows, _ = study(nights, before=("p",))
    expected, _ = study(nights)
    reference = "wave_reference_amplitude"
    assert look_up(rows, reference, "k") == look_up(expected, reference, "k") > 40


def test_without_a_baseline_night_the_measures_are_nan_with_the_reason(study, rng):
    rows, _ = study({"k": ("ketamine", one(draw_waves(rng, 3000)))})
    for measure in (
        *("wave_density_baseline_fixed", "wave_slope_up_matched"),
        *("wave_fixed_limit", "wave_reference_amplitude"),
    ):
        assert np.isnan(look_up(rows, measure, "k"))
        assert "no baseline night" in look_up(rows, measure, "k", column="note")


def test_every_window_is_counted_for_itself(study, rng):
    rows, _ = study({"b": ("baseline", one(draw_waves(rng, 6000)))})
    night, first, second = (
        look_up(rows, "wave_density_baseline_fixed", "b", window=window) for window in ("night", "hour-1", "hour-2")
    )
    assert (first + second) / 2 == pytest.approx(night)
    assert look_up(rows, "wave_density_baseline_fixed", "b", window="matched") == pytest.approx(first)
    assert look_up(rows, "wave_density_baseline_fixed", "b", window="cycle-1") == pytest.approx(night)
    assert look_up(rows, "wave_density_baseline_fixed", "b", stages="N2") == pytest.approx(night)
    assert "0.0 min of usable time" in look_up(rows, "wave_density_baseline_fixed", "b", stages="N3", column="note")


@given(st.lists(st.lists(st.floats(1, 100), min_size=1, max_size=20), min_size=1, max_size=4), st.floats(0.05, 0.95))
def test_the_pooled_quantile_leaves_the_share_below_it_by_equal_weights(samples, quantile):
    arrays = [np.array(sample) for sample in samples]
    found = pooled_quantile(arrays, quantile)
    below = np.mean([(sample < found).mean() for sample in arrays])
    up_to = np.mean([(sample <= found).mean() for sample in arrays])
    assert below <= quantile + 1e-9
    assert up_to >= quantile - 1e-9


# --- regions ------------------------------------------------------------------------------------------------------


@pytest.fixture
def four_channels(rng):
    waves = draw_waves(rng, 400)
    return dict.fromkeys(("F3-M2", "F4-M1", "C3-M2", "C4-M1"), waves)


def of_channels(front, centre, measure="swa", unit="µV²"):
    names = ("F3-M2", "F4-M1", "C3-M2", "C4-M1")
    return {name: {measure: (value, unit)} for name, value in zip(names, (*front, *centre), strict=True)}


def test_a_region_is_the_log_mean_of_its_channels(study, four_channels):
    nights = {"b": ("baseline", four_channels)}
    rows, _ = study(nights, values={"b": of_channels((100, 400), (50, 50))})
    assert look_up(rows, "swa", "b", "frontal") == pytest.approx(200)
    assert look_up(rows, "swa", "b", "central") == pytest.approx(50)
    assert look_up(rows, "swa", "b", "frontal", column="unit") == "µV²"
    assert look_up(rows, "swa", "b", "frontal", column="n") == 10, "epochs, not epochs times channels"


def test_none_in_any_channel_of_a_region_is_none_in_the_region(study, four_channels):
    nights = {"b": ("baseline", four_channels)}
    rows, _ = study(nights, values={"b": of_channels((0, 0), (50, 50))})
    assert look_up(rows, "swa", "b", "frontal") == 0
    assert look_up(rows, "swa", "b", "frontal", column="note") == ""


def test_the_frontal_central_ratio_is_that_of_the_regions(study, four_channels):
    rows, _ = study({"b": ("baseline", four_channels)}, values={"b": of_channels((100, 400), (50, 50))})
    ratio = rows[rows["measure"] == "frontal_central_ratio"]
    assert ratio["value"].tolist() == [pytest.approx(4.0)]
    assert ratio["unit"].tolist() == ["1"]


def test_a_measure_that_may_be_negative_has_the_plain_mean(study, four_channels):
    values = {"b": of_channels((-0.2, 0.0), (1, 1), "swa_decline", "1/h")}
    rows, _ = study({"b": ("baseline", four_channels)}, values=values)
    assert look_up(rows, "swa_decline", "b", "frontal") == pytest.approx(-0.1)


def test_a_zero_in_a_region_is_nan_with_the_reason(study, four_channels):
    values = {"b": of_channels((0.0, 3.0), (1, 1), "wave_density", "1/min")}
    rows, _ = study({"b": ("baseline", four_channels)}, values=values)
    assert np.isnan(look_up(rows, "wave_density", "b", "frontal"))
    assert "zero in one of its channels" in look_up(rows, "wave_density", "b", "frontal", column="note")
    assert look_up(rows, "wave_density", "b", "central") == 1


@pytest.mark.parametrize("front", [(np.nan, 3.0), (3.0, np.nan)])
def test_a_channel_that_was_not_measured_makes_its_region_nan_with_its_reason(study, four_channels, front):
    rows, _ = study({"b": ("baseline", four_channels)}, values={"b": of_channels(front, (1, 1))})
    assert np.isnan(look_up(rows, "swa", "b", "frontal"))
    assert look_up(rows, "swa", "b", "frontal", column="note").startswith("why F")
    ratio = rows[rows["measure"] == "frontal_central_ratio"]
    assert ratio["value"].isna().all()
    assert (ratio["note"] != "").all()


def test_a_region_takes_only_channels_that_every_night_has(study, four_channels):
    fewer = {name: waves for name, waves in four_channels.items() if name != "F3-M2"}
    values = {
        "b": of_channels((100, 400), (50, 50)),
        "k": {name: row for name, row in of_channels((0, 900), (50, 50)).items() if name != "F3-M2"},
    }
    rows, _ = study({"b": ("baseline", four_channels), "k": ("ketamine", fewer)}, values=values)
    assert look_up(rows, "swa", "b", "frontal") == pytest.approx(400)
    assert look_up(rows, "swa", "k", "frontal") == pytest.approx(900)


def test_a_gain_scales_the_region_as_its_channels(study, four_channels):
    values = {"b": of_channels((100, 400), (50, 70)), "k": of_channels((144, 576), (72, 100.8))}
    rows, _ = study({"b": ("baseline", four_channels), "k": ("ketamine", four_channels)}, values=values)
    for place in ("frontal", "central"):
        assert look_up(rows, "swa", "k", place) / look_up(rows, "swa", "b", place) == pytest.approx(1.44)


# --- bad channels and the table -----------------------------------------------------------------------------------


def test_a_channel_that_is_bad_in_one_night_is_left_out_of_all(study, four_channels):
    nights = {"b": ("baseline", four_channels), "k": ("ketamine", four_channels)}
    values = dict.fromkeys(nights, of_channels((100, 400), (50, 50)))
    rows, problems = study(nights, values=values, unusable={("k", "F3-M2"): 0.51})
    assert "F3-M2" not in set(rows["channel"])
    assert look_up(rows, "swa", "b", "frontal") == pytest.approx(400)
    assert len(problems) == 1
    assert "F3-M2: 51 % of its NREM is unusable (limit 50 %) in session k" in problems[0].problem
    assert problems[0].subject == "S 01"


def test_a_night_alone_keeps_its_bad_channel_in_doubt_and_its_regions_go_without(study, four_channels):
    values = {"b": of_channels((100, 400), (50, 50))}
    rows, problems = study({"b": ("baseline", four_channels)}, values=values, unusable={("b", "F3-M2"): 0.51})
    assert look_up(rows, "swa", "b", "F3-M2") == pytest.approx(100)
    assert look_up(rows, "swa", "b", "F3-M2", column="note").startswith("doubtful channel: 51 % of its NREM")
    assert look_up(rows, "swa", "b", "frontal") == pytest.approx(400)
    assert look_up(rows, "swa", "b", "F4-M1", column="note") == ""
    assert "left out of the regions" in problems[0].problem


def test_a_channel_whose_half_is_unusable_stays(study, four_channels):
    rows, problems = study({"b": ("baseline", four_channels)}, unusable={("b", "F3-M2"): 0.5})
    assert "F3-M2" in set(rows["channel"])
    assert problems == []


def test_a_subject_whose_channels_are_all_bad_has_an_empty_table(study, rng):
    rows, problems = study({"b": ("baseline", one(draw_waves(rng, 100)))}, unusable={("b", "C4-M1"): 0.9})
    assert rows.empty
    assert set(KEY) <= set(rows.columns)
    assert len(problems) == 1


def test_the_key_is_unique_and_names_are_as_in_the_study_file(study, four_channels):
    rows, _ = study({"b": ("baseline", four_channels), "k": ("ketamine", four_channels)})
    assert rows.columns.tolist() == ["subject", "session", "condition", *NIGHT_MEASURES.names]
    assert not rows.duplicated(KEY).any()
    assert set(rows["subject"]) == {"S 01"}
    assert set(rows["condition"]) == {"baseline", "ketamine"}
    missing = rows["value"].isna()
    assert (rows.loc[missing, "note"] != "").all()
    assert (rows["unit"] != "").all()


def test_a_real_night_goes_through_the_subject_step(tmp_path, night):
    nights = []
    for session, condition in (("b", "baseline"), ("k", "ketamine")):
        copy = dataclasses.replace(night, session=session, condition=condition)
        write_night(NightFolder(tmp_path, "S01", session), copy, "f", {})
        nights.append(NightOfSubject(session, session, condition, False))
    task = SubjectTask(
        subject="S01", label="S01", nights=tuple(nights), baseline="baseline", results=tmp_path, settings=Settings()
    )
    assert combine_subject(task).problems == []
    rows = pd.read_parquet(subject_file(tmp_path, "S01"))
    assert not rows.duplicated(KEY).any()
    assert (rows.loc[rows["value"].isna(), "note"] != "").all()
    assert (rows["unit"] != "").all()
    for measure in ("swa", "wave_density_baseline_fixed", "wave_slope_up_matched"):
        for channel in ("C4-M1", "frontal"):
            assert look_up(rows, measure, "k", channel) == look_up(rows, measure, "b", channel)
            assert np.isfinite(look_up(rows, measure, "k", channel))


# --- both estimators, and Process S -----------------------------------------------------------------------------------


def test_the_resampled_estimator_finds_steeper_waves_too(study, rng):
    amplitude = rng.uniform(50, 120, 1500)
    slope = 4 * amplitude * rng.lognormal(0, 0.1, 1500)
    rows, _ = study({"b": ("baseline", one((amplitude, slope))), "k": ("ketamine", one((amplitude, 1.15 * slope)))})
    values = [look_up(rows, "wave_slope_up_matched", session, variant="resampled") for session in ("b", "k")]
    assert values[1] / values[0] == pytest.approx(1.15, rel=0.02)


def test_process_s_without_enough_cycles_is_nan_with_the_reason(study, rng):
    waves = (rng.uniform(50, 120, 200), rng.uniform(200, 400, 200))
    rows, _ = study({"b": ("baseline", one(waves)), "k": ("ketamine", one(waves))})
    found = rows[rows["measure"].str.startswith("process_s") & (rows["channel"] == "C4-M1")]
    assert {"process_s_initial", "process_s_asymptote", "process_s_tau", "process_s_tau_condition"} < set(
        found["measure"]
    )
    assert found["value"].isna().all()
    assert found["note"].str.contains("cycle").all()


def test_process_s_has_rows_of_a_course_of_their_own_for_the_conditions(rng):
    time_h = np.array([0.6, 2.2, 3.8, 5.4, 7.0])
    levels = {"b": 150 + 750 * np.exp(-time_h / 2.7), "k": 150 + 750 * np.exp(-time_h / 2.0)}

    def night(session, condition):
        scattered = levels[session] * rng.lognormal(0, 0.01, 5)
        means = pd.DataFrame({"time_h": time_h, "swa_uv2": scattered, "session": session})
        return SimpleNamespace(session=session, condition=condition, settings=Settings(), cycle_means=lambda _: means)

    found = across_nights.ROWS.frame(
        across_nights._process_s_rows([night("b", "baseline"), night("k", "ketamine")], "C4", None)
    )

    initial = {
        variant: np.divide(*(look_up(found, "process_s_initial", s, "C4", variant=variant) for s in ("k", "b")))
        for variant in ("", SHARED_COURSE)
    }
    assert initial[SHARED_COURSE] < 0.9
    assert initial[""] == pytest.approx(1, abs=0.03)
    assert look_up(found, "process_s_tau_condition", "k", "C4") == pytest.approx(2.0, rel=0.1)
    assert 0 < look_up(found, "process_s_initial_error", "k", "C4") < 0.1
    assert "AICc" in select(found, measure="process_s_initial", variant="", session="k")["note"].iloc[0]


def test_a_channel_that_is_bad_in_an_adaptation_night_stays_in_the_others(study, rng):
    waves = (rng.uniform(50, 120, 200), rng.uniform(200, 400, 200))
    nights = {name: (name, one(waves)) for name in ("adapt", "baseline", "ketamine")}
    rows, problems = study(nights, unusable={("adapt", "C4-M1"): 0.9}, adaptation=("adapt",))
    assert not problems
    assert "C4-M1" in set(rows["channel"])


def test_a_night_without_a_good_channel_goes_alone(study, four_channels):
    nights = {"b": ("baseline", four_channels), "k": ("ketamine", four_channels), "m": ("magnesium", four_channels)}
    rows, problems = study(nights, unusable={("k", channel): 0.9 for channel in four_channels})
    assert set(rows["session"]) == {"b", "m"}
    assert set(four_channels) <= set(rows["channel"])
    assert [(row.session, row.step) for row in problems] == [("k", "channel")]
    assert "every EEG channel is bad in this night" in problems[0].problem


@pytest.mark.parametrize("share", [0.2, 0.8])
def test_another_mix_of_stages_is_no_other_slope(rng, share):
    amplitude, slope = draw_waves(rng, 6000)
    is_n3 = rng.random(len(amplitude)) < share
    waves = pd.DataFrame({"stage": np.where(is_n3, "N3", "N2"), "negative_amplitude_uv": amplitude})
    waves["slope_up_uv_s"] = slope * np.where(is_n3, 0.8, 1.0)
    line = fit_line(waves, "slope_up_uv_s", 50.0, {"N2": 0.5, "N3": 0.5})
    assert line.at_reference == pytest.approx(5 * 50**0.6 * 0.8**0.5, rel=0.01)
    assert np.isnan(fit_line(waves[~is_n3], "slope_up_uv_s", 50.0, {"N2": 0.5, "N3": 0.5}).at_reference)
