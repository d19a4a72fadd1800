"""Polarity that is reversed for a part of the night."""

import numpy as np
import pytest

from swa.comparison.comparability import compare_facts
from swa.comparison.controls.facts import NightFacts
from swa.comparison.controls.registry import RowKind, find_control
from swa.measures import asymmetry
from swa.settings import Settings
from swa.tables.contrast import Contrast
from swa.tables.reason import in_words

RATE_HZ = 25.0


def waves(minutes, seed=0, rate_hz=RATE_HZ):
    """A signal whose largest waves go further down than up, as a skewed noise does."""
    drawn = np.random.default_rng(seed).normal(size=round(minutes * 60 * rate_hz))
    return -(drawn + 0.04 * (drawn**2 - 1))


@pytest.mark.parametrize("rate_hz", [25.0, 100.0])
def test_each_part_of_a_night_has_its_own_asymmetry(rate_hz):
    signal = waves(150, rate_hz=rate_hz)
    signal[: round(60 * 60 * rate_hz)] *= -1
    taken = np.ones(len(signal), bool)
    taken[: round(15 * 60 * rate_hz)] = False  # wake
    whole, parts = asymmetry.of_night(signal, taken, rate_hz)
    assert len(parts) == 3
    assert parts[0] < -0.06
    assert min(parts[1:]) > 0.06
    assert parts[0] < whole < max(parts)


def test_minutes_that_are_no_whole_part_count_for_the_night_alone():
    signal = waves(44)
    whole, parts = asymmetry.of_night(signal, np.ones(len(signal), bool), RATE_HZ)
    assert whole > 0.06
    assert parts == ()
    assert np.isnan(asymmetry.of_night(signal[: 19 * 1500], np.ones(19 * 1500, bool), RATE_HZ)[0])


@pytest.mark.parametrize("step", [0.0, 0.5, 1e9])  # as it is, of few values, all alike
@pytest.mark.parametrize("n_samples", [1, 40, 401, 5000])
def test_ends_are_the_quantiles_of_numpy_to_the_last_bit(n_samples, step):
    signal = waves(200)[:n_samples]
    signal = np.round(signal / step) * step if step else signal
    for share in (0.005, 0.995):
        assert asymmetry._near_end(signal, share) == np.quantile(signal, share)


def found(*parts):
    nights = [
        NightFacts(
            subject="S01",
            session=condition,
            condition=condition,
            controls={},
            header={},
            nrem_min={},
            asymmetry_parts={"F3-M2": own},
        )
        for condition, own in zip(("baseline", "ketamine"), parts, strict=True)
    ]
    records = compare_facts(nights, [("S01", Contrast(treatment="ketamine", comparator="baseline"))], Settings(), None)
    return [one for one in records if one.control == "polarity"]


@pytest.mark.parametrize(
    ("before", "after", "turned"),
    [
        ((0.1, 0.09), (-0.1, 0.1), "min 0 to 45 of NREM"),
        ((0.1, -0.09, 0.1), (0.1, 0.1), "min 45 to 90 of NREM"),
        ((0.1, 0.09), (0.1, 0.1), ""),
        ((0.1, 0.09), (-0.05, 0.1), ""),  # K-complexes are few: no polarity
        ((-0.05, -0.07), (-0.07, 0.02), ""),  # a person whose waves are so
        ((0.1, np.nan), (0.1, -0.1), ""),
    ],
)
def test_waves_reversed_in_the_same_part_of_one_night_are_told(before, after, turned):
    (told,) = found(before, after)
    assert (told.doubt is not None) == bool(turned)
    assert turned in in_words(told.notes)
    if turned:
        assert told.ln_ratio >= told.limit
        assert "in the latter for a part of the night" in in_words([told.doubt])


def test_nights_shorter_than_a_part_are_not_held_against_each_other():
    assert not found((), (0.1,))
    assert not found((np.nan,), (0.1,))


def test_polarity_of_a_part_is_no_doubt_about_power():
    control = find_control("polarity")
    kind = {"channel": "frontal", "gain_free": False, "over_night": False}
    assert control.matters(RowKind(**kind, of_waves=True))
    assert not control.matters(RowKind(**kind))
