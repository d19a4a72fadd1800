"""Recordings as labs really have them: every row of docs/recordings.md, gaps, privacy, and a small fuzz."""

import base64
import importlib.util
import json
import re
import sys
import urllib.parse
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from swa.errors import RecordingError
from swa.measures.artifacts import Trace, find_artifacts
from swa.night.analysis import analyze_night
from swa.pipeline import run_study
from swa.recordings.edf import record_times
from swa.recordings.edf.header import read_header
from swa.recordings.recording import Recording, read_recording
from swa.recordings.signal_source import BLOCK_S
from swa.study.plan.inspection import inspect_study

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def load(name):
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


cases = load("recording_cases")


def signal_of(path, name="C4-M1"):
    for group in read_recording(path).groups():
        for channel, row in zip(group.channels, group.data_uv, strict=True):
            if channel.name == name:
                return row
    raise AssertionError(f"{name} is not there")


# --- the table ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", cases.CASES, ids=lambda case: case.name)
def test_every_case_ends_as_the_table_says(case, tmp_path, request):
    data = request.getfixturevalue("shared_data") if case.real else tmp_path
    path = cases.make_file(case, tmp_path, data)
    outcome, says, recording = cases.outcome_of(path)
    assert outcome == case.outcome, says
    assert re.search(case.says, says, re.DOTALL), says
    if outcome in ("refused", "left out"):
        assert path.name in says
    if case.same:
        width = read_header(path).width
        bdf = tmp_path / "whole"
        bdf.write_bytes(cases.base(bdf=width == 3))
        np.testing.assert_allclose(signal_of(path), signal_of(bdf), atol=0.06)
        assert recording.duration_s == cases.SECONDS


def test_the_table_of_the_documentation_names_every_case():
    page = BENCHMARKS.parent / "docs" / "recordings.md"
    text = page.read_text(encoding="utf-8")
    assert cases.BEGIN in text
    missing = [case.name for case in cases.CASES if f"| {case.name} |" not in text]
    assert not missing, "run benchmarks/recording_cases.py --write docs/recordings.md"


def test_inspection_of_every_case_ends_in_sentences(tmp_path):
    for number, case in enumerate(cases.CASES):
        if not case.real:
            path = tmp_path / f"S{number:02d}_baseline{case.suffix}"
            path.write_bytes(case.make())
    found = inspect_study(tmp_path)
    by_name = {recording["recording"]: recording for recording in found["recordings"]}
    for number, case in enumerate(cases.CASES):
        if not case.real:
            recording = by_name[f"S{number:02d}_baseline{case.suffix}"]
            assert (recording["duration_s"] is None) == (case.outcome == "refused"), case.name
    json.dumps(found)
    first = by_name["S00_baseline.edf"]
    assert first["gaps"] == [[30.0, 130.0]]
    assert first["clock"] == "22:40:00"


# --- gaps ---------------------------------------------------------------------------------------------------------

GAP = (600, 700)  # s
HYPNOGRAM = "W*4 N2*14 N3*20 R*12 N2*32 N3*50 R*12 W*6"  # 75 min: the second hour lies behind the gap


@pytest.fixture(scope="module")
def gapped(sleep_eeg, make_hypnogram, tmp_path_factory):
    """The same night whole, and without its samples from 600 to 700 s."""
    import edfio

    folder = tmp_path_factory.mktemp("gap")
    hypnogram = make_hypnogram(HYPNOGRAM)
    signal = sleep_eeg(hypnogram, seed=4)
    t = np.arange(len(signal)) / 100
    signal += 20 * np.exp(-(((t % 8) - 4) ** 2) / 0.18) * np.sin(2 * np.pi * 13.5 * t)  # a spindle every 8 s
    paths = {}
    for name, kept in (("whole", signal), ("gapped", np.delete(signal, slice(GAP[0] * 100, GAP[1] * 100)))):
        channel = edfio.EdfSignal(kept, 100, label="C4-M1", physical_dimension="uV", physical_range=(-3200, 3200))
        path = folder / f"{name}.edf"
        annotations = [edfio.EdfAnnotation(0, None, "x" * 20)]
        edfio.Edf([channel], annotations=annotations, data_record_duration=1).write(path)
        if name == "gapped":
            path.write_bytes(cases.interrupt(path.read_bytes(), {GAP[0]: GAP[1] - GAP[0]}))
        paths[name] = path
    return paths, hypnogram


@pytest.fixture(scope="module")
def nights(gapped):
    paths, hypnogram = gapped
    return {name: analyze_night(read_recording(path), hypnogram) for name, path in paths.items()}


def test_a_gap_keeps_its_place(gapped):
    paths, _ = gapped
    whole, gapped_night = (read_recording(path) for path in paths.values())
    assert gapped_night.gaps == ((600.0, 700.0),)
    assert gapped_night.duration_s == whole.duration_s
    assert gapped_night.notes == (
        "interrupted: 1 gap of 100 s in all, the longest at 600 s; they keep their place and are unusable",
    )
    (group,) = gapped_night.groups()
    (reference,) = whole.groups()
    assert group.pieces == ((0, 60_000), (70_000, group.data_uv.shape[1]))
    for first, end in group.pieces:
        ours, theirs = group.data_uv[0, first:end], reference.data_uv[0, first:end]
        np.testing.assert_allclose(ours, theirs, atol=1e-4 + 5 * (first > 0))  # a piece begins with a held sample
        np.testing.assert_allclose(ours[100:-100], theirs[100:-100], atol=1e-4)
    inside = group.data_uv[0, 60_000:70_000]
    assert np.ptp(inside) == 0
    assert abs(inside[0]) < 5
    share = gapped_night.gap_share_per(30.0)
    assert share.tolist() == [0.0] * 20 + [1.0, 1.0, 1.0, 10 / 30] + [0.0] * (len(share) - 24)


def test_measures_outside_a_gap_are_those_of_the_whole_night(nights):
    whole, gapped_night = nights["whole"], nights["gapped"]
    columns = ["swa", "sigma_power", "delta_power"]
    before, after = whole.epochs, gapped_night.epochs
    outside = ~before["onset_s"].between(GAP[0] - 30, GAP[1])
    # Float32 sums of the same windows; those that touch the gap are in the epochs beside it.
    pd.testing.assert_frame_equal(before.loc[outside, columns], after.loc[outside, columns], rtol=1e-5)
    np.testing.assert_array_equal(before.loc[outside, "usable_s"], after.loc[outside, "usable_s"])
    assert after.loc[after["onset_s"].between(GAP[0], GAP[1] - 30), "usable_s"].eq(0).all()
    assert after.loc[after["onset_s"].between(GAP[0], GAP[1] - 31), "swa"].isna().all()
    pd.testing.assert_frame_equal(whole.cycles, gapped_night.cycles)


def test_waves_after_a_gap_are_at_their_time(nights):
    """To a thousandth of a sample, from 5 s off the gap's edges on, where the filter has settled."""
    columns = ["start_s", "negative_peak_s", "midcrossing_s", "positive_peak_s", "end_s", "peak_to_peak_uv"]
    columns += ["slope_up_uv_s", "nrem_min"]
    whole, gapped_night = (nights[name].waves.table for name in ("whole", "gapped"))
    far = (whole["end_s"] < GAP[0] - 5) | (whole["start_s"] > GAP[1] + 5)
    kept = (gapped_night["end_s"] < GAP[0] - 5) | (gapped_night["start_s"] > GAP[1] + 5)
    pd.testing.assert_frame_equal(
        whole.loc[far, columns].reset_index(drop=True),
        gapped_night.loc[kept, columns].reset_index(drop=True),
        atol=1e-4,
        rtol=1e-4,
    )
    assert (whole["start_s"] > GAP[1] + 5).sum() > 500
    assert not gapped_night["negative_peak_s"].between(*GAP).any()
    assert not ((gapped_night["start_s"] < GAP[1]) & (gapped_night["end_s"] > GAP[0])).any()


def test_hours_and_unusable_time_count_the_gap(nights):
    whole, gapped_night = nights["whole"], nights["gapped"]
    row = "window == 'hour-1' and measure == 'analysed_minutes'"
    minutes = [night.measures.query(row)["value"].item() for night in (whole, gapped_night)]
    assert minutes[0] - minutes[1] == pytest.approx(100 / 60, abs=0.02)
    share = gapped_night.summary["unusable_nrem_share"]["C4-M1"]
    nrem_s = 116 * 30
    assert share["gap"] == pytest.approx(100 / nrem_s)
    assert share["flat"] == share["clipped"] == 0
    assert share["any"] == pytest.approx(share["gap"], abs=0.01)


def test_cycles_behind_a_gap_have_the_measures_of_the_whole_night(nights):
    keys = ["window", "stages", "measure", "variant"]
    whole, gapped_night = (
        night.measures.query("window == 'cycle-2'").set_index(keys)["value"] for night in nights.values()
    )
    spindles = whole.index.get_level_values("measure").str.startswith("spindle")
    assert {"swa", "wave_density", "aperiodic_exponent"} <= set(whole.index.get_level_values("measure"))
    pd.testing.assert_series_equal(whole[~spindles], gapped_night[~spindles], rtol=1e-4)
    # The limit of YASA's RMS is that of all N2 and N3 of the night, of which the gap took 100 s.
    pd.testing.assert_series_equal(whole[spindles], gapped_night[spindles], rtol=0.03)
    assert whole["cycle-2", "NREM", "spindle_density", ""] == pytest.approx(60 / 8, rel=0.15)


def test_mean_spectra_behind_a_gap_are_those_of_the_whole_night(nights):
    columns = ["stages", "frequency_hz", "density_uv2_hz", "n_epochs"]
    whole, gapped_night = (
        night.spectra.query("window == 'cycle-2'")[columns].reset_index(drop=True) for night in nights.values()
    )
    assert len(whole) > 100
    pd.testing.assert_frame_equal(whole, gapped_night, rtol=1e-5)


@pytest.mark.parametrize("rate_hz", [128, 200, 256])
def test_pieces_are_resampled_for_themselves(rate_hz, tmp_path, make_recording):
    """A sine and an offset of each piece of its own: no ringing at the edges of the gap, times right after it."""
    seconds, gap = 20, (8, 12.5)
    t = np.arange(round((seconds - (gap[1] - gap[0])) * rate_hz)) / rate_hz
    true_t = np.where(t < gap[0], t, t + gap[1] - gap[0])
    recording = make_recording({"C4-M1": 40 * np.sin(2 * np.pi * 1.3 * true_t) + 500 * (t >= gap[0])}, float(rate_hz))
    recording = dataclass_replace(recording, duration_s=float(seconds), gaps=(gap,))
    (group,) = recording.groups()
    assert group.pieces == ((0, 800), (1250, 2000))
    expected_t = np.arange(2000) / 100
    expected = 40 * np.sin(2 * np.pi * 1.3 * expected_t) + 500 * (expected_t >= gap[1])
    for first, end in group.pieces:
        np.testing.assert_allclose(group.data_uv[0, first + 20 : end - 20], expected[first + 20 : end - 20], atol=0.5)


def dataclass_replace(recording, **changes):
    import dataclasses

    return dataclasses.replace(recording, **changes)


def test_what_stands_at_the_limit_on_both_sides_of_a_gap_is_no_run(make_recording):
    signal = np.random.default_rng(0).normal(0, 20, 4000)
    recording = make_recording({"C4-M1": signal}, clipped={0: slice(1998, 2002)})
    (group,) = dataclass_replace(recording, duration_s=50.0, gaps=((20.0, 30.0),)).groups()
    assert not group.clipped.any()
    (group,) = recording.groups()
    assert group.clipped.sum() == 4


def test_the_muscle_median_runs_over_what_was_recorded():
    """A gap of a third of the median's length must not make the quiet windows beside it bursts."""
    from swa.measures.power import compute_window_spectra

    signal = np.random.default_rng(0).normal(0, 10, 60_000).astype(np.float32)
    signal[20_000:38_000] = 0
    spectra = compute_window_spectra(signal, 100.0)
    muscle = spectra.band_power((26.25, 32.0))
    clipped = np.zeros(len(signal), bool)
    trace = Trace(signal_uv=signal, clipped=clipped, rate_hz=100.0, pieces=[(0, 20_000), (38_000, 60_000)])
    found = find_artifacts(trace, spectra.starts, spectra.length, muscle)
    assert not found.samples["muscle"]
    assert found.samples["gap"].n_samples == 18_000
    assert not found.samples["flat"]
    assert not found.samples["gap"].shared(found.samples["amplitude"])


def test_mne_joins_pieces_and_is_found_out(gapped):
    mne = pytest.importorskip("mne")
    paths, _ = gapped
    raw = mne.io.read_raw_edf(paths["gapped"], verbose="error")
    with pytest.raises(RecordingError, match=r"mne has joined the pieces.*read_recording"):
        Recording.from_raw(raw)
    whole = mne.io.read_raw_edf(paths["whole"], verbose="error")
    assert Recording.from_raw(whole).gaps == ()


def test_a_fraction_of_a_second_at_the_start_is_kept(tmp_path):
    data = cases.interrupt(cases.roomy(cases.base()), {0: 0.25}, "EDF+C")
    path = tmp_path / "a.edf"
    path.write_bytes(data)
    recording = read_recording(path)
    assert recording.start.isoformat() == "2024-03-01T22:40:00.250000"
    assert recording.gaps == ()


def test_jitter_of_the_clock_is_no_gap():
    onsets = np.arange(100.0) + np.random.default_rng(0).uniform(-0.002, 0.002, 100)
    assert record_times._find_pieces(onsets, 1.0, "a.edf").gaps == ()


# --- record times of real systems


def _find(onsets, record_s=1.0):
    return record_times._find_pieces(np.asarray(onsets), record_s, "a.edf")


def test_records_of_a_duration_that_eight_letters_round_are_no_pieces():
    onsets = np.arange(30_000) * 0.9765625
    assert _find(onsets, 0.976563).gaps == ()
    assert _find(np.round(onsets, 3), 0.976563).gaps == ()


@pytest.mark.parametrize("ppm", [20, -20, 150])
def test_a_clock_that_drifts_is_told_and_makes_no_gap(ppm):
    times = _find(np.arange(28_800) * (1 + ppm * 1e-6))
    assert times.gaps == ()
    assert f"drifts by {ppm:+.1f} ppm" in times.notes[0]


@pytest.mark.parametrize("ppm", [20, -20])
def test_a_gap_of_a_clock_that_drifts_keeps_its_place(ppm):
    onsets = np.arange(20_000) * (1 + ppm * 1e-6)
    onsets[10_000:] += 30
    (gap,) = _find(onsets).gaps
    np.testing.assert_allclose(gap, (10_000, 10_030 + 0.01 * ppm), atol=0.01)
    onsets[10_000:] -= 29.9  # shorter than what the clock is ahead
    ((start_s, end_s),) = _find(onsets).gaps
    assert end_s >= start_s


def test_jitter_of_twelve_ms_is_no_gap_and_a_gap_beside_it_is():
    onsets = np.arange(5000) + np.random.default_rng(0).uniform(-0.012, 0.012, 5000)
    assert _find(onsets).gaps == ()
    onsets[2500:] += 2
    assert len(_find(onsets).gaps) == 1


def test_a_small_gap_of_a_good_clock_is_one():
    onsets = np.arange(5000.0)
    onsets[2500:] += 0.02
    np.testing.assert_allclose(_find(onsets).gaps, [(2500, 2500.02)])


def test_record_times_at_another_rate_are_refused():
    with pytest.raises(RecordingError, match="lasts 1003"):
        _find(np.arange(1001) * 1.003)


# --- samples ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bdf", [False, True])
def test_samples_equal_those_of_edfio(bdf, tmp_path):
    import edfio

    path = tmp_path / "a.bin"
    path.write_bytes(cases.base(bdf=bdf))
    theirs = (edfio.read_bdf if bdf else edfio.read_edf)(path).signals[1].data
    ours = np.concatenate([samples.copy() for ((samples, *_),) in read_recording(path).source.blocks([1])])
    np.testing.assert_allclose(ours, theirs, atol=1e-9)


def test_one_signal_of_a_bdf_does_not_bring_the_whole_file_into_memory(tmp_path):
    """60 MB in 64 channels: what is held is one of them at the rate of the analysis, and a few minutes as recorded."""
    import tracemalloc

    n_signals, n_records, rate = 64, 600, 512
    head = cases.base(plus=False, bdf=True, seconds=1)[:768]
    parts, place = [head[:256]], 256
    for width in (16, 80, 8, 8, 8, 8, 8, 80, 8, 32):
        parts.append(head[place : place + width] * n_signals)
        place += width * 2
    header = cases.edit(b"".join(parts)[:256], length=str(256 * 65), signals="64", records=str(n_records))
    header += b"".join(parts[1:])
    header = cases.edit(header, **{f"samples_{i}": str(rate) for i in range(n_signals)})
    path = tmp_path / "a.bdf"
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + n_signals * n_records * rate * 3)
    source = read_recording(path).source
    tracemalloc.start()
    n_samples = sum(len(samples) for ((samples, *_),) in source.blocks([5]))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert n_samples == n_records * rate
    assert peak < 32 * BLOCK_S * rate


# --- privacy ------------------------------------------------------------------------------------------------------


def _secrets(data):
    """Fill every text field of the header that may hold something personal with strings of their own."""
    n_signals = int(data[252:256])
    patient = b"QZMRN7781 F 07-JUL-1977 QZMustermann_QZErika QZdiagnosis QZremark"
    recording = b"Startdate 01-MAR-2024 QZADMIN42 QZTechnician QZdevice77 QZrecordingremark"
    changed = bytearray(cases.edit(data, patient=patient, recording=recording))
    for i in range(n_signals):
        place = 256 + n_signals * 16 + i * 80
        changed[place : place + 80] = f"QZtransducer{i}".encode().ljust(80)
        place = 256 + n_signals * 136 + i * 80
        changed[place : place + 80] = f"QZprefilter{i}".encode().ljust(80)
    words = set(re.findall(rb"QZ\w+", bytes(changed))) | {b"1977", b"07-JUL", b"JUL-1977", b"QZannotation"}
    return bytes(changed), {word.decode() for word in words}


def _readable(path):
    """A file's bytes, and what its compressed and encoded parts hold."""
    raw = path.read_bytes()
    text = raw.decode("latin-1") + raw.decode("utf-16", errors="ignore")
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        table, schema = pd.read_parquet(path), pq.read_schema(path)
        text += table.to_csv() + str(schema) + str(schema.metadata)
    elif path.suffix == ".png":
        from PIL import Image

        with Image.open(path) as image:
            text += str(image.info)
    for kind, data in re.findall(r"data:([\w/+.-]+;base64|[^\s\"',]+),([^\"'\s)]+)", text):
        text += base64.b64decode(data).decode("latin-1") if kind.endswith("base64") else urllib.parse.unquote(data)
    return text


def test_nothing_of_the_patient_is_in_any_output(tmp_path, sleep_eeg, make_hypnogram, capfd, caplog):
    import edfio

    folder, results = tmp_path / "recordings", tmp_path / "results"
    folder.mkdir()
    hypnogram = "W*4 N2*10 N3*20 R*10"
    stages = [stage for part in hypnogram.split() for stage in [part.split("*")[0]] * int(part.split("*")[1])]
    secrets = set()
    rows = []
    for number, condition in enumerate(("baseline", "ketamine", "broken", "unitless")):
        signal = sleep_eeg(make_hypnogram(hypnogram), seed=number)
        channel = edfio.EdfSignal(signal, 100, label="C4-M1", physical_dimension="uV", physical_range=(-3200, 3200))
        path = folder / f"night{number}.edf"
        edf = edfio.Edf([channel], annotations=[edfio.EdfAnnotation(5, None, "QZannotation")], data_record_duration=1)
        edf.write(path)
        data, found = _secrets(path.read_bytes())
        secrets |= found
        data = {"broken": data[:2000], "unitless": cases.edit(data, unit="")}.get(condition, data)
        path.write_bytes(data)
        (folder / f"night{number}.txt").write_text("\n".join(stages))
        rows.append(("S1", condition, path.name, f"night{number}.txt"))
    table = pd.DataFrame(rows, columns=["subject", "condition", "recording", "hypnogram"])
    table.to_csv(folder / "study.tsv", sep="\t", index=False)
    found = inspect_study(folder)
    assert [recording["patient_fields_filled"] for recording in found["recordings"]][:2] == [True, True]
    from swa_cli.main import main

    for options in ([], ["--json"]):
        with pytest.raises(SystemExit):
            main(["inspect", str(folder), *options])
    run = run_study(folder, results, jobs=1)
    assert run.results.nights["status"].tolist().count("done") == 2, run.results.problems
    said = capfd.readouterr()
    recordings = [read_recording(folder / f"night{i}.edf") for i in (0, 1, 3)]
    texts = {"stdout": said.out, "stderr": said.err, "log": caplog.text, "inspect": json.dumps(found)}
    texts |= {f"repr {r.name}": repr(r) + str(vars(r)) + repr(r.source) + repr(vars(r.source)) for r in recordings}
    texts |= {str(path): _readable(path) for path in results.rglob("*") if path.is_file()}
    assert len(texts) > 20
    kinds = {Path(name).suffix for name in texts}
    assert {".html", ".svg", ".png", ".tsv", ".json", ".parquet", ".toml"} <= kinds
    assert "night2.txt: " in texts[str(results / "problems.tsv")]  # the failed nights speak too
    assert "night3.edf, channel C4-M1" in texts[str(results / "problems.tsv")]
    assert any("<svg" in text and name.endswith(".html") for name, text in texts.items())  # pages were decoded
    # Electrode and filter of a channel are no patient's: the gain check compares them between nights.
    secrets = {secret for secret in secrets if not secret.startswith(("QZtransducer", "QZprefilter"))}
    leaks = [(name, secret) for name, text in texts.items() for secret in secrets if secret in text]
    leaks = [(name, secret) for name, secret in leaks if secret.startswith("QZ") or not name.startswith("/")]
    assert not leaks


# --- fuzz ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.long
def test_a_hundred_damaged_files_end_in_results_or_sentences():
    fuzz = load("fuzz_recordings")
    report = fuzz.run(100, seed=5)
    assert report.files == 100
    assert not report.faults, report.faults
    assert report.done > 10
    assert report.refused > 10


# --- speed --------------------------------------------------------------------------------------------------------


def test_headers_alone_are_read_by_inspection(tmp_path, monkeypatch):
    """No sample is read: sparse files of a night each are inspected in no time."""
    data = cases.edit(cases.base(plus=False), records="28800")
    for i in range(20):
        path = tmp_path / f"S{i:02d}_baseline.edf"
        with path.open("wb") as file:
            file.write(data[:768])
            file.truncate(768 + 28_800 * 400)
    monkeypatch.setattr("swa.recordings.edf.samples.EdfSource._read_digital", None)
    found = inspect_study(tmp_path)
    assert [recording["duration_s"] for recording in found["recordings"]] == [28_800.0] * 20
    assert not any(recording["problems"] for recording in found["recordings"])
