"""The start that a recording of each format states, and the order of nights by it."""

import datetime

import numpy as np
import pytest

from swa.recordings.mne_raw import start_of
from swa.recordings.recording import read_recording
from swa.recordings.starts import read_start
from swa.settings import Settings
from swa.study.plan.manifest import plan_study

mne = pytest.importorskip("mne")
FIRST = datetime.datetime(2024, 2, 1, 22, tzinfo=datetime.UTC)


def write_fif(folder, name, day):
    raw = mne.io.RawArray(
        np.zeros((1, 600)) + 1e-6 * len(name), mne.create_info(["C4-M1"], 100, "eeg"), verbose="error"
    )
    raw.set_meas_date(None if day is None else FIRST + datetime.timedelta(days=day))
    raw.save(folder / f"{name}_raw.fif", verbose="error")


def write_brainvision(folder, name, day):
    (folder / f"{name}.vhdr").write_text(
        "Brain Vision Data Exchange Header File Version 1.0\n\n[Common Infos]\n"
        f"DataFile={name}.eeg\nMarkerFile={name}.vmrk\nDataFormat=BINARY\nDataOrientation=MULTIPLEXED\n"
        "NumberOfChannels=1\nSamplingInterval=10000\n\n[Binary Infos]\nBinaryFormat=IEEE_FLOAT_32\n\n"
        "[Channel Infos]\nCh1=C4-M1,,1,uV\n",
        encoding="utf-8",
    )
    date = "" if day is None else (FIRST + datetime.timedelta(days=day)).strftime(",%Y%m%d%H%M%S000000")
    (folder / f"{name}.vmrk").write_text(
        "Brain Vision Data Exchange Marker File, Version 1.0\n\n[Common Infos]\n"
        f"DataFile={name}.eeg\n\n[Marker Infos]\nMk1=New Segment,,1,1,0{date}\n",
        encoding="utf-8",
    )
    (folder / f"{name}.eeg").write_bytes(np.full(600, len(name), "<f4").tobytes())


def write_egi(folder, name, day):
    """A folder of EGI, which says its date together with a time zone: the clock on the wall counts."""
    pytest.importorskip("mffpy")
    from mffpy.bin_writer import BinWriter
    from mffpy.writer import Writer

    samples = BinWriter(sampling_rate=100)
    samples.add_block(np.full((33, 600), len(name), np.float32))
    writer = Writer(str(folder / f"{name}.mff"))
    zone = datetime.timezone(datetime.timedelta(hours=-5))
    start = datetime.datetime(2000, 1, 1, 22) if day is None else FIRST + datetime.timedelta(days=day)
    writer.addxml("fileInfo", recordTime=start.replace(tzinfo=zone))
    writer.addbin(samples)
    writer.add_coordinates_and_sensor_layout("HydroCel GSN 32 1.0")
    writer.write()


def write_study(folder):
    """A study file without an order: names of FIF files end with `_raw`, which is no condition."""
    files = sorted(path.name for path in folder.iterdir() if path.suffix in (".fif", ".vhdr", ".mff"))
    rows = ["\t".join([*file.split(".")[0].removesuffix("_raw").split("_"), file]) for file in files]
    (folder / "study.tsv").write_text("\n".join(["subject\tcondition\trecording", *rows]) + "\n", encoding="utf-8")


WRITERS = {"fif": write_fif, "brainvision": write_brainvision, "egi": write_egi}


def test_the_clock_on_the_wall_counts_where_the_raw_says_its_zone(tmp_path):
    write_egi(tmp_path, "S1_baseline", 1)
    assert read_start(tmp_path / "S1_baseline.mff") == datetime.datetime(2024, 2, 2, 22)
    assert read_recording(tmp_path / "S1_baseline.mff").start == datetime.datetime(2024, 2, 2, 22)


@pytest.mark.parametrize(("offset", "hour"), [(None, 22), ("+02:00", 0), ("-0500", 17), ("somewhere", 22)])
def test_an_offset_from_utc_is_added_to_the_moment(offset, hour):
    raw = mne.io.RawArray(np.zeros((1, 600)), mne.create_info(["C4-M1"], 100, "eeg"), verbose="error")
    raw.set_meas_date(FIRST)
    with raw.info._unlock():
        raw.info["utc_offset"] = offset
    assert start_of(raw) == FIRST.replace(tzinfo=None) + datetime.timedelta(hours=(hour - 22 + 12) % 24 - 12)


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_dates_of_any_format_are_the_order_of_the_nights(tmp_path, write):
    days = {
        "S1_baseline": 1,
        "S1_ketamine": 8,
        "S2_baseline": 9,
        "S2_ketamine": 2,
        "S3_baseline": 4,
        "S3_ketamine": None,
    }
    for name, day in days.items():
        write(tmp_path, name, day)
    write_study(tmp_path)
    study = plan_study(tmp_path, None, Settings())
    assert list(study.nights["order"].fillna(0)) == [1, 2, 2, 1, 0, 0]
    (told,) = [note for note in study.notes if note.startswith("order of the nights")]
    assert "baseline, then ketamine in 1 of 3 subjects; ketamine, then baseline in 1" in told
    assert "not of S3" in told


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_stated_order_against_the_dates_of_any_format_is_told(tmp_path, write):
    names = ("S1_baseline", "S1_ketamine")
    for name, day in zip(names, (8, 1), strict=True):
        write(tmp_path, name, day)
    write_study(tmp_path)
    header, *rows = (tmp_path / "study.tsv").read_text(encoding="utf-8").splitlines()
    lines = [f"{header}\torder", *(f"{row}\t{place}" for place, row in enumerate(rows, 1))]
    (tmp_path / "study.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    study = plan_study(tmp_path, None, Settings())
    assert any("order: against the dates in the headers of S1" in note for note in study.notes)


def test_a_recording_that_cannot_be_read_states_no_start(tmp_path):
    (tmp_path / "S1_baseline_raw.fif").write_bytes(b"no recording")
    write_fif(tmp_path, "S1_ketamine", 3)
    write_study(tmp_path)
    study = plan_study(tmp_path, None, Settings())
    assert any("not known" in note for note in study.notes if note.startswith("order of the nights"))
