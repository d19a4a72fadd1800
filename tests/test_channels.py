"""Roles, names and derivations from labels, one test a rule."""

import os
import warnings
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swa.recordings.channels import (
    Channel,
    SignalInfo,
    assign_channels,
    normalise_unit,
    order_for_staging,
    region,
    region_channels,
)
from swa.settings import ChannelSettings

SHARED = Path(os.environ.get("SWA_SHARED_DATA", Path(__file__).parents[1].parent / "shared" / "data"))


def signal(label, rate_hz=256.0, unit="uV"):
    return SignalInfo(label=label, rate_hz=rate_hz, unit=unit)


def assign(*signals, **settings):
    infos = [signal(item) if isinstance(item, str) else item for item in signals]
    return assign_channels(infos, ChannelSettings(**settings))


def used(channels):
    return {channel.name: channel for channel in channels if channel.role != "ignore"}


def by_label(channels, label) -> Channel:
    return next(channel for channel in channels if channel.labels == (label,))


@pytest.mark.parametrize(
    ("label", "name", "role"),
    [
        ("C4-LER", "C4-LER", "eeg"),  # MASS
        ("EEG C3-CLE", "C3-CLE", "eeg"),
        ("C4-LM", "C4-LM", "eeg"),
        ("C3-G2", "C3-G2", "eeg"),
        ("C3-x", "C3-x", "eeg"),
        ("EEG F4-EEG M1", "F4-M1", "eeg"),
        ("C3 (A2)", "C3-A2", "eeg"),
        ("C3-A2-0", "C3-A2", "eeg"),  # mne's number of a label that repeats
        ("C3-0", "C3", "eeg"),
        ("EEG Channel-1", "EEG Channel-1", "eeg"),
        ("EEG Ch 2", "EEG Ch 2", "eeg"),
        ("PSG_C3", "C3", "eeg"),  # BOAS
        ("PSG_O2", "O2", "eeg"),
        ("PSG_EOGL", "EOGL", "eog"),
        ("PSG_EOG", "PSG_EOG", "eog"),
        ("PSG_EMG", "PSG_EMG", "emg"),
        ("Lefteye", "Lefteye", "eog"),  # UCDDB
        ("RightEye", "RightEye", "eog"),
        ("C3A2", "C3-A2", "eeg"),
        ("C4-M1", "C4-M1", "eeg"),
        ("C4-A1", "C4-A1", "eeg"),
        ("EEG C4-A1", "C4-A1", "eeg"),
        ("EEG Fpz-Cz", "Fpz-Cz", "eeg"),
        ("EEG FPZ-CZ", "Fpz-Cz", "eeg"),
        ("EEG(sec)", "EEG(sec)", "eeg"),
        ("EEG 2", "EEG 2", "eeg"),
        ("C4:M1", "C4-M1", "eeg"),
        ("C4/M1", "C4-M1", "eeg"),
        ("C4_M1", "C4-M1", "eeg"),
        ("C4 – M1", "C4-M1", "eeg"),
        ("c4m1", "C4-M1", "eeg"),
        ("EEGC4A1", "C4-A1", "eeg"),
        ("[C3 - A2]", "C3-A2", "eeg"),
        ("C4-(M1+M2)/2", "C4-M1M2", "eeg"),
        ("EEG F3-LE", "F3-LE", "eeg"),
        ("EEG T4-REF", "T4-Ref", "eeg"),
        ("POz", "POz", "eeg"),
        ("FP2", "Fp2", "eeg"),
        ("AF7", "AF7", "eeg"),
        ("T10", "T10", "eeg"),
        ("E1-M2", "E1-M2", "eog"),
        ("E1", "E1", "eog"),
        ("LOC", "LOC", "eog"),
        ("ROC", "ROC", "eog"),
        ("LOC-A2", "LOC-A2", "eog"),
        ("EEG LOC-REF", "LOC-Ref", "eog"),
        ("EOG horizontal", "EOG horizontal", "eog"),
        ("EOG EOG1", "EOG1", "eog"),
        ("EOG1-A1", "EOG1-A1", "eog"),
        ("EOGl:M2", "EOGL-M2", "eog"),
        ("EOG(L)", "EOG(L)", "eog"),
        ("HEOG", "HEOG", "eog"),
        ("Left eye", "Left eye", "eog"),
        ("Chin", "Chin", "emg"),
        ("EMG Chin", "Chin", "emg"),
        ("Chin1-Chin2", "Chin1-Chin2", "emg"),
        ("EMG submental", "EMG submental", "emg"),
        ("EMG EMG1", "EMG1", "emg"),
        ("EMG1", "EMG1", "emg"),
        ("Mentón", "Mentón", "emg"),
        ("ECG", "ECG", "ecg"),
        ("EKG II", "EKG II", "ecg"),
        ("EEG EKG1-REF", "EEG EKG1-REF", "ecg"),
    ],
)
def test_label_gives_name_and_role(label, name, role):
    (channel,) = assign(label)
    assert (channel.name, channel.role) == (name, role)
    assert channel.labels == (label,)


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ("C3 Impédance", "impedance"),
        ("C3 Imp\ufffd\ufffddance", "impedance"),
        ("C4-M1 (Imp)", "impedance"),
        ("Jambe droite Imp", "impedance"),
        ("ECG_Imp", "impedance"),
        ("Leg", "muscle"),
        ("EMG Tib", "muscle"),
        ("L-Leg", "muscle"),
        ("PLMl", "muscle"),
        ("Resp oro-nasal", "respiration"),
        ("Airflow", "respiration"),
        ("NEW AIR", "respiration"),
        ("H.R.", "pulse"),
        ("OX stat", "oxygen"),
        ("CPAP machine", "respiration"),
        ("SpO2", "oxygen"),
        ("SaO2", "oxygen"),
        ("PSG_SPO2", "oxygen"),
        ("PSG_PULSE", "pulse"),
        ("PSG_BEAT", "pulse"),
        ("PSG_THER", "respiration"),
        ("PSG_ABD", "respiration"),
        ("hypnogram", "scoring"),
        ("Event marker", "marker"),
        ("Status", "status"),
        ("EEG Event", "marker"),
        ("EDF Annotations", "annotations"),
        ("Temp rectal", "temperature"),
        ("EEG A2-A1", "mastoid against mastoid"),
        ("M1-C4", "inverted"),
        ("M1", "mastoid"),
        ("EEG C3P-REF", "not recognised"),
        ("E3", "not recognised"),
        ("", "not recognised"),
    ],
)
def test_label_is_ignored_with_reason(label, reason):
    (channel,) = assign(label)
    assert channel.role == "ignore"
    assert reason in channel.note


class TestDerivations:
    def test_contralateral_mastoid_for_either_side(self):
        channels = used(assign("C3", "C4", "F3", "F4", "M1", "M2"))
        assert set(channels) == {"C3-M2", "C4-M1", "F3-M2", "F4-M1"}
        assert channels["C4-M1"].signals == (1, 4)
        assert channels["C4-M1"].labels == ("C4", "M1")
        assert channels["C4-M1"].note == "C4 minus contralateral mastoid M1"

    def test_mastoid_says_where_it_went(self):
        assert by_label(assign("C4", "F4", "M1"), "M1").note == "reference electrode, used in C4-M1, F4-M1"

    def test_a1_and_a2_serve_where_there_is_no_m1_and_m2(self):
        assert set(used(assign("C3", "C4", "A1", "A2"))) == {"C3-A2", "C4-A1"}

    def test_midline_goes_against_m1_or_what_there_is(self):
        assert set(used(assign("Cz", "M1", "M2"))) == {"Cz-M1"}
        assert set(used(assign("Cz", "M2"))) == {"Cz-M2"}

    def test_eyes_like_eeg(self):
        assert set(used(assign("E1", "E2", "M1", "M2"))) == {"E1-M2", "E2-M1"}
        assert set(used(assign("LOC", "ROC", "A1", "A2"))) == {"LOC-A2", "ROC-A1"}

    def test_ipsilateral_mastoid_alone_is_not_used(self):
        channel = used(assign("C4", "M2"))["C4"]
        assert channel.signals == (0,)
        assert "no contralateral mastoid" in channel.note

    def test_no_mastoid_keeps_recorded_reference(self):
        assert used(assign("EEG F3"))["F3"].note.startswith("recorded reference")

    def test_common_reference_is_kept(self):
        assert "recorded reference LE" in used(assign("EEG C4-LE", "EEG A2-A1"))["C4-LE"].note

    def test_common_reference_cancels_against_mastoid_with_the_same(self):
        assert used(assign("C4-Ref", "M1-Ref"))["C4-M1"].signals == (0, 1)
        assert set(used(assign("C4-Ref", "M1"))) == {"C4-Ref"}

    def test_ready_derivation_wins_over_referential(self):
        channels = assign("C4", "C4-M1", "M1", "E1", "E1-M2", "M2")
        assert set(used(channels)) == {"C4-M1", "E1-M2"}
        assert used(channels)["C4-M1"].signals == (1,)
        assert by_label(channels, "C4").note == "C4-M1 is in the file"

    def test_bipolar_eeg_does_not_replace_referential(self):
        assert set(used(assign("C4", "C4-P4", "M1"))) == {"C4-M1", "C4-P4"}

    def test_different_rates_are_not_subtracted(self):
        channel = used(assign("C4", signal("M1", rate_hz=200)))["C4"]
        assert "M1 has another rate or unit" in channel.note

    def test_different_units_are_not_subtracted(self):
        assert used(assign("C4", signal("M1", unit="mV")))["C4"].signals == (0,)


class TestNets:
    def test_egi_electrodes_are_not_eyes(self):
        channels = used(assign(*[f"E{number}" for number in range(1, 129)]))
        assert {channel.role for channel in channels.values()} == {"eeg"}
        assert region("E1") == ""

    def test_two_eyes_are_no_net(self):
        assert {channel.role for channel in used(assign("E1", "E2", "C4-M1")).values()} == {"eog", "eeg"}

    def test_biosemi_a1_is_no_mastoid_and_c4_not_central(self):
        channels = used(assign(*[f"{letter}{number}" for letter in "ABC" for number in range(1, 33)]))
        assert len(channels) == 96
        assert all(channel.role == "eeg" and region(channel.name) == "" for channel in channels.values())

    def test_nox_chin_electrodes(self):
        channels = used(assign("1", "2", "F", "1-2", "1-F", "2-F"))
        assert {channel.role for channel in channels.values()} == {"emg"}
        assert set(channels) == {"Chin1-2", "Chin1-F", "Chin2-F"}
        assert used(assign("1-2")) == {}


class TestDuplicates:
    def test_second_is_ignored(self):
        first, second = assign("C4-M1", "C4-M1")
        assert (first.role, first.name) == ("eeg", "C4-M1")
        assert second.role == "ignore"
        assert second.name == "C4-M1 (2)"
        assert "duplicate label" in second.note

    def test_same_canonical_name_is_a_duplicate(self):
        assert len(used(assign("EEG C4-A1", "C4:A1"))) == 1

    def test_faster_one_is_kept(self):
        _, second = assign(signal("C4-M1", rate_hz=128), signal("C4-M1", rate_hz=256))
        assert second.role == "eeg"


class TestSettings:
    def test_role_overrides_label(self):
        (channel,) = assign("Lead 3", roles={"Lead 3": "eeg"})
        assert (channel.name, channel.role, channel.note) == ("Lead 3", "eeg", "role from the settings or channels.tsv")

    def test_role_whatever_case_and_spaces(self):
        assert assign("LEAD  3", roles={"lead 3": "emg"})[0].role == "emg"

    def test_ignore_overrides_label(self):
        assert used(assign("C4-M1", roles={"C4-M1": "ignore"})) == {}

    def test_same_role_keeps_derivation(self):
        assert set(used(assign("C4", "M1", roles={"C4": "eeg"}))) == {"C4-M1"}

    def test_unit_overrides_header(self):
        assert assign(signal("C4", unit="%"), units={"C4": "uV"})[0].unit == "uV"


class TestNames:
    def test_a_name_stands_for_a_label(self):
        channels = assign("EEG", "EEG(sec)", "ECG", names={"EEG": "C4-A1", "EEG(sec)": "C3-A2"})
        assert list(used(channels)) == ["C4-A1", "C3-A2", "ECG"]
        assert channels[1].labels == ("EEG(sec)",)
        assert channels[1].note == "as recorded"  # the derivation, by which nights are compared

    def test_named_electrodes_are_read_against_a_named_mastoid(self):
        channels = used(assign("Lead 1", "Lead 2", names={"lead  1": "C4", "Lead 2": "M1"}))
        assert channels["C4-M1"].labels == ("Lead 1", "Lead 2")

    def test_a_pattern_takes_what_is_left(self):
        channels = used(assign("HB F3 [raw]", "HB M2 [raw]", names={"hb * [raw]": "*"}))
        assert set(channels) == {"F3-M2"}

    def test_a_label_wins_over_a_pattern_and_the_first_pattern_over_later_ones(self):
        names = {"X*": "O1", "X2*": "O2", "X1": "C3"}
        assert [channel.name for channel in assign("X1", "X2", names=names)] == ["C3", "O1"]

    def test_other_letters_of_a_pattern_mean_themselves(self):
        (channel,) = assign("EEGx1", names={"EEG.*": "C3", "EEG[0-9]*": "C4"})
        assert channel.role == "ignore"

    def test_role_and_unit_go_by_the_label_of_the_file(self):
        (channel,) = assign(signal("Lead", unit=""), names={"Lead": "Top"}, roles={"Lead": "eeg"}, units={"Lead": "uV"})
        assert (channel.name, channel.role, channel.unit) == ("Top", "eeg", "uV")

    def test_a_net_is_told_by_the_names(self):
        channels = used(assign(*[f"{number}" for number in range(1, 20)], names={"*": "E*"}))
        assert {channel.role for channel in channels.values()} == {"eeg"}


class TestShortLeads:
    @pytest.mark.parametrize("name", ["F4-C4", "Fp2-F4", "C4-P4", "P4-O2", "Pz-Oz", "Fp1-F7", "F7-T3", "T5-O1"])
    def test_neighbours(self, name):
        (channel,) = assign(name)
        assert "short bipolar lead" in channel.note

    @pytest.mark.parametrize("name", ["Fpz-Cz", "F3-F4", "F3-O1", "C3-C4", "C4-A1", "F3-Ref", "C3-x", "Cz", "Fp1-O1"])
    def test_others(self, name):
        (channel,) = assign(name)
        assert "short" not in channel.note

    def test_they_make_no_region_beside_channels_with_a_reference(self):
        names = ["Fp2-F4", "F4-C4", "C4-P4", "C4-A1", "F3-A2"]
        assert region_channels(names, ["frontal", "central"]) == {"frontal": ["F3-A2"], "central": ["C4-A1"]}
        assert region_channels(names[:4], ["frontal", "central"]) == {"central": ["C4-A1"]}

    def test_they_make_regions_of_their_own_where_there_is_nothing_else(self):
        names = ["Fp2-F4", "F4-C4", "C4-P4", "Chin"]
        assert region_channels(names, ["frontal", "central"]) == {"frontal": names[:2], "central": names[2:3]}


class TestUnitsAndRates:
    def test_unknown_unit_stays_unknown(self):
        (channel,) = assign(signal("C4-M1", unit=""))
        assert (channel.role, channel.unit) == ("eeg", "")

    @pytest.mark.parametrize("unit", ["Ohm", "kΩ", "%", "mmHg", "Hz"])
    def test_other_quantity_is_ignored(self, unit):
        (channel,) = assign(signal("O2", unit=unit))
        assert channel.role == "ignore"
        assert "not a voltage" in channel.note

    def test_too_slow_for_eeg(self):
        (channel,) = assign(signal("EEG C4-A1", rate_hz=32))
        assert channel.role == "ignore"
        assert "32 Hz" in channel.note

    def test_too_slow_even_when_set(self):
        assert assign(signal("Lead", rate_hz=1), roles={"Lead": "eog"})[0].role == "ignore"

    @pytest.mark.parametrize("text", ["uV", "UV", "uv", "µV", "μV", " uV ", "Âµv", "\ufffdV", "microvolts", "[uV]"])
    def test_microvolt(self, text):
        assert normalise_unit(text) == "uV"

    @pytest.mark.parametrize(
        ("text", "unit"),
        [("mV", "mV"), ("mv", "mV"), ("MV", ""), ("V", "V"), ("v", "V"), ("", ""), ("nV", ""), ("Ohm", "")],
    )
    def test_other_units(self, text, unit):
        assert normalise_unit(text) == unit


class TestStaging:
    def names(self, *signals):
        return [channel and channel.name for channel in order_for_staging(assign(*signals))]

    def test_central_left_eye_and_chin_first(self):
        labels = ("O2-M1", "F4-M1", "C3-M2", "C4-M1", "E2-M1", "E1-M2", "EMG1", "Chin", "ECG")
        assert self.names(*labels) == ["C4-M1", "E1-M2", "Chin"]

    @pytest.mark.parametrize(
        ("labels", "first"),
        [
            (("C3-M2", "C4"), "C3-M2"),
            (("C4-LE", "C3-LE", "Cz"), "C4-LE"),
            (("Fpz-Cz", "Pz-Oz"), "Fpz-Cz"),
            (("Fpz-Cz", "Cz-M1"), "Cz-M1"),
            (("O1", "F3"), "F3"),
            (("O1", "CP1"), "CP1"),
            (("EEG(sec)",), "EEG(sec)"),
        ],
    )
    def test_eeg_order(self, labels, first):
        assert self.names(*labels)[0] == first

    def test_vertical_eye_channel_last(self):
        assert self.names("VEOG", "REOG", "HEOG")[1] == "HEOG"

    def test_absent(self):
        assert self.names("ECG") == [None, None, None]

    def test_slow_emg_is_not_used(self):
        assert self.names("EEG Fpz-Cz", "EOG horizontal", signal("EMG submental", rate_hz=1)) == [
            "Fpz-Cz",
            "EOG horizontal",
            None,
        ]

    def test_50_hz_is_enough_for_eyes_only(self):
        slow = [signal(label, rate_hz=50) for label in ("C3-A1", "EOG1-A1", "Chin")]
        assert self.names(*slow) == [None, "EOG1-A1", None]


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("Fpz-Cz", "frontal"), ("F3", "frontal"), ("FC1-M2", "frontal"), ("AFz", "frontal"), ("C4-M1", "central"),
        ("CP3", "central"), ("P4", "parietal"), ("PO7", "parietal"), ("T4", "temporal"), ("FT9", "temporal"),
        ("TP8", "temporal"), ("O2-M1", "occipital"), ("Iz", "occipital"), ("EEG(sec)", ""), ("Flow", ""), ("", ""),
    ],
)  # fmt: skip
def test_region(name, place):
    assert region(name) == place


PARTS = [
    "EEG",
    "EOG",
    "EMG",
    "C4",
    "C3",
    "F4",
    "Cz",
    "M1",
    "M2",
    "A1",
    "E1",
    "LOC",
    "Ref",
    "-",
    " ",
    ":",
    "(",
    ")",
    "é",
    "Chin",
]
SIGNALS = st.lists(
    st.builds(
        SignalInfo,
        label=st.text(max_size=16) | st.lists(st.sampled_from(PARTS), max_size=5).map("".join),
        rate_hz=st.sampled_from([0.0, 1.0, 50.0, 128.0, 256.0, float("nan"), float("inf")]),
        unit=st.text(max_size=8) | st.sampled_from(["uV", "mV", "UV", "Ohm", ""]),
    ),
    max_size=12,
)


@given(SIGNALS)
def test_any_labels_give_unique_names_and_lose_no_signal(signals):
    channels = assign_channels(signals, ChannelSettings())
    names = [channel.name.casefold() for channel in channels]
    assert len(set(names)) == len(names)
    assert {position for channel in channels for position in channel.signals} == set(range(len(signals)))
    assert all(channel.rate_hz >= 50 for channel in channels if channel.role in ("eeg", "eog"))
    assert all(channel.note for channel in channels)
    order_for_staging(channels)


@given(SIGNALS, st.randoms())
def test_order_of_signals_does_not_matter(signals, random):
    def as_bag(signals):
        channels = assign_channels(signals, ChannelSettings())
        return Counter((c.name, c.role, c.labels, repr(c.rate_hz), c.unit, c.note) for c in channels)

    shuffled = list(signals)
    random.shuffle(shuffled)
    assert as_bag(signals) == as_bag(shuffled)


@given(st.text())
def test_units_never_fail(text):
    assert normalise_unit(text) in ("uV", "mV", "V", "")


@pytest.mark.skipif(not (SHARED / "recordings").is_dir(), reason="the real recordings are not beside the checkout")
@pytest.mark.parametrize(
    ("file", "eeg", "eog", "emg", "staging"),
    [
        ("nap_10ch_256hz.edf", {"F3", "F4", "C3", "C4", "O1", "O2"}, {"EOG1", "EOG2"}, {"EMG1", "EMG2"}, "C4"),
        ("cycle_1ch_100hz.edf", {"C3-A2"}, set(), set(), "C3-A2"),
        ("dreams_excerpt3_units_UV.edf", {"O1-A1", "C3-A1", "Fp1-A1"}, {"EOG1-A1", "EOG2-A1"}, {"EMG1"}, None),
        (
            "nox_90_signals.edf",
            {"C3-M2", "C4-M1", "F3-M2", "F4-M1", "O1-M2", "O2-M1"},
            {"E1-M2", "E2-M1"},
            {"Chin1-2", "Chin1-F", "Chin2-F"},
            "C4-M1",
        ),
        ("sleep_edf_first_5min.edf", {"Fpz-Cz", "Pz-Oz"}, {"EOG horizontal"}, {"EMG submental"}, "Fpz-Cz"),
    ],
)
def test_real_recordings(file, eeg, eog, emg, staging):
    edfio = pytest.importorskip("edfio")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one of the files is cut in its last record
        edf = edfio.read_edf(SHARED / "recordings" / file)
    channels = assign_channels(
        [signal(s.label, s.sampling_frequency, s.physical_dimension) for s in edf.signals], ChannelSettings()
    )
    found = {role: {c.name for c in channels if c.role == role} for role in ("eeg", "eog", "emg")}
    assert found == {"eeg": eeg, "eog": eog, "emg": emg}
    chosen = order_for_staging(channels)[0]
    assert (chosen.name if chosen else None) == staging
