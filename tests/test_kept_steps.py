"""Steps of a subject are kept while its nights, the settings that they read and the code stay."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from swa.night.analysis import analyze_night
from swa.settings import ComparabilitySettings, ComparisonSettings, Settings
from swa.study import kept_step, respecification, subject
from swa.study.respecification import find_respecified, remove_respecified, respecify_subject
from swa.study.run.batch import Workers
from swa.study.run.night_files import write_night
from swa.study.run.subject_steps import run_unless_kept
from swa.study.store import NightFolder, subject_file
from swa.study.subject import NightOfSubject, SubjectTask, combine_subject, find_combined
from swa.tables.files import hash_file
from swa.tables.marker import DEFAULT_MARKER

CONDITIONS = ("baseline", "ketamine")


def write(path, nights):
    for condition, night in nights.items():
        write_night(NightFolder(path, "S01", condition), night, "fingerprint", {"recording": "a.edf"})


@pytest.fixture(scope="module")
def nights(make_recording, make_hypnogram, sleep_eeg):
    hypnogram = make_hypnogram("W*4 N2*30 N3*40 R*8 N2*10")
    signal = sleep_eeg(hypnogram, 1)
    found = {}
    for condition, gain in zip(CONDITIONS, (1.0, 1.2), strict=True):
        recording = make_recording({"F3-M2": gain * signal, "F4-M1": gain * signal[::-1]})
        found[condition] = analyze_night(recording, hypnogram, subject="S01", condition=condition, session=condition)
    return found


@pytest.fixture
def task(tmp_path, nights):
    """A subject whose steps are done."""
    write(tmp_path, nights)
    task = SubjectTask(
        subject="S01",
        label="S01",
        nights=tuple(NightOfSubject(name, name, name, adaptation=False) for name in CONDITIONS),
        baseline="baseline",
        results=tmp_path,
        settings=Settings(),
    )
    combine_subject(task)
    respecify_subject(task, DEFAULT_MARKER)
    return task


def with_comparison(task, **options):
    return replace(task, settings=Settings(comparison=ComparisonSettings(**options)))


def digests(task):
    return {path.name: hash_file(path) for path in task.results.glob("sub-S01/*") if path.is_file()}


def flip(path):
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def test_a_step_is_kept_as_it_was(task):
    assert find_combined(task) == (combine_subject(task), "")
    kept, damage = find_respecified(task, DEFAULT_MARKER)
    pd.testing.assert_frame_equal(kept, respecification._respecify(task, DEFAULT_MARKER))
    assert damage == ""


def test_settings_that_a_step_does_not_read_leave_it(task):
    other = with_comparison(task, equivalence_margin=1.3, covariates=("age",), primary="swa NREM night central")
    other = replace(
        other, settings=other.settings.model_copy(update={"comparability": ComparabilitySettings(rem_hz=(4, 8))})
    )
    assert find_combined(other)[0] is not None
    assert find_respecified(other, DEFAULT_MARKER)[0] is not None


@pytest.mark.parametrize(
    "change",
    [
        lambda task: with_comparison(task, confidence=0.9),
        lambda task: with_comparison(task, bootstrap_draws=2000),
        lambda task: replace(task, settings=Settings(quality={"nrem_min": 30})),
        lambda task: replace(task, baseline="ketamine"),
        lambda task: replace(task, nights=task.nights[:1]),
        lambda task: replace(task, nights=(task.nights[0], task.nights[1]._replace(compared=False))),
        lambda task: replace(task, subject="S 01"),
    ],
)
def test_what_a_step_rests_on_is_known(task, change):
    assert find_combined(change(task)) == (None, "")


def test_another_window_of_the_primary_is_another_curve(task):
    assert find_respecified(task, replace(DEFAULT_MARKER, window="hour-1")) == (None, "")
    assert find_respecified(with_comparison(task, secondary_windows=("night",)), DEFAULT_MARKER) == (None, "")
    assert find_combined(with_comparison(task, secondary_windows=("night",)))[0] is not None


def test_a_night_that_was_measured_again_is_another_one(task, nights):
    folder = NightFolder(task.results, "S01", "ketamine")
    document = folder.document()
    folder.finish({**document, "provenance": {"recording": "b.edf"}})
    assert find_combined(task)[0] is not None  # from where it came changes no number
    write(task.results, {"ketamine": nights["baseline"]})
    assert find_combined(task) == (None, "")
    assert find_respecified(task, DEFAULT_MARKER) == (None, "")


def test_other_code_does_a_step_again(task, monkeypatch):
    monkeypatch.setattr(kept_step, "code_digest", lambda: "other")
    assert find_combined(task) == (None, "")


class Spy(ComparisonSettings):
    """Settings that remember what was read of them."""

    def __getattribute__(self, name):
        if name in ComparisonSettings.model_fields:
            READ.add(name)
        return super().__getattribute__(name)


READ = set()


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (subject._combine, subject.COMPARISON_READ),
        (lambda task: respecification._respecify(task, DEFAULT_MARKER), respecification.COMPARISON_READ),
    ],
)
def test_a_step_reads_no_other_setting_of_the_comparison(step, told, task):
    settings = task.settings.model_copy(update={"comparison": Spy(), "comparability": None})
    READ.clear()
    step(replace(task, settings=settings))
    assert sorted(READ) == sorted(told)


@pytest.mark.parametrize(
    "ending",
    ["measures.parquet", "precision.parquet", "waveslopes.parquet", "meanspectra.parquet", "subject.json"],
)
def test_a_damaged_step_is_done_again_and_told(task, ending):
    before, path = digests(task), task.results / "sub-S01" / f"sub-S01_task-sleep_desc-{ending}"
    flip(path)
    told = []
    ((_, outcome),) = run_unless_kept(Workers(), combine_subject, [task], find_combined, told)
    assert outcome.problems == []
    assert len(told) == 1
    assert path.name in told[0]
    assert told[0].endswith("made again")
    assert digests(task) == before
    path.unlink()
    run_unless_kept(Workers(), combine_subject, [task], find_combined, told)
    assert digests(task) == before


def test_what_a_document_of_ours_does_not_say_is_done_again(task):
    step = subject._step(task)
    step.finish({"problems": [{"what": "is this"}]})
    told = []
    ((_, outcome),) = run_unless_kept(Workers(), combine_subject, [task], find_combined, told)
    assert outcome.problems == []
    assert json.loads(step.document.read_text())["outcome"] == {"problems": [], "doubtful": []}


def test_a_kept_step_is_not_called(task):
    def never(_):
        raise AssertionError

    told = []
    outcomes = run_unless_kept(Workers(), never, [task, replace(task, label="S02")], find_combined, told)
    assert [isinstance(outcome, AssertionError) for _, outcome in outcomes] == [False, True]
    assert told == []


def test_a_step_that_is_killed_between_its_files_is_not_done(task, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    before = digests(task)
    monkeypatch.setattr(subject, "_precision", killed)
    with pytest.raises(KeyboardInterrupt):
        combine_subject(task)
    assert find_combined(task) == (None, "")
    monkeypatch.undo()
    combine_subject(task)
    assert digests(task) == before


def test_other_choices_rest_on_the_rows_of_the_subject(task):
    path = subject_file(task.results, "S01")
    table = pd.read_parquet(path)
    table[table["channel"] != "F4-M1"].to_parquet(path)
    assert find_respecified(task, DEFAULT_MARKER) == (None, "")


def test_other_choices_of_a_subject_that_has_none_now_are_taken_away(task):
    there = set(digests(task))
    remove_respecified(task.results, ["S01"])
    assert set(digests(task)) == there
    remove_respecified(task.results, [])
    assert {name for name in there - set(digests(task)) if "respecifi" in name} == there - set(digests(task))
    assert len(there - set(digests(task))) == 2
