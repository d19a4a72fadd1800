"""The same night in every format that is read: found, measured alike, and what is no recording named."""

import datetime
import gzip
import shutil
import struct

import edfio
import numpy as np
import pytest

from swa.errors import RecordingError, StudyError
from swa.night.analysis import analyze_night
from swa.recordings.formats import ending_of, files_of, look_at, stem_of
from swa.recordings.recording import Recording, leave_out_blocks, read_recording
from swa.settings import Settings, check_settings
from swa.study.plan.inspection import inspect_study
from swa.study.plan.manifest import plan_study
from swa.study.plan.recording_search import find_recordings

RATE_HZ = 128.0
LABELS = ("F3-M2", "C4-M1")


@pytest.fixture(scope="module")
def hypnogram(make_hypnogram):
    return make_hypnogram("W*4 N1*2 N2*30 N3*40 N2*8 R*10")


@pytest.fixture(scope="module")
def night_uv(sleep_eeg, hypnogram):
    """47 min of two channels, as float32 holds them."""
    return np.stack([sleep_eeg(hypnogram, seed, RATE_HZ) for seed in range(len(LABELS))]).astype(np.float32)


def raw_of(signals_uv):
    mne = pytest.importorskip("mne")
    raw = mne.io.RawArray(signals_uv * 1e-6, mne.create_info(list(LABELS), RATE_HZ, "eeg"), verbose="error")
    return raw.set_meas_date(1_709_332_800.0)  # 2024-03-01 22:40


def write_brainvision(path, signals_uv):
    """Three files, as the BrainVision Recorder writes them: floats in µV, by the sample."""
    stem = path.stem
    channels = "\n".join(f"Ch{i}={label},,1,µV" for i, label in enumerate(LABELS, 1))
    path.write_text(
        "Brain Vision Data Exchange Header File Version 1.0\n\n[Common Infos]\nCodepage=UTF-8\n"
        f"DataFile={stem}.eeg\nMarkerFile={stem}.vmrk\nDataFormat=BINARY\nDataOrientation=MULTIPLEXED\n"
        f"NumberOfChannels={len(LABELS)}\nSamplingInterval={1e6 / RATE_HZ:g}\n\n[Binary Infos]\n"
        f"BinaryFormat=IEEE_FLOAT_32\n\n[Channel Infos]\n{channels}\n",
        encoding="utf-8",
    )
    path.with_suffix(".vmrk").write_text(
        "Brain Vision Data Exchange Marker File, Version 1.0\n\n[Common Infos]\nCodepage=UTF-8\n"
        f"DataFile={stem}.eeg\n\n[Marker Infos]\nMk1=New Segment,,1,1,0,20240301224000000000\n",
        encoding="utf-8",
    )
    path.with_suffix(".eeg").write_bytes(signals_uv.T.astype("<f4").tobytes())
    return path


def write_eeglab(path, signals_uv):
    """One file of MATLAB with the structure EEG."""
    from scipy.io import savemat

    places = np.zeros(len(LABELS), [("labels", object), *((name, object) for name in "XYZ")])
    places["labels"] = LABELS
    for name in "XYZ":
        places[name] = [np.zeros((0, 0))] * len(LABELS)
    n_channels, n_samples = signals_uv.shape
    eeg = {
        "setname": "night", "nbchan": float(n_channels), "trials": 1.0, "pnts": float(n_samples), "srate": RATE_HZ,
        "xmin": 0.0, "xmax": (n_samples - 1) / RATE_HZ, "data": signals_uv, "chanlocs": places,
        "event": np.zeros((0, 0)),
        "icawinv": np.zeros((0, 0)), "icaweights": np.zeros((0, 0)), "icasphere": np.zeros((0, 0)),
        "icaact": np.zeros((0, 0)), "epoch": np.zeros((0, 0)),
    }  # fmt: skip
    savemat(path, {"EEG": eeg}, appendmat=False)
    return path


def write_fif(path, signals_uv):
    raw_of(signals_uv).save(path, fmt="single", verbose="error")
    return path


def read_edf_as_floats(signals_uv):
    """The same samples in memory: what no format can be nearer to."""
    return Recording.from_raw(raw_of(signals_uv))


WRITERS = {"night.vhdr": write_brainvision, "night.set": write_eeglab, "night_raw.fif": write_fif}
KEYS = ["channel", "stages", "window", "measure", "variant"]


def measures_of(recording, hypnogram):
    return analyze_night(recording, hypnogram, Settings()).measures.set_index(KEYS)["value"]


@pytest.mark.parametrize("name", WRITERS)
def test_a_night_read_through_mne_has_the_same_measures(name, night_uv, hypnogram, tmp_path):
    path = WRITERS[name](tmp_path / name, night_uv)
    assert [found.name for found in find_recordings(tmp_path)] == [name]
    recording = read_recording(path)
    assert recording.path == path
    assert {channel.name for channel in recording.of_role("eeg")} == set(LABELS)
    expected = measures_of(read_edf_as_floats(night_uv), hypnogram)
    found = measures_of(recording, hypnogram).reindex(expected.index)
    assert np.array_equal(found.isna(), expected.isna())
    np.testing.assert_allclose(found.dropna(), expected.dropna(), rtol=1e-6)


def test_edf_measures_are_those_of_the_array_within_its_steps(night_uv, hypnogram, write_edf, tmp_path):
    """An EDF of 16 bit rounds each sample; the same rounded samples as BDF and through mne give the same numbers."""
    path = write_edf(tmp_path / "night.edf", dict(zip(LABELS, night_uv, strict=True)), RATE_HZ, limits=(-400.0, 400.0))
    recording = read_recording(path)
    source = recording.source
    rounded = np.concatenate(
        [np.stack([block[0].copy() for block in blocks]) for blocks in source.blocks([0, 1])], axis=1
    )
    raw_of(rounded).save(tmp_path / "other_raw.fif", fmt="double", verbose="error")
    signals = [
        edfio.BdfSignal(row, RATE_HZ, label=label, physical_dimension="uV", physical_range=(-400, 400),
                        digital_range=(-32768, 32767))
        for label, row in zip(LABELS, rounded, strict=True)
    ]  # fmt: skip
    edfio.Bdf(signals, starttime=datetime.time(22, 40)).write(tmp_path / "night.bdf")
    expected = measures_of(recording, hypnogram)
    for name in ("other_raw.fif", "night.bdf"):
        found = measures_of(read_recording(tmp_path / name), hypnogram).reindex(expected.index)
        assert np.array_equal(found.isna(), expected.isna())
        # SWA above the aperiodic line is a small difference of large powers: relative to those.
        np.testing.assert_allclose(found.dropna(), expected.dropna(), rtol=1e-6, atol=2e-6)


@pytest.mark.parametrize("name", ["night.rec", "night.EDF.gz", "night.rec.gz", "night", "night.edf+", "S01.dat"])
def test_an_edf_under_another_name_is_read_by_its_header(name, write_edf, tmp_path):
    signal = np.random.default_rng(0).normal(0, 20, 6000)
    plain = write_edf(tmp_path / "plain.edf", {"C4-M1": signal})
    folder = tmp_path / "study"
    folder.mkdir()
    data = plain.read_bytes()
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    assert [path.name for path in find_recordings(folder)] == [name]
    (expected,), (group,) = read_recording(plain).groups(), read_recording(folder / name).groups()
    assert np.array_equal(group.data_uv, expected.data_uv)
    (told,) = inspect_study(folder)["recordings"]
    assert told["start"] == "2024-03-01T22:40:00"


def test_what_was_unpacked_goes_with_the_recording(write_edf, tmp_path, monkeypatch):
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    path = write_edf(tmp_path / "a.edf", {"C4-M1": np.arange(6000.0) % 50})
    packed = tmp_path / "a.edf.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    recording = read_recording(packed)
    assert len(list(place.iterdir())) == 1
    del recording
    assert not list(place.iterdir())


def test_a_damaged_archive_is_a_sentence(tmp_path):
    path = tmp_path / "a.edf.gz"
    path.write_bytes(gzip.compress(b"0       " * 1000)[:40])
    assert look_at(path).is_recording
    with pytest.raises(RecordingError, match=r"a\.edf\.gz: cannot be unpacked with gzip"):
        read_recording(path)


def annotations_alone(path):
    import edfio

    edfio.Edf([], annotations=[edfio.EdfAnnotation(0, 30, "Sleep stage W")]).write(path)
    return path


def test_an_edf_of_annotations_alone_is_no_failed_night(write_edf, tmp_path):
    write_edf(tmp_path / "S1.edf", {"C4-M1": np.arange(6000.0) % 50})
    annotations_alone(tmp_path / "events of S1.edf")
    study = plan_study(tmp_path, None, Settings())
    assert list(study.nights["recording"]) == ["S1.edf"]
    assert "1 EDF files that hold annotations alone, no recordings: events of S1.edf" in study.notes


EYELINK = b"** DATE: Fri Mar  1 22:40:00 2024\n** TYPE: EDF_FILE BINARY EVENT SAMPLE TAGGED\n** VERSION: EYELINK II 1\n"


def test_a_file_of_an_eye_tracker_is_named(write_edf, tmp_path):
    write_edf(tmp_path / "S1.edf", {"C4-M1": np.arange(6000.0) % 50})
    eye = tmp_path / "gaze.edf"
    eye.write_bytes(EYELINK + bytes(1000))
    study = plan_study(tmp_path, None, Settings())
    assert list(study.nights["recording"]) == ["S1.edf"]
    assert "1 recordings of an EyeLink eye tracker, no recordings: gaze.edf" in study.notes
    with pytest.raises(RecordingError, match="EyeLink eye tracker"):
        read_recording(eye)


def test_a_folder_without_recordings_says_what_it_holds(tmp_path):
    for name in ("a.cnt", "b.cnt", "notes.txt"):
        (tmp_path / name).write_text("x")
    annotations_alone(tmp_path / "events.edf")
    with pytest.raises(StudyError) as told:
        plan_study(tmp_path, None, Settings())
    assert "it holds 2 .cnt, 1 .edf, 1 .txt" in str(told.value)
    assert "hold annotations alone, no recordings: events.edf" in str(told.value)
    assert "BrainVision (.vhdr), EEGLAB (.set)" in str(told.value)


@pytest.mark.parametrize(
    "name", ["night-epo.fif", "night_raw-1.fif", "sub-1_split-02_eeg.fif", "night.eeg", "night.vmrk", "night.edf.bak"]
)
def test_other_files_are_no_recordings(name, tmp_path):
    (tmp_path / name).write_bytes(b"0       " + b" " * 300)
    assert not look_at(tmp_path / name).is_recording


def test_a_set_of_another_program_is_no_recording(tmp_path):
    (tmp_path / "options.set").write_text("x = 1")
    assert not look_at(tmp_path / "options.set").is_recording


def test_a_recording_that_mne_cannot_read_is_a_sentence_without_its_folder(tmp_path, night_uv):
    path = write_brainvision(tmp_path / "night.vhdr", night_uv[:, :1000])
    path.with_suffix(".eeg").unlink()
    with pytest.raises(
        RecordingError, match=r"night\.vhdr: mne could not read it as a recording of BrainVision"
    ) as told:
        read_recording(path)
    assert str(tmp_path) not in str(told.value)


def test_all_files_of_a_recording_count_in_its_hash_and_its_copies(tmp_path, night_uv):
    from swa.study.plan.copies import find_copies

    paths = [
        write_brainvision(tmp_path / f"{name}.vhdr", night_uv[:, :4000] * size) for name, size in (("a", 1), ("b", 2))
    ]
    assert [file.suffix for file in files_of(paths[0])] == [".vhdr", ".eeg", ".vmrk"]
    assert find_copies([str(path) for path in paths]) == {}
    shutil.copy(paths[0].with_suffix(".eeg"), paths[1].with_suffix(".eeg"))
    assert find_copies([str(path) for path in paths]) == {1: 0}


def test_stages_that_are_marks_of_brainvision_last_an_epoch_each(tmp_path, night_uv):
    """Its markers last one sample, and the next begins the next epoch."""
    stages = ["Wake"] * 3 + ["N1"] * 2 + ["N2"] * 4 + ["N3"] * 2 + ["REM"] * 3
    n_samples = round(30 * RATE_HZ) * len(stages)
    path = write_brainvision(tmp_path / "night.vhdr", np.resize(night_uv, (len(night_uv), n_samples)))
    marks = [f"Mk{i + 2}=SleepStage,{name},{round(30 * RATE_HZ) * i + 1},1,0" for i, name in enumerate(stages)]
    with path.with_suffix(".vmrk").open("a", encoding="utf-8") as file:
        file.write("\n".join(marks) + "\n")
    (told,) = inspect_study(tmp_path)["recordings"]
    assert told["problems"] == []
    assert "scored by its annotations: 3.0 min of N2 and N3 in epochs of 30 s" in told["notes"]


def test_names_without_their_endings():
    assert [stem_of(name) for name in ("S01_drug.edf.gz", "S01_drug.vhdr", "S.01.EDF", "night")] == [
        "S01_drug", "S01_drug", "S.01", "night",
    ]  # fmt: skip
    assert [ending_of(name) for name in ("a.FIF.gz", "a.mff", "a.b.edf", "a.txt")] == [
        ".fif.gz",
        ".mff",
        ".edf",
        ".txt",
    ]


def test_the_scoring_of_a_packed_recording_is_found_beside_it_and_in_it(tmp_path, write_edf):
    import edfio

    edf = write_edf(tmp_path / "S1.edf", {"C4-M1": np.arange(30_000.0) % 50})
    for name in ("S1.edf.gz", "S2.edf.gz"):
        file = edfio.read_edf(edf)
        stages = enumerate(("W", "N2", "N3", "N2", "R")) if name == "S2.edf.gz" else ()
        file.set_annotations([edfio.EdfAnnotation(30 * i, 30, f"Sleep stage {stage}") for i, stage in stages])
        (tmp_path / name).write_bytes(gzip.compress(file.to_bytes()))
    edf.unlink()
    (tmp_path / "S1_stages.txt").write_text("\n".join(["W", "N2", "N3", "N2", "R", "W", "N2", "N2", "N2", "N2"]))
    study = plan_study(tmp_path, None, Settings())
    assert [path.rpartition("/")[2] for path in study.nights["hypnogram"]] == ["S1_stages.txt", "S2.edf.gz"]
    second = inspect_study(tmp_path)["recordings"][1]
    assert any("1.5 min of N2 and N3" in note for note in second["notes"])


def test_a_night_that_was_exported_beside_its_original_is_one_night(tmp_path, night_uv, write_edf):
    for name in ("S1_baseline", "S1_drug"):
        write_brainvision(tmp_path / f"{name}.vhdr", night_uv[:, :4000])
        edf = write_edf(tmp_path / f"{name}.edf", {"C4-M1": np.arange(6000.0) % 50})
        (tmp_path / f"{name}.edf.gz").write_bytes(gzip.compress(edf.read_bytes()))
    study = plan_study(tmp_path, None, Settings())
    assert list(study.nights["recording"]) == ["S1_baseline.edf", "S1_drug.edf"]
    assert "4 files that lie there as EDF or BDF too, no recordings: S1_baseline.edf.gz, S1_baseline.vhdr" in str(
        study.notes
    )


def test_a_study_of_packed_and_foreign_files_is_planned_by_their_names(tmp_path, night_uv, write_edf):
    write_brainvision(tmp_path / "S1_baseline.vhdr", night_uv[:, :4000])
    edf = write_edf(tmp_path / "x.edf", {"C4-M1": np.arange(6000.0) % 50})
    (tmp_path / "S1_drug.edf.gz").write_bytes(gzip.compress(edf.read_bytes()))
    edf.unlink()
    nights = plan_study(tmp_path, None, Settings()).nights
    assert list(nights["condition"]) == ["baseline", "drug"]


def test_the_folder_of_an_egi_recording_is_one_recording(tmp_path):
    pytest.importorskip("mffpy")
    from mffpy.bin_writer import BinWriter
    from mffpy.writer import Writer

    signals = np.random.default_rng(0).normal(0, 20, (33, 6000)).astype(np.float32)
    samples = BinWriter(sampling_rate=100)
    samples.add_block(signals)
    path = tmp_path / "S1.mff"
    writer = Writer(str(path))
    writer.addxml("fileInfo", recordTime=datetime.datetime(2024, 3, 1, 22, 40, tzinfo=datetime.UTC))
    writer.addbin(samples)
    writer.add_coordinates_and_sensor_layout("HydroCel GSN 32 1.0")
    writer.write()
    assert find_recordings(tmp_path) == find_recordings(path) == [path]
    assert list(plan_study(tmp_path, None, Settings()).nights["recording"]) == ["S1.mff"]
    group = next(read_recording(path).groups())
    assert [channel.name for channel in group.channels[:2]] == ["E1", "E2"]
    np.testing.assert_allclose(group.data_uv, signals[:8], atol=1e-4)


@pytest.mark.long
@pytest.mark.slow
def test_a_blinded_run_makes_pages_of_foreign_and_packed_recordings(tmp_path, night_uv, hypnogram, write_edf):
    from swa.pipeline import run_study

    folder = tmp_path / "study"
    folder.mkdir()
    write_brainvision(folder / "S1_baseline.vhdr", night_uv)
    louder = dict(zip(LABELS, 1.2 * night_uv, strict=True))
    plain = write_edf(tmp_path / "x.edf", louder, RATE_HZ, start=datetime.datetime(2024, 3, 8, 22, 40))
    (folder / "S1_drug.edf.gz").write_bytes(gzip.compress(plain.read_bytes()))
    rows = "subject,condition,recording,hypnogram\nS1,baseline,S1_baseline.vhdr,s.csv\nS1,drug,S1_drug.edf.gz,s.csv\n"
    (folder / "study.csv").write_text(rows)
    hypnogram.hypno.to_csv(folder / "s.csv")
    run = run_study(folder, tmp_path / "results", jobs=1, blind=True)
    assert list(run.nights["status"]) == ["done", "done"]
    assert (tmp_path / "results" / "index.html").is_file()
    rows = run.results.contrasts.query("measure == 'swa' and stages == 'NREM' and window == 'night' and variant == ''")
    np.testing.assert_allclose(np.abs(np.log(rows["estimate"])), 2 * np.log(1.2), rtol=1e-3)
    assert run_study(folder, tmp_path / "results", jobs=1, blind=True).n_fresh == 0


def test_segments_of_brainvision_are_joints(tmp_path, night_uv):
    path = write_brainvision(tmp_path / "a.vhdr", night_uv[:, :12800])
    with path.with_suffix(".vmrk").open("a", encoding="utf-8") as file:
        file.write("Mk2=New Segment,,6401,1,0,20240301230000000000\n")
    recording = read_recording(path)
    assert recording.pieces_s == ((0.0, 50.0), (50.0, 100.0))
    assert "joined from 2 recordings" in recording.notes[0]


def test_filters_of_the_header_are_those_that_mne_was_told(tmp_path, night_uv):
    raw = raw_of(night_uv[:, :12800]).filter(0.3, 35.0, verbose="error")
    raw.save(tmp_path / "night_raw.fif", verbose="error")
    recording = read_recording(tmp_path / "night_raw.fif", check_settings({}))
    assert recording.header_facts["C4-M1"]["prefilter"] == "HP:0.3Hz LP:35Hz"
    assert recording.low_pass_hz(recording.of_role("eeg")[1]) == 35.0


def test_a_head_shorter_than_a_header_is_no_edf(tmp_path):
    (tmp_path / "a.rec").write_bytes(struct.pack("<8s", b"0"))
    assert not look_at(tmp_path / "a.rec").is_recording


def test_files_of_one_signal_each_that_begin_together_are_one_recording(tmp_path, write_edf):
    """As ZMax has them; files of the same length under other names are nights of their own."""
    rng = np.random.default_rng(1)
    signals = {"EEG L": rng.normal(size=12_000), "EEG R": rng.normal(size=12_000), "dX": rng.normal(size=6_000)}
    rates = {"EEG L": 100.0, "EEG R": 100.0, "dX": 50.0}
    for label, samples in signals.items():
        write_edf(tmp_path / f"{label}.edf", {label: samples}, rates[label], limits=(-500, 500))
    assert [path.name for path in find_recordings(tmp_path)] == ["EEG L.edf"]
    recording = read_recording(tmp_path / "EEG L.edf")
    assert [channel.labels[0] for channel in recording.channels] == ["EEG L", "EEG R", "dX"]
    assert any(note.startswith("joined from 3 files of one signal each") for note in recording.notes)
    read = next(recording.groups("eeg")).data_uv
    for row, label in zip(read, ("EEG L", "EEG R"), strict=True):
        np.testing.assert_allclose(row, signals[label], atol=0.02)
    assert [file.name for file in files_of(tmp_path / "EEG L.edf")] == ["EEG L.edf", "EEG R.edf", "dX.edf"]
    assert len(read_recording(tmp_path / "EEG R.edf").channels) == 1
    (tmp_path / "EEG R.edf").rename(tmp_path / "S2.edf")
    assert [path.name for path in find_recordings(tmp_path)] == ["EEG L.edf", "S2.edf"]


@pytest.mark.parametrize("damaged", ["EEG L", "EEG R", "dX"])
@pytest.mark.parametrize("how", ["cut", "header", "line ends", "lost bytes", "zeros"])
def test_a_damaged_file_of_one_signal_costs_that_signal(tmp_path, write_edf, damaged, how):
    rng = np.random.default_rng(1)
    signals = {name: np.cumsum(rng.normal(size=24_000)) for name in ("EEG L", "EEG R", "dX")}
    signals = {name: 200 * np.sin(samples / 50) for name, samples in signals.items()}
    for label, samples in signals.items():
        write_edf(tmp_path / f"{label}.edf", {label: samples}, 100.0, limits=(-500, 500))
    path = tmp_path / f"{damaged}.edf"
    raw = path.read_bytes()
    path.write_bytes(
        {
            "cut": raw[:-9_000],
            "header": raw[:300],
            "line ends": raw[:512] + raw[512:].replace(b"\n", b"\r\n") + b"\r\n" * 40,
            "lost bytes": raw[:20_000] + raw[20_001:] + b"\0",
            "zeros": raw[:20_480] + bytes(2048) + raw[22_528:],
        }[how]
    )
    if damaged == "EEG L" and how == "header":
        with pytest.raises(RecordingError, match="cut off"):
            read_recording(tmp_path / "EEG L.edf")
        return
    recording = leave_out_blocks(read_recording(tmp_path / "EEG L.edf"))
    whole = {"EEG L", "EEG R"} - {damaged}
    group = next(recording.groups("eeg"))
    read = {channel.labels[0]: row for channel, row in zip(group.channels, group.data_uv, strict=True)}
    assert recording.duration_s == 240
    if how == "zeros":  # a few s of the night
        assert read.keys() == {"EEG L", "EEG R"}
        assert bool(recording.gaps) == (damaged != "dX")
    else:
        assert read.keys() == whole
        assert not recording.gaps
    if damaged != "dX" or how == "header":
        assert damaged in f"{recording.notes}{group.problems}"
    for label in read.keys() & whole if not recording.gaps else ():
        np.testing.assert_allclose(read[label], signals[label], atol=0.02)
