"""What a notebook or a script may give and ask: a right answer, or a message that says what to do."""

import importlib

import numpy as np
import pandas as pd
import pytest

import swa
from swa.errors import SwaError


@pytest.fixture(scope="module")
def pair(make_hypnogram, make_recording, sleep_eeg):
    hypnogram = make_hypnogram("W*2 N2*10 N3*14 R*4")
    return make_recording({"C4-M1": sleep_eeg(hypnogram)}), hypnogram


@pytest.fixture(scope="module")
def waves(pair):
    return swa.detect_slow_waves(*pair)


def refused(call):
    with pytest.raises(SwaError) as error:
        call()
    return f"{error.value.problem} {error.value.remedy}"


def test_figures_can_be_imported_as_they_are_called():
    assert importlib.import_module("swa.figures") is swa.figures
    assert {"paired_changes", "forest", "slow_wave_average"} <= set(swa.figures.__all__)


def test_a_figure_shows_itself_in_a_notebook_without_pyplot(waves):
    figure = swa.figures.slow_wave_average(waves)  # one night's slow waves, without a condition
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert figure.axes[0].get_legend_handles_labels()[1][0].startswith("riedner2007")


def test_criteria_by_name_are_those_of_the_preset(pair):
    named, given = (
        swa.detect_slow_waves(*pair, criteria=one)
        for one in ("massimini2004", swa.WaveCriteria.preset("massimini2004"))
    )
    pd.testing.assert_frame_equal(named.select(), given.select())
    assert "massimini2004" in refused(lambda: swa.detect_slow_waves(*pair, criteria="masimini"))


def test_stages_that_are_no_hypnogram_are_told_what_to_make_of_them(pair):
    recording, hypnogram = pair
    names = hypnogram.hypno.astype(str)
    for stages in (list(names), names.to_numpy(), names, hypnogram.as_int().to_numpy()):
        said = refused(lambda stages=stages: swa.detect_slow_waves(recording, stages))
        assert type(stages).__name__ in said
        assert 'yasa.Hypnogram(stages, freq="30s")' in said


def test_epochs_of_mne_have_lost_the_night(pair):
    mne = pytest.importorskip("mne")
    raw = mne.io.RawArray(np.zeros((1, 6000)), mne.create_info(["C4-M1"], 100.0, "eeg"), verbose=False)
    epochs = mne.make_fixed_length_epochs(raw, 30.0, preload=True, verbose=False)
    for given in (epochs, epochs.average()):
        assert "of the whole night" in refused(lambda given=given: swa.analyze_night(given, pair[1]))


def test_slow_waves_of_swa_are_measured_as_a_table_of_them_is(pair, waves):
    who = {"subject": "S1", "condition": "baseline", "detector": "swa"}
    as_object = swa.measures_from_waves(waves, pair[1], **who)
    pd.testing.assert_frame_equal(as_object, swa.measures_from_waves(waves.select(), pair[1], **who))
    assert "pandas.concat" in refused(lambda: swa.compare_nights([waves, waves]))


def test_a_second_night_of_a_condition_asks_for_its_session(pair, waves):
    who = {"subject": "S1", "detector": "swa"}
    conditions = ("baseline", "baseline", "ketamine")
    table = pd.concat([swa.measures_from_waves(waves, pair[1], condition=name, **who) for name in conditions])
    assert "session=" in refused(lambda: swa.compare_nights(table))


def test_a_measure_that_does_not_exist_is_an_error_with_the_nearest(tmp_path, build):
    results = build(tmp_path / "results", [{"subject": "S1", "condition": "baseline"}])
    assert "'wave_density'" in refused(lambda: results.measure("wave_densty"))
    assert len(results.measure("wave_density"))
