"""The block bootstrap of a night: right about the night itself, and never about the effect of a drug."""

import math

import numpy as np
import pandas as pd
import pytest

from swa.comparison.further.precision import NOT_AN_EFFECT, rate_precision, read_spreads
from swa.measures.bootstrap import draw_blocks, resample_means
from swa.measures.windows import Stretch
from swa.settings import ComparisonSettings, Settings
from swa.study.bootstrap_spreads import PRECISION_MEASURES, measure_precision
from swa.tables.results_tables import PRECISION

SETTINGS = Settings()
PHI = 0.6  # of ln power from epoch to epoch, about its course, as in the nights of the simulator


def series(rng, n, nights=1, spread=0.7):
    """ln power of successive epochs, an AR(1) process of SD `spread`, one row a night."""
    values = np.empty((nights, n))
    values[:, 0] = rng.standard_normal(nights)
    for i in range(1, n):
        values[:, i] = PHI * values[:, i - 1] + math.sqrt(1 - PHI**2) * rng.standard_normal(nights)
    return spread * values


def course(n, cycle=140):
    """ln power of a night without chance: build-up and end of each cycle, and a fall over the night."""
    place = np.arange(n) % cycle / cycle
    return 1.5 * np.minimum(np.minimum(place / 0.4, 1), (1 - place) / 0.2 + 0.2) - np.arange(n) / 300


def bootstrap_se(power, block, reach=30, draws=1000):
    counts = draw_blocks(power.shape[-1], block, reach, draws, 1)
    return np.log(resample_means(power, np.ones_like(power), counts)).std(axis=-1, ddof=1)


def test_every_draw_holds_as_many_epochs_in_whole_blocks():
    counts = draw_blocks(23, 5, 4, 400, 3)
    assert counts.shape == (400, 23)
    assert (counts.sum(axis=1) == 23).all()
    assert counts.sum() / 400 == 23
    assert np.array_equal(counts, draw_blocks(23, 5, 4, 400, 3))
    assert np.array_equal(draw_blocks(10, 10, 4, 3, 0), np.ones((3, 10)))  # one block as long as the night is the night
    assert (counts[:, :5].sum(axis=1) <= 10).all()  # the first 5 epochs can be in the first two blocks alone


@pytest.mark.parametrize("with_course", [False, True])
def test_the_error_of_an_autocorrelated_night_is_that_of_many_such_nights(with_course):
    rng = np.random.default_rng(5)
    power = np.exp(series(rng, 630, nights=600) + with_course * course(630))
    true = np.log(power.mean(axis=1)).std(ddof=1)
    block = float(np.median(bootstrap_se(power[:40], 10)))
    alone = float(np.median(bootstrap_se(power[:40], 1)))
    anywhere = float(np.median(bootstrap_se(power[:40], 10, reach=630)))
    assert block == pytest.approx(true, rel=0.25)
    assert alone < 0.65 * true
    assert not with_course or anywhere > 1.4 * true


def test_it_covers_the_effect_of_a_drug_far_too_rarely():
    """Two nights of one person who differ by the spread between nights of METHODS: CV 40 %, ICC 0.9."""
    rng = np.random.default_rng(6)
    between = math.sqrt(math.log1p(0.4**2) * (1 - 0.9))
    n, effect = 300, math.log(1.2)
    level = rng.normal(0, between, (2, n))
    power = np.exp(series(rng, 600, nights=2 * n).reshape(2, n, 600) + level[:, :, None])
    power[1] *= math.exp(effect)
    error = np.hypot(*(bootstrap_se(power[k], 10) for k in (0, 1)))
    change = np.log(power[1].mean(axis=1) / power[0].mean(axis=1))
    covered = np.mean(np.abs(change - effect) < 1.96 * error)
    own = np.log(power[1].mean(axis=1) / power[0].mean(axis=1)) - (level[1] - level[0])
    assert 0.36 < covered < 0.61
    assert np.mean(np.abs(own - effect) < 1.96 * error) > 0.8  # of the difference of these two nights it tells enough


def stored(power, waves_s=(), *, usable=30.0, channel="F3-M2"):
    epochs = pd.DataFrame({"channel": channel, "swa": power})
    waves = pd.DataFrame({"channel": channel, "negative_peak_s": np.asarray(waves_s, float)})
    large = {"negative_amplitude_uv": 60.0, "positive_amplitude_uv": 40.0, "peak_to_peak_uv": 100.0, "duration_s": 1.2}
    start, middle, end = (waves["negative_peak_s"] + shift for shift in (-0.3, 0.2, 0.7))
    waves = waves.assign(**large, start_s=start, midcrossing_s=middle, end_s=end)
    inside = np.ones(len(power), bool)
    return epochs, waves, ([Stretch(stages="NREM", window="night", epochs=inside)], np.full(len(power), usable), 30.0)


def test_channels_share_their_blocks_so_a_region_is_no_surer_than_its_channels():
    power = np.exp(series(np.random.default_rng(7), 200)[0])
    parts = [
        stored(power * size, np.arange(100) * 55.0, channel=name) for name, size in (("F3-M2", 100), ("F4-M1", 90))
    ]
    epochs, waves = (pd.concat([part[k] for part in parts]) for k in (0, 1))
    stretches = {"F3-M2": parts[0][2], "F4-M1": parts[1][2]}
    table = measure_precision(epochs, waves, stretches, {"frontal": ["F3-M2", "F4-M1"]}, SETTINGS)
    rows = table.set_index(["measure", "channel"])
    for measure in PRECISION_MEASURES:
        assert rows.loc[(measure, "frontal"), "ln_se"] == pytest.approx(rows.loc[(measure, "F3-M2"), "ln_se"])
    assert rows.loc[("swa", "frontal"), "value"] == pytest.approx(power.mean() * math.sqrt(100 * 90))
    assert rows.loc[("wave_density", "F3-M2"), "value"] == pytest.approx(1.0)


def test_a_short_stretch_and_a_draw_without_waves_have_no_error_but_a_reason():
    short = measure_precision(*stored_night(np.ones(49)), {}, SETTINGS)
    assert short["ln_se"].isna().all()
    assert set(short["note"]) == {"49 epochs, 5 blocks of 10 are needed"}
    rare = measure_precision(*stored_night(np.ones(100), [65.0]), {}, SETTINGS).set_index("measure")
    assert rare.loc["swa", "ln_se"] == 0
    assert math.isnan(rare.loc["wave_density", "ln_se"])
    assert rare.loc["wave_density", "note"] == "not in every draw is there a wave"


def stored_night(power, waves_s=()):
    epochs, waves, own = stored(power, waves_s)
    return epochs, waves, {"F3-M2": own}


PAIR = {"contrast": "ketamine:baseline", "treatment": "ketamine", "comparator": "baseline"}
CONTRAST = PAIR | {"channel": "Cz", "stages": "NREM", "window": "night", "measure": "swa"}


def spreads(*nights):
    rows = [
        {"subject": "a", "session": f"{condition}{i}", "condition": condition, "value": 1.0, "ln_se": error, "n": 100}
        for i, (condition, error) in enumerate(nights)
    ]
    marker = {name: CONTRAST[name] for name in ("channel", "stages", "window", "measure")}
    return pd.DataFrame(rows).assign(**marker, note="")


def rate(table, **columns):
    row = {"subject": "a", "variant": "", "estimate": 1.2, "note": "x"} | CONTRAST | columns
    return rate_precision(pd.DataFrame([row, row | {"subject": "group"}]), table, ComparisonSettings())


def test_errors_of_nights_add_up_and_those_of_a_condition_are_averaged():
    found = rate(spreads(("baseline", 0.03), ("baseline", 0.04), ("ketamine", 0.06)))
    assert list(found.columns) == PRECISION.names
    assert len(found) == 1
    row = found.iloc[0]
    width = 1.959964 * math.sqrt((0.03**2 + 0.04**2) / 4 + 0.06**2)
    assert (row["estimate"], row["n"], row["note"]) == (1.2, 300, NOT_AN_EFFECT)
    assert [row["ci_low"], row["ci_high"]] == pytest.approx([1.2 / math.exp(width), 1.2 * math.exp(width)])


def test_without_an_error_or_an_estimate_the_reason_stands_there():
    lost = spreads(("baseline", math.nan), ("ketamine", 0.1)).assign(note=["why", ""])
    row = rate(lost).iloc[0]
    assert math.isnan(row["ci_low"])
    assert (row["method"], row["note"]) == ("", "no interval: why")
    row = rate(spreads(("baseline", 0.1), ("ketamine", 0.1)), estimate=math.nan, note="no baseline night").iloc[0]
    assert (row["n"], row["note"]) == (0, "no baseline night")
    assert rate(spreads(("ketamine", 0.1))).iloc[0]["note"] == "no interval: the errors of its nights are not stored"


def test_values_of_a_study_are_those_of_the_long_table_and_estimates_those_of_the_contrasts(studied):
    from swa.study.store import read_results
    from swa.tables.files import read_table

    results = read_results(studied / "results")
    keys = ["subject", "session", "channel", "stages", "window", "measure"]
    found = read_spreads(results.path, results.nights)
    both = found.merge(results.measures.query("variant == ''"), on=keys, suffixes=("", "_long"))
    assert len(both) == len(found) > 0
    assert set(both["channel"]) >= {"frontal", "central"}
    np.testing.assert_allclose(both["value"], both["value_long"], rtol=1e-5)
    table = read_table(results.path / "precision.tsv")
    contrasts = results.contrasts[results.contrasts["variant"].fillna("") == ""]
    shared = table.merge(contrasts, on=["subject", "contrast", *keys[2:]], suffixes=("", "_contrast"))
    assert len(shared) == len(table) > 0
    assert (shared["estimate"] == shared["estimate_contrast"]).all()
    assert (table["ci_low"] < table["estimate"]).all()
    page = (results.path / "sub-S01" / "sub-S01.html").read_text(encoding="utf-8")
    assert "This is not the uncertainty of a drug effect" in page
    assert 'href="../precision.tsv"' in page
