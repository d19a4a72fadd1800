"""A sampling rate in the header that is not that of the samples: all frequencies lie lower or higher."""

import numpy as np
import pandas as pd
import pytest

from swa.comparison.comparability import compare_facts
from swa.comparison.controls.facts import NightFacts
from swa.comparison.controls.reading import _shapes
from swa.comparison.spectral_scale import compare_shapes, shape_of
from swa.settings import Settings
from swa.tables.contrast import Contrast
from swa.tables.reason import in_words

HZ = np.arange(0, 45.1, 0.2)


def spectrum(slower=1.0, sigma_hz=13.3, sigma=1.5, alpha=0.8, gain=1.0, steeper=0.0, seed=0):
    """A NREM spectrum with peaks of alpha and sigma, as read at a rate that is too low by a factor."""
    hz = HZ * slower
    peaks = alpha * np.exp(-(((hz - 9.8) / 1.2) ** 2)) + sigma * np.exp(-(((hz - sigma_hz) / 0.9) ** 2))
    noise = np.random.default_rng(seed).normal(0, 0.03, len(hz))
    return gain * slower * (hz + 0.3) ** (-2.2 - steeper) * np.exp(peaks + noise)


@pytest.mark.parametrize("slower", [1.28, 1 / 1.28, 1.1, 1 / 1.1])
def test_a_spectrum_played_slower_or_faster_fits_by_that_factor_alone(slower):
    factor, gain = compare_shapes(shape_of(HZ, spectrum(slower, seed=1)), shape_of(HZ, spectrum(seed=2)))
    assert factor == pytest.approx(slower, rel=0.01)
    assert gain > 6


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"gain": 4.0, "steeper": 0.3},
        {"sigma": 2.0},
        {"sigma": 0.8},
        {"alpha": 0.2},
        {"sigma_hz": 13.5},
    ],
)
def test_spectra_of_one_person_fit_as_they_are(other):
    factor, gain = compare_shapes(shape_of(HZ, spectrum(seed=1, **other)), shape_of(HZ, spectrum(seed=2)))
    assert gain < 6 or abs(np.log(factor)) < 0.05


def test_a_spectrum_with_itself_and_one_that_ends_too_early():
    shape = shape_of(HZ, spectrum())
    assert compare_shapes(shape, shape) == (1.0, 1.0)
    assert shape_of(HZ[HZ < 20], spectrum()[HZ < 20]) is None
    assert shape_of(HZ, np.zeros(len(HZ))) is None


def found(before, after):
    nights = [
        NightFacts(
            subject="S01",
            session=condition,
            condition=condition,
            controls={},
            header={},
            nrem_min={},
            shape={"F3-M2": shape_of(HZ, density)},
        )
        for condition, density in (("baseline", before), ("ketamine", after))
    ]
    records = compare_facts(nights, [("S01", Contrast(treatment="ketamine", comparator="baseline"))], Settings(), None)
    return next(one for one in records if one.control == "time_scale")


@pytest.mark.parametrize(("slower", "said"), [(1.28, "× 0.78 of"), (1 / 1.28, "× 1.28 of")])
def test_a_night_at_another_rate_is_told_with_the_rate_as_the_reason(slower, said):
    told = found(spectrum(seed=1), spectrum(slower, seed=2))
    assert abs(told.ln_ratio) > told.limit
    assert said in in_words([told.doubt])
    assert "the sampling rate in the header of one of them is not that of its samples" in in_words([told.doubt])
    turned = found(spectrum(slower, seed=1), spectrum(seed=2))
    assert turned.ln_ratio == pytest.approx(-told.ln_ratio, abs=0.02)


def test_nights_whose_frequencies_fit_are_not_doubted():
    told = found(spectrum(seed=1), spectrum(sigma=2.0, gain=2.0, seed=2))
    assert told.doubt is None
    assert told.ln_ratio == 0


@pytest.mark.parametrize(("epochs", "rate_hz", "there"), [(40, 128.0, True), (39, 128.0, False), (400, 50.0, False)])
def test_short_nights_and_slow_recordings_have_no_spectrum_to_compare(epochs, rate_hz, there):
    table = pd.DataFrame({"frequency_hz": HZ, "density_uv2_hz": spectrum(), "n_epochs": epochs}).assign(
        channel="F3-M2", stages="NREM", window="night"
    )
    assert bool(_shapes(table, {"F3-M2": rate_hz})) == there
