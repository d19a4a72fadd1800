"""Settings: TOML in and out, and what a wrong key or value is told."""

import math
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from swa.errors import SettingsError
from swa.settings import (
    PRESETS,
    Settings,
    WaveCriteria,
    check_settings,
    given_or_default,
    read_results_settings,
    read_settings,
    releases,
)


def test_defaults_read_back_from_toml_are_equal(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text(Settings().to_toml(), encoding="utf-8")
    assert read_settings(path) == Settings()


def test_the_settings_of_a_release_are_all_of_its_values_and_own_ones_go_over_them():
    """A default that changes before 0.2 is released is changed in swa/releases/swa-0.2.toml too; never afterwards."""
    assert releases() == ["swa-0.2"]
    assert check_settings({"settings": "swa-0.2"}) == Settings()
    own = {"power": {"swa_hz": [0.75, 4.5]}, "waves": {"name": "massimini2004"}}
    assert check_settings({"settings": "swa-0.2"} | own) == check_settings(own)
    with pytest.raises(SettingsError, match=r"'swa-9' is no release.*Known are swa-0\.2"):
        check_settings({"settings": "swa-9"})


def test_what_a_release_had_and_no_setting_brings_back_is_told(tmp_path, monkeypatch, capsys):
    from swa_cli.main import main

    (tmp_path / "swa-0.1.toml").write_text('power.swa_hz = [0.5, 4.5]\n[changed]\nswa_decline = "the fit is another"\n')
    monkeypatch.setattr("swa.settings.RELEASES", tmp_path)
    (tmp_path / "own.toml").write_text('settings = "swa-0.1"\n')
    with pytest.raises(SystemExit):
        main(["inspect", str(tmp_path / "nowhere"), "--settings", str(tmp_path / "own.toml")])
    assert "note: swa-0.1: swa_decline cannot be reproduced: the fit is another" in capsys.readouterr().err
    assert read_settings(tmp_path / "own.toml").power.swa_hz == (0.5, 4.5)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_survives_toml(name, tmp_path):
    settings = Settings(waves=WaveCriteria.preset(name))
    path = tmp_path / "settings.toml"
    path.write_text(settings.to_toml(), encoding="utf-8")
    assert read_settings(path) == settings


@given(
    st.floats(90, 1000),
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        st.sampled_from(["eeg", "ignore"]),
    ),
    st.tuples(st.floats(1, 99), st.one_of(st.floats(100, 900), st.just(math.inf))),
)
def test_any_settings_survive_toml(rate_hz, roles, negative_uv):
    values = {"signal": {"rate_hz": rate_hz}, "channels": {"roles": roles}, "waves": {"negative_uv": negative_uv}}
    settings = check_settings(values)
    assert check_settings(tomllib.loads(settings.to_toml())) == settings


def test_every_key_stands_with_its_meaning_as_a_comment():
    for line in Settings().to_toml().splitlines():
        if " = " in line and not line.startswith("#"):
            assert len(line.partition("  # ")[2]) > 1, line


def test_what_a_file_does_not_name_keeps_its_default(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text("[windows]\nmatched_min = 45\n", encoding="utf-8")
    settings = read_settings(path)
    assert settings.windows.matched_min == 45
    assert settings.power == Settings().power


def test_a_file_with_a_byte_order_mark_is_read(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_bytes("\ufeff[windows]\nmatched_min = 45\n".encode())
    assert read_settings(path).windows.matched_min == 45


def test_an_unknown_key_is_named_with_the_nearest_known_one():
    with pytest.raises(SettingsError, match=r"'windows\.mached_min'.*did you mean 'windows\.matched_min'"):
        check_settings({"windows": {"mached_min": 60}})


def test_a_wrong_value_is_named_with_its_key_and_the_allowed_range():
    with pytest.raises(SettingsError, match=r"signal\.rate_hz = 20.*90"):
        check_settings({"signal": {"rate_hz": 20}})


def test_every_wrong_key_is_named_at_once():
    with pytest.raises(SettingsError) as error:
        check_settings({"signal": {"rate_hz": 20}, "windows": {"nonsense": 1}})
    assert "signal.rate_hz" in str(error.value)
    assert "windows.nonsense" in str(error.value)


@pytest.mark.parametrize("text", ["= 1", "[windows", "a = nope"])
def test_a_file_that_is_no_toml_is_an_error_with_a_remedy(tmp_path, text):
    path = tmp_path / "settings.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"settings\.toml.*not readable as TOML"):
        read_settings(path)


def test_a_missing_file_is_an_error():
    with pytest.raises(SettingsError, match="no such settings file"):
        read_settings("nowhere.toml")


def test_settings_are_immutable():
    with pytest.raises(ValidationError):
        Settings().windows.matched_min = 1


def test_a_key_beside_a_preset_overrides_it():
    criteria = check_settings({"waves": {"name": "massimini2004", "halfwave_s": [0.2, 1.0]}}).waves
    assert criteria.halfwave_s == (0.2, 1.0)
    assert criteria.negative_uv == (80.0, math.inf)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"band_hz": (5, 1)}, r"band_hz = \(5, 1\): the lower limit must be below the upper"),
        ({"filter_order": 9}, r"filter_order = 9: .* less than or equal to 8"),
        ({"peak_prominence": "much", "times_mean": -1}, "times_mean = -1.*peak_prominence = 'much'"),
        ({"negative_ub": (40, 200)}, "did you mean 'negative_uv'"),
        ({"name": "riedner"}, "is no preset; expected one of riedner2007"),
    ],
)
def test_a_wrong_value_of_ones_own_criteria_is_named(values, message):
    with pytest.raises(SettingsError, match=message):
        WaveCriteria(**values)


@pytest.mark.parametrize("value", [True, False, [1.0, True]])
@pytest.mark.parametrize("key", ["power.window_s", "waves.filter_order", "power.swa_hz", "homeostasis.tau_h"])
def test_true_and_false_are_no_numbers(key, value):
    group, name = key.split(".")
    with pytest.raises(SettingsError, match=rf"{group}\.{name} = .*number"):
        check_settings({group: {name: value}})


def test_all_problems_of_nested_settings_are_told_at_once():
    with pytest.raises(SettingsError, match=r"windows\.matched_min = 0.*waves\.filter_order = 9"):
        check_settings({"waves": {"filter_order": 9}, "windows": {"matched_min": 0}})


@pytest.mark.parametrize("name", PRESETS)
def test_criteria_that_differ_from_a_preset_do_not_go_by_its_name(name, tmp_path):
    assert WaveCriteria.preset(name).name == name
    own = WaveCriteria(name=name, peak_prominence=0.2)
    assert own.name == "own"
    assert own.band_hz == WaveCriteria.preset(name).band_hz
    (tmp_path / "own.toml").write_text(Settings(waves=own).to_toml(), encoding="utf-8")
    assert read_settings(tmp_path / "own.toml").waves == own


def test_an_unknown_preset_is_told_the_known_ones():
    with pytest.raises(SettingsError, match="riedner2007"):
        WaveCriteria.preset("riedner")
    with pytest.raises(SettingsError, match="massimini2004"):
        check_settings({"waves": {"name": "massimini"}})


def test_bands_have_the_names_of_their_measures():
    assert Settings().power.bands_hz == {
        "swa": (0.5, 4),
        "slow_oscillation_power": (0.5, 1),
        "delta_power": (1, 4),
        "theta_power": (4, 8),
        "alpha_power": (8, 12),
        "sigma_power": (11, 16),
        "beta_power": (16, 30),
    }


def test_one_baseline_name_may_stand_without_brackets():
    assert check_settings({"comparison": {"baseline": "vehicle"}}).comparison.baseline == ("vehicle",)


def test_changed_criteria_are_checked_and_lose_the_name_of_their_preset():
    own = WaveCriteria.preset("massimini2004").model_copy(update={"peak_to_peak_uv": (60.0, 400.0)})

    assert (own.name, own.negative_uv) == ("own", (80.0, math.inf))
    with pytest.raises(SettingsError, match="lower limit must be below"):
        own.model_copy(update={"peak_to_peak_uv": (400.0, 60.0)})


@pytest.mark.parametrize("wrong", [{}, "yasa", WaveCriteria()])
def test_what_is_no_settings_is_told(wrong):
    with pytest.raises(SettingsError, match=rf"Expected swa.Settings, got {type(wrong).__name__}"):
        given_or_default(wrong, Settings)


def test_a_control_that_is_not_known_is_refused_with_the_nearest_name():
    with pytest.raises(SettingsError, match=r"caution\.1 = 'clippping': .*\(did you mean 'clipping'\?\)"):
        check_settings({"comparability": {"caution": ["gain", "clippping"]}})
    with pytest.raises(SettingsError, match="did you mean 'sustained'"):
        check_settings({"cycles": {"sleep_onset": "sustain"}})


def test_a_setting_of_an_earlier_version_is_told_as_gone() -> None:
    with pytest.raises(SettingsError, match=r"mixed_model_missing' is gone: .*; leave it out\.[^.]"):
        check_settings({"comparison": {"mixed_model_missing": 0.2}})


def test_results_of_an_earlier_version_are_read_without_the_settings_that_are_gone(tmp_path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("[comparison]\nmixed_model_missing = 0.2\n[waves]\nfilter_order = 3\n", encoding="utf-8")
    assert read_results_settings(path).waves.filter_order == 3
    path.write_text("[comparison]\nmixed_modell = 0.2\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="unknown key 'comparison"):
        read_results_settings(path)
