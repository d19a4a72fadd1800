"""Shared fixtures: signals whose answers are known, recordings in memory and on disk, and the real recordings."""

import contextlib
import datetime
import os
import shutil
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import hypothesis
import numpy as np
import pandas as pd
import pytest

# An example may take long on a busy machine; that is no failure. The check of a change draws the same examples each
# time, so that it fails for what was changed; `pytest --hypothesis-profile=search` looks for new ones.
hypothesis.settings.register_profile("swa", deadline=None, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None, print_blob=True)
hypothesis.settings.load_profile("swa")

START = datetime.datetime(2024, 3, 1, 22, 40)


def pytest_collection_modifyitems(config, items):
    """Of several processes none is left alone with a long file at the end: files with slow tests come first."""
    if hasattr(config, "workerinput"):
        slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
        items.sort(key=lambda item: -slow[item.path])


@dataclass(frozen=True)
class ArraySource:
    """Samples in memory, in the unit of the header, with the samples at the recording's limit."""

    signals: list
    clipped: dict

    def check(self, position):
        """Any of them can be read."""

    def blocks(self, positions):
        from swa.recordings.signal_source import Block

        yield [
            Block(
                np.array(self.signals[position], dtype=float),
                np.arange(len(self.signals[position]))[self.clipped.get(position, slice(0, 0))],
            )
            for position in positions
        ]


@pytest.fixture(scope="session")
def make_recording():
    """`make_recording({label: µV}, rate_hz)`: a recording in memory."""

    def make(signals, rate_hz=100.0, *, unit="uV", start=START, settings=None, clipped=None, name="memory.edf"):
        from swa.recordings.channels import SignalInfo, assign_channels
        from swa.recordings.recording import Recording
        from swa.settings import Settings

        settings = settings or Settings()
        infos = [SignalInfo(label=label, rate_hz=rate_hz, unit=unit) for label in signals]
        return Recording(
            name=name,
            path=None,
            start=start,
            duration_s=len(next(iter(signals.values()))) / rate_hz,
            rate_hz=settings.signal.rate_hz,
            channels=assign_channels(infos, settings.channels),
            clipped_samples=settings.artifacts.clipped_samples,
            source=ArraySource(list(signals.values()), clipped or {}),
        )

    return make


@pytest.fixture(scope="session")
def make_hypnogram():
    """`make_hypnogram("W*4 N2*30 R*10")`: a hypnogram, written as runs of epochs."""

    def make(text, epoch_s=30.0, **options):
        from swa.sleep.hypnogram import make_hypnogram as build

        stages = []
        for part in text.split():
            stage, _, count = part.partition("*")
            stages += [stage] * int(count or 1)
        return build(stages, epoch_s, **options)

    return make


@pytest.fixture(scope="session")
def sleep_eeg():
    """`sleep_eeg(hypnogram, seed)`: EEG of 100 Hz in µV, a quiet background with slow waves in N2 and N3.

    The background falls as 1/f; N2 has a slow wave every 6 s, N3 every 2.5 s, of about 120 µV peak-to-peak.
    """

    def make(hypnogram, seed=0, rate_hz=100.0, size=1.0):
        from swa.sleep.hypnogram import epoch_length_s, stages_of

        rng = np.random.default_rng(seed)
        stages, epoch_s = stages_of(hypnogram), epoch_length_s(hypnogram)
        n_samples = round(len(stages) * epoch_s * rate_hz)
        frequencies = np.fft.rfftfreq(n_samples, 1 / rate_hz)
        shape = np.where(frequencies > 0.3, 1 / np.sqrt(np.maximum(frequencies, 0.3)), 0)
        signal = np.fft.irfft(np.fft.rfft(rng.normal(size=n_samples)) * shape, n_samples)
        signal *= 8 / signal.std()
        wave = slow_wave(rate_hz)
        for epoch, stage in enumerate(stages):
            gap_s = {"N2": 6.0, "N3": 2.5}.get(stage)
            if gap_s is None:
                continue
            for time_s in epoch * epoch_s + np.arange(0.5, epoch_s - 1.6, gap_s):
                first = round((time_s + rng.uniform(0, 0.3)) * rate_hz)
                signal[first : first + len(wave)] += size * rng.uniform(0.8, 1.6) * wave
        return signal

    return make


def slow_wave(rate_hz, negative_uv=70.0, positive_uv=50.0):
    """One slow wave: a negative half-wave of 0.5 s and a positive one of 0.6 s."""
    down = -negative_uv * np.sin(np.pi * np.arange(round(0.5 * rate_hz)) / round(0.5 * rate_hz))
    up = positive_uv * np.sin(np.pi * np.arange(round(0.6 * rate_hz)) / round(0.6 * rate_hz))
    return np.concatenate([down, up])


@pytest.fixture(scope="session")
def write_edf():
    """`write_edf(path, {label: signal}, rate_hz, ...)`: a small EDF+C or BDF+C."""

    def write(path, signals, rate_hz=100.0, *, unit="uV", limits=(-3200.0, 3200.0), start=START, patient="", bdf=False):
        import edfio

        def of(options, label):
            return options[label] if isinstance(options, dict) else options

        kind = edfio.BdfSignal if bdf else edfio.EdfSignal
        channels = [
            kind(
                np.asarray(signal, float),
                sampling_frequency=of(rate_hz, label),
                label=label,
                physical_dimension=of(unit, label),
                physical_range=of(limits, label),
            )
            for label, signal in signals.items()
        ]
        options = {"starttime": start.time(), "recording": edfio.Recording(startdate=start.date())}
        if patient:
            options["patient"] = edfio.Patient(name=patient, code="MRN77231")
        (edfio.Bdf if bdf else edfio.Edf)(channels, **options).write(path)
        return path

    return write


@pytest.fixture(scope="session")
def shared_data():
    """Folder of the real recordings; tests that need it are skipped where it is absent."""
    named = os.environ.get("SWA_SHARED_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real recordings are not here (SWA_SHARED_DATA, or ../shared/data beside the checkout)")
    return folder.resolve()


@pytest.fixture(scope="session")
def long_hypnogram(make_hypnogram):
    """Three NREM cycles in 3.4 h, with 2.5 h of N2 and N3."""
    cycle = "N1*4 N2*30 N3*60 N2*10 R*{}"
    return make_hypnogram(f"W*20 {cycle.format(10)} {cycle.format(24)} W*4 N2*74 N3*20 N2*10 R*30 W*10")


@pytest.fixture(scope="session")
def night_recording(make_recording, sleep_eeg, long_hypnogram):
    """Four EEG channels of the night of `long_hypnogram`."""
    return make_recording(
        {name: sleep_eeg(long_hypnogram, seed) for seed, name in enumerate(("F3-M2", "F4-M1", "C3-M2", "C4-M1"))}
    )


@pytest.fixture(scope="session")
def night(night_recording, long_hypnogram):
    """The analysed night."""
    from swa.night.analysis import analyze_night

    return analyze_night(night_recording, long_hypnogram, subject="S01", session="a", condition="baseline")


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A folder as the documentation means it: one night with its scoring, and a small study with all scorings."""
    import pandas as pd

    folder = tmp_path_factory.mktemp("lab")
    recordings = shutil.copytree(Path(__file__).parents[1] / "sample_recordings", folder / "sample_recordings")
    table = pd.read_csv(recordings / "study.tsv", sep="\t", dtype=str)
    table = table[table["subject"].isin(["S01", "S03"]) & table["condition"].isin(["baseline", "ketamine"])]
    table["hypnogram"] = [f"truth/{name.removesuffix('.edf')}_stages.tsv" for name in table["recording"]]
    table.to_csv(recordings / "study.tsv", sep="\t", index=False)
    shutil.copytree(recordings, folder / "recordings")
    shutil.copy(recordings / "S01_baseline.edf", folder / "night.edf")
    (folder / "scored").mkdir()
    for path in (recordings / "truth").glob("*_stages.tsv"):
        text = "\n".join(pd.read_csv(path, sep="\t")["stage"]) + "\n"
        (folder / "scored" / path.name.replace("_stages.tsv", ".txt")).write_text(text)
    shutil.copy(folder / "scored" / "S01_baseline.txt", folder / "night.csv")
    return folder


@pytest.fixture(scope="session")
def studied(lab):
    """The same folder after `swa run sample_recordings -o results`."""
    from swa_cli.main import main

    with contextlib.chdir(lab), pytest.raises(SystemExit) as ended:
        main(["run", "sample_recordings", "-o", "results", "--jobs", "1"])
    assert not ended.value.code
    return lab


@pytest.fixture(scope="session")
def compare():
    """`compare(folder, drawn)`: `compare_study`, figures turned into bytes only if `drawn`."""

    def run(folder, drawn=False):
        from swa.pipeline import compare_study

        with pytest.MonkeyPatch.context() as patch:
            if not drawn:
                patch.setattr("swa.report.shelf.figure_files", lambda figure: (b"<svg/>", b""))
            return compare_study(folder, jobs=1)

    return run


@pytest.fixture(scope="session")
def make_night(make_recording, make_hypnogram, sleep_eeg):
    """`make_night(size, seed, channels)`: an analysed night of 36 minutes."""
    from swa.night.analysis import analyze_night

    hypnogram = make_hypnogram("W*4 N1*2 N2*20 N3*30 N2*4 R*10 W*2")

    @cache
    def make(size=1.0, seed=0, channels=("F3-M2", "C4-M1")):
        signals = {name: sleep_eeg(hypnogram, seed + i, size=size) for i, name in enumerate(channels)}
        return analyze_night(make_recording(signals), hypnogram)

    return make


@pytest.fixture(scope="session")
def build(make_night, compare):
    """`build(folder, rows, ...)`: a results folder with its pages. A row: subject, condition, and what differs.

    Figures are made but not turned into bytes unless `drawn`, which would take most of the time of these tests.
    """

    from swa.settings import ComparisonSettings, Settings
    from swa.study.plan.manifest import file_label
    from swa.study.run.night_files import write_night
    from swa.study.store import NightFolder
    from swa.tables.files import write_table, write_text

    problem_columns = ["subject", "session", "recording", "step", "problem", "remedy"]

    def make(folder, rows, *, comparison=None, channels=("F3-M2", "C4-M1"), drawn=False):
        folder.mkdir(parents=True, exist_ok=True)
        nights, problems = [], []
        for seed, row in enumerate(rows):
            night = {"session": row["condition"], "recording": f"{seed}.edf", "status": "done", "size": 1.0} | row
            night |= {"subject_label": file_label(night["subject"]), "session_label": file_label(night["session"])}
            size, notes = night.pop("size"), night.pop("notes", [])
            statistics = dict.fromkeys(["TST_min", "SE", "N2_min", "N3_min", "REM_min", "nrem_cycles"], np.nan)
            if night["status"] == "done":
                found = make_night(size, seed, channels)
                statistics = {f"{name}_min": found.summary["statistics"][name] for name in ("TST", "N2", "N3", "REM")}
                statistics |= {"SE": found.summary["statistics"]["SE"], "nrem_cycles": found.summary["nrem_cycles"]}
                files = NightFolder(folder, night["subject_label"], night["session_label"])
                identity = {name: night[name] for name in ("subject", "session", "condition")}
                named = replace(found, **identity)
                channel = {"name": "F3-M2", "labels": ["EEG F3-M2"], "role": "eeg", "rate_hz": 100.0, "note": ""}
                provenance = {"versions": {"swa": "0.1.0", "yasa": "0.8"}, "channels": [channel], "notes": notes}
                write_night(files, named, "fingerprint", provenance)
            else:
                what = f"{night['recording']}: no NREM sleep (N2 or N3)."
                where = [night["subject"], night["session"], night["recording"]]
                problems.append([*where, "measure", what, "Check that this is a night."])
            nights.append(night | statistics)
        write_table(pd.DataFrame(nights), folder / "nights.tsv")
        write_table(pd.DataFrame(problems, columns=problem_columns), folder / "problems.tsv")
        settings = Settings(comparison=ComparisonSettings(**(comparison or {})))
        write_text(settings.to_toml(), folder / "settings.toml")
        return compare(folder, drawn)

    return make


@pytest.fixture(scope="session")
def make_draft():
    """`make_draft(folder, rows, ...)`: a page in the making about some rows of contrasts over subjects."""
    from swa.report.draft import Draft
    from swa.report.facts import StudyFacts
    from swa.report.leading_rows import Headline
    from swa.report.shelf import Shelf
    from swa.settings import Settings
    from swa.study.store import Results
    from swa.tables.marker import DEFAULT_MARKER

    def make(folder, rows, *, settings=None, marker=DEFAULT_MARKER, declared=False, nights=None):
        facts = StudyFacts(
            nights=pd.DataFrame(columns=["subject", "session", "condition", "status"]) if nights is None else nights,
            settings=settings or Settings(),
            baseline="baseline",
            conditions=("baseline", "ketamine"),
            design="",
            simulated="all",
        )
        headline = Headline(marker=marker, declared=declared)
        results, shelf = Results(folder), Shelf(folder)
        return Draft(results=results, facts=facts, headline=headline, rows=rows, shelf=shelf, count="subjects")

    return make
