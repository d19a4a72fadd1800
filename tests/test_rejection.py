"""What artefact rules remove is accounted for: of time, of SWA and of waves, and the result at other limits."""

import numpy as np
import pytest

from swa.measures.rejection import account_for_rules, compare_limits
from swa.recordings.spans import Spans


def test_each_rule_has_its_shares_and_all_together_their_union():
    nrem, muscle, focal = (Spans(np.array([edges])) for edges in ((0, 500), (0, 100), (50, 150)))
    windows = {"muscle": np.array([True, False, False, False]), "focal": np.array([True, True, False, False])}
    waves = np.array([[10, 60], [120, 180], [200, 260], [300, 360]])
    inside = np.array([True, True, True, False])
    power = np.array([6.0, 3.0, 1.0, 99.0])
    rows = {
        row[0]: row[1:5]
        for row in account_for_rules({"muscle": muscle, "focal": focal}, windows, nrem, inside, power, waves)
    }
    assert rows["muscle"] == pytest.approx((0.2, 0.6, 0.25, 4))
    assert rows["focal"] == pytest.approx((0.2, 0.9, 0.5, 4))
    assert rows["any"] == pytest.approx((0.3, 0.9, 0.5, 4))


def test_no_waves_have_no_share():
    nothing = np.zeros((0, 2), int)
    rows = account_for_rules(
        {"flat": Spans(nothing)},
        {"flat": np.zeros(1, bool)},
        Spans(np.array([[0, 10]])),
        np.ones(1, bool),
        np.ones(1),
        nothing,
    )
    assert np.isnan(rows[0][3])
    assert rows[0][1] == 0


def test_other_limits_are_ratios_to_those_in_use():
    nrem = Spans(np.array([[0, 400]]))
    waves = np.array([[10, 20], [110, 120], [210, 220], [310, 320]])
    epochs = np.array([0, 0, 1, 1])
    power = np.array([10.0, 30.0, 20.0, 20.0])
    nothing = (Spans(np.empty((0, 2), int)), np.zeros(4, bool))
    stricter = (Spans(np.array([[0, 100]])), np.array([True, False, False, False]))
    swa, density = compare_limits(nothing, stricter, nrem, epochs, power, waves)
    assert swa == pytest.approx(25 / 20)
    assert density == pytest.approx((3 / 300) / (4 / 400))
