"""Nights of unequal length, without any effect: the whole night is compared over the NREM time that they share."""

import numpy as np
import pandas as pd
import pytest

from swa.comparison.contrasts import compare_nights
from swa.comparison.further.interactions import compare_combinations
from swa.glossary import measures_over_night
from swa.measures.homeostasis import summarize_decline
from swa.measures.slow_waves import SlowWaves
from swa.night.analysis import Night
from swa.settings import Settings, WaveCriteria
from swa.sleep.hypnogram import make_hypnogram
from swa.study.run.night_files import write_night
from swa.study.store import NightFolder, subject_file
from swa.study.subject import NightOfSubject, SubjectTask, combine_subject
from swa.tables.marker import select
from swa.tables.results_tables import CYCLES, NIGHT_MEASURES, SPECTRA, WAVES

CHANNEL = "C4-M1"
FALL = -0.45  # ln SWA per h of NREM
NREM_MIN = {"placebo": 280.0, "verum": 210.0}  # nights of 7 h and 5¼ h
SWA, DENSITY, DECLINE = "swa", "wave_density", "swa_decline"


def falling_epochs(rng, minutes, level, curvature=0.02):
    """Epochs of N2 whose SWA falls, more slowly later, as it does; the decline of a shorter night is steeper."""
    hours = (np.arange(round(minutes * 2)) + 0.5) / 120
    power = level * np.exp(FALL * hours + curvature * hours**2 + rng.normal(0, 0.15, len(hours)))
    onset_s = np.arange(len(hours)) * 30.0
    table = pd.DataFrame({"channel": CHANNEL, "onset_s": onset_s, "stage": "N2", "cycle": 1, "usable_s": 30.0})
    return table.assign(swa=power, process_s_band=power, total_power=1.5 * power)


def waves_of(rng, power):
    """Slow waves as dense as SWA is large, ten a minute at 100 µV²."""
    counts = rng.poisson(power / 20)
    times = np.repeat(np.arange(len(power)) * 30.0, counts) + rng.uniform(1, 29, counts.sum())
    table = pd.DataFrame(dict.fromkeys(WAVES.names, 1.0), index=range(len(times)))
    return table.assign(
        channel=CHANNEL,
        stage="N2",
        cycle=1,
        start_s=times - 0.2,
        negative_peak_s=times,
        midcrossing_s=times + 0.2,
        end_s=times + 0.6,
        negative_amplitude_uv=60.0,
        peak_to_peak_uv=110.0,
    )


def write(folder, subject, condition, rng, level):
    epochs = falling_epochs(rng, NREM_MIN[condition], level)
    power = epochs["swa"].to_numpy()
    waves = waves_of(rng, power)
    decline = summarize_decline(power, np.ones(len(power), bool), 30.0)
    values = {SWA: power.mean(), DENSITY: len(waves) / NREM_MIN[condition], DECLINE: decline[DECLINE][0]}
    values |= {"analysed_minutes": NREM_MIN[condition], "aperiodic_exponent": 2.0}
    rows = [(CHANNEL, "NREM", "night", name, "", value, "1", 1, "") for name, value in values.items()]
    night = Night(
        subject=subject,
        session=condition,
        condition=condition,
        measures=pd.DataFrame(rows, columns=NIGHT_MEASURES.names),
        waves=SlowWaves(
            table=waves,
            criteria=WaveCriteria(),
            analysed_min=pd.DataFrame({"channel": [CHANNEL], "stage": ["N2"], "minutes": [NREM_MIN[condition]]}),
            average=pd.DataFrame({"channel": ["x"], "time_s": [0.0], "mean_uv": [0.0]}),
        ),
        epochs=epochs,
        spectra=SPECTRA.empty(),
        spectrogram=pd.DataFrame({"channel": ["x"]}),
        hypnogram=make_hypnogram(["N2"] * len(epochs), 30.0),
        cycles=pd.DataFrame([(1, 0.0, len(epochs) * 30.0, np.nan, np.nan)], columns=CYCLES.names),
        summary={
            "channels": [CHANNEL],
            "sleep_onset_min": 0.0,
            "dose_s": None,
            "unusable_nrem_share": {CHANNEL: {"any": 0.0}},
        },
        notes=(),
    )
    write_night(NightFolder(folder, subject, condition), night, "f", {})


def crossover(folder, settings=None, n=8):
    """Long table of a crossover whose treatment does nothing but shorten the night."""
    rng = np.random.default_rng(11)
    tables = []
    for number in range(1, n + 1):
        subject = f"S{number:02}"
        level = 200 * np.exp(rng.normal(0, 0.3))
        for condition in NREM_MIN:
            write(folder, subject, condition, rng, level * np.exp(rng.normal(0, 0.05)))
        nights = tuple(NightOfSubject(name, name, name, adaptation=False) for name in NREM_MIN)
        task = SubjectTask(
            subject=subject,
            label=subject,
            nights=nights,
            baseline="placebo",
            results=folder,
            settings=settings or Settings(),
        )
        combine_subject(task)
        tables.append(pd.read_parquet(subject_file(folder, subject)))
    return pd.concat(tables, ignore_index=True)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    return crossover(tmp_path_factory.mktemp("cut"))


@pytest.fixture(scope="module")
def compared(rows):
    table = compare_nights(rows, baseline="placebo")
    return select(table, subject="group", channel=CHANNEL, window="night", stages="NREM").set_index(
        ["measure", "variant"]
    )


@pytest.mark.parametrize(("measure", "none"), [(SWA, 1.0), (DENSITY, 1.0), (DECLINE, 0.0)])
def test_unequal_nights_without_an_effect_are_alike_over_common_minutes(compared, measure, none):
    row = compared.loc[(measure, "")]
    assert row["ci_low"] < none < row["ci_high"]


def test_all_minutes_show_what_their_length_does(compared):
    assert compared.loc[(SWA, "all minutes"), "estimate"] > 1.1
    assert compared.loc[(SWA, "all minutes"), "ci_low"] > 1
    assert compared.loc[(DENSITY, "all minutes"), "ci_low"] > 1
    assert compared.loc[(DECLINE, "all minutes"), "ci_high"] < 0


def test_the_longer_night_is_cut_and_the_shorter_is_as_it_was(rows):
    minutes = select(rows, measure="analysed_minutes", subject="S01", channel=CHANNEL).set_index(["session", "variant"])
    assert minutes["value"].to_dict() == {
        ("placebo", ""): 210.0,
        ("placebo", "all minutes"): 280.0,
        ("verum", ""): 210.0,
        ("verum", "all minutes"): 210.0,
    }
    assert minutes.loc[("placebo", ""), "note"] == "the first 210 min of NREM"
    swa = select(rows, measure=SWA, subject="S01", session="verum", channel=CHANNEL)["value"]
    assert swa.nunique() == 1


def test_what_cannot_be_cut_stays_as_it_is(rows):
    assert set(select(rows, measure="aperiodic_exponent")["variant"]) == {""}


def test_without_the_setting_nothing_is_cut(tmp_path):
    found = crossover(tmp_path, Settings(windows={"common_minutes": False}), n=1)
    assert set(select(found, measure=SWA)["variant"]) == {""}
    assert select(found, measure="analysed_minutes", channel=CHANNEL)["value"].tolist() == [280.0, 210.0]


def test_a_measure_that_says_cut_and_is_not_measured_again_is_named(tmp_path, monkeypatch):
    measures = {*measures_over_night("cut"), "wave_of_mine"}
    monkeypatch.setattr("swa.study.common_minutes.measures_over_night", lambda _: measures)
    read = NightFolder.read

    def with_a_new_measure(folder, name):
        table = read(folder, name)
        own = select(table, measure=DENSITY).assign(measure="wave_of_mine") if name == "measures" else table.head(0)
        return pd.concat([table, own], ignore_index=True)

    monkeypatch.setattr(NightFolder, "read", with_a_new_measure)
    with pytest.raises(KeyError, match="wave_of_mine"):
        crossover(tmp_path, n=1)


@pytest.mark.parametrize("arms", [("ketamine", "placebo"), ("placebo", "a", "b", "a+b")])
def test_arms_are_adjusted_for_a_baseline_that_their_own_length_did_not_cut(arms):
    """Baselines cut to the short nights of one arm would fall faster than those of the other: a baseline difference."""
    rng, rows = np.random.default_rng(3), []
    for number, arm in enumerate(np.repeat(arms, 12)):
        for condition in ("baseline", arm):
            value, short = -0.4 + rng.normal(0, 0.005), -0.03 * (arm in ("ketamine", "a+b"))
            night = {"subject": f"S{number:02}", "session": condition, "condition": condition, "arm": arm}
            rows.append(night | {"variant": "", "value": value + short})
            rows.append(night | {"variant": "all minutes", "value": value + short * (condition != "baseline")})
    table = pd.DataFrame(rows).assign(
        channel=CHANNEL, stages="NREM", window="night", measure=DECLINE, unit="1/h", n=400, note=""
    )
    nights = table.drop_duplicates(["subject", "session"])[["subject", "session", "condition", "arm"]]
    settings = Settings(comparison={"primary": f"{DECLINE} NREM night {CHANNEL}"})
    compare = compare_nights if len(arms) == 2 else compare_combinations
    table = compare(table.drop(columns="arm"), nights=nights, settings=settings)
    found = table[table["method"].str.startswith("ANCOVA")].set_index("variant")
    assert found.loc["", "ci_low"] < 0 < found.loc["", "ci_high"]
    if "all minutes" in found.index:
        assert found.loc["all minutes", "ci_high"] < 0
