"""A fault of swa costs the piece that it struck; a stored table that is damaged never reaches a contrast."""

import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest

from swa import pipeline, tables_of_study
from swa.errors import StudyError
from swa.pipeline import compare_study, run_study
from swa.settings import Settings
from swa.study import study_tables, written
from swa.study.plan import recording_search, scoring_search
from swa.study.plan.manifest import plan_study
from swa.study.run import damage, faults, night_work, plan_of_nights, work
from swa.study.store import NightFolder, describe_results, digest_of, read_results
from swa.study.subject import CombinedSubject
from swa.study.written import check_written, write_believed
from swa.tables.files import hash_file, read_table, table_text
from swa.tables.results_tables import SPECIFICATION_SUMMARY, SPECIFICATIONS

BETWEEN = ("comparability_table", "_subject_tasks", "_remove_others", "problems_of_nights", "_mend")
SECRET = "Erika Mustermann"
SHORT = ("combine_subject", "measure_contrasts", "find_clusters")  # one of each kind; the others are long
FUNCTIONS = {
    "mark_copies": (),
    "combine_subject": ("sub-S01/sub-S01_task-sleep_desc-measures.parquet", "contrasts.tsv"),
    "join_measures": ("contrasts.tsv",),
    "add_headlines": ("nights.tsv",),
    "measure_contrasts": ("contrasts.tsv",),
    "check_comparability": ("comparability.tsv", "contrasts.tsv"),
    "join_rejection": (),
    "judge_rows": ("contrasts.tsv",),
    "rate_precision": ("precision.tsv",),
    "relate_covariates": ("moderators.tsv",),
    "covariate_changes": ("covariate_changes.tsv",),
    "compare_profiles": ("profiles.tsv",),
    "find_clusters": ("clusters.tsv",),
    "compare_cycles": ("cycle_contrasts.tsv",),
    "compare_doses": ("dose_contrasts.tsv",),
    "plan_next_study": ("planning.tsv",),
    "average_spectra": ("group_spectra.tsv",),
    "trace_specifications": ("specifications.tsv",),
    "respecify_subject": ("specifications.tsv", "sub-S01/sub-S01_task-sleep_desc-respecified.parquet"),
    "write_study_page": ("index.html",),
    "write_subject_page": ("sub-S01/sub-S01.html",),
}


def fail(*_args, **_options):
    raise ZeroDivisionError(SECRET)


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hash_file(path)
        for path in folder.rglob("*")
        if path.suffix in (".tsv", ".parquet", ".html") and path.is_file()
    }


@pytest.fixture(scope="module")
def stored(studied, tmp_path_factory):
    """A results folder as `swa run` leaves it, which is as `swa compare` leaves it, and the digests of its files."""
    folder = shutil.copytree(studied / "results", tmp_path_factory.mktemp("stored") / "results")
    return folder, digests(folder)


def home_of(name):
    """The module that calls a function of this name."""
    return tables_of_study if hasattr(tables_of_study, name) else pipeline


@pytest.fixture
def results(stored, tmp_path):
    return shutil.copytree(stored[0], tmp_path / "results")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name if name in SHORT else pytest.param(name, marks=pytest.mark.long) for name in FUNCTIONS]
)
def test_a_fault_of_swa_costs_one_piece(name, stored, results, monkeypatch):
    """What takes long and is not asked about is as the folder has it."""
    own = getattr(home_of(name), name)
    table = read_results(results).contrasts
    for other, kept in {
        "combine_subject": lambda _: CombinedSubject(problems=[], doubtful=frozenset()),
        "measure_contrasts": lambda *_, **__: table,
        "judge_rows": lambda *_: table,
        "find_clusters": lambda *_, **__: read_table(results / "clusters.tsv"),
        "compare_profiles": lambda *_, **__: read_table(results / "profiles.tsv"),
        "write_study_page": lambda _: [],
        "write_subject_page": lambda _: [],
        "write_workbook": lambda _: None,
        "respecify_subject": lambda *_, **__: [],
        "trace_specifications": lambda *_, **__: (SPECIFICATIONS.empty(), SPECIFICATION_SUMMARY.empty()),
    }.items():
        if other != name:
            monkeypatch.setattr(home_of(other), other, kept)
    struck = name in ("combine_subject", "respecify_subject", "write_subject_page")
    calls = []

    def broken(task, *args, **options):
        calls.append(task)
        if struck and task.subject != "S01":
            return own(task, *args, **options)
        return fail()

    monkeypatch.setattr(home_of(name), name, broken)
    for kept in results.glob("sub-*/sub-*_desc-*.json"):  # the step of a subject that is kept is not called
        kept.unlink()
    found = compare_study(results, jobs=1)
    assert calls, "the function was not called"
    told = found.problems[found.problems["problem"].str.contains("ZeroDivisionError")]
    assert len(told) == 1
    assert (told["subject"].fillna("") == ("S01" if struck else "")).all()
    (report,) = results.glob("fault-*.txt")
    text = report.read_text()
    assert report.name in told["remedy"].iloc[0]
    assert all(word in text for word in ("ZeroDivisionError", "[signal]", "swa/"))
    assert not [word for word in (SECRET, str(results)) if word in text]
    allowed = {"problems.tsv", *FUNCTIONS[name]}
    after = digests(results)
    changed = {file for file, digest in stored[1].items() if after.get(file) != digest}
    if name not in ("combine_subject", "join_measures", "measure_contrasts"):  # without these all tables are other ones
        assert {file for file in changed if not file.startswith("specification")} <= allowed


def test_a_fault_in_a_night_leaves_a_file_without_anything_of_a_patient(tmp_path, write_edf, monkeypatch):
    folder = tmp_path / SECRET
    folder.mkdir()
    signal_uv = np.random.default_rng(0).normal(0, 20, 6000)
    path = write_edf(folder / "S1.edf", {"C4-M1": signal_uv}, patient="Erika-Mustermann")
    path.with_name("S1_stages.csv").write_text("stage\nW\nN2\n")
    monkeypatch.setattr(night_work, "analyze_night", fail)
    monkeypatch.setattr(pipeline, "_compare", lambda *_: None)
    run = run_study(path, tmp_path / "results", jobs=1)
    assert run.nights["status"].tolist() == ["failed"]
    (report,) = (tmp_path / "results").glob("fault-*.txt")
    assert report.name in run.problems["remedy"].iloc[0]
    assert "Mustermann" not in report.read_text()
    monkeypatch.undo()
    monkeypatch.setattr(pipeline, "_compare", lambda *_: None)
    run_study(path, tmp_path / "results", jobs=1)
    assert not list((tmp_path / "results").glob("fault-*.txt"))


@pytest.fixture
def two_nights(tmp_path, write_edf):
    """Two recordings of a minute with scorings: too short for a number, which is told."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name in ("S1_baseline", "S1_ketamine"):
        write_edf(folder / f"{name}.edf", {"C4-M1": np.random.default_rng(0).normal(0, 20, 6000)})
        (folder / f"{name}_stages.csv").write_text("stage\nW\nN2\n")
    return folder


def fail_for(module, name, text, monkeypatch):
    """Let a function fail where its first argument names the text."""
    own = getattr(module, name)
    monkeypatch.setattr(
        module, name, lambda first, *rest, **options: fail() if text in str(first) else own(first, *rest, **options)
    )


@pytest.mark.parametrize("name", ["_night_task", "process_night"])
def test_a_fault_in_the_planning_of_a_night_costs_that_night(name, two_nights, tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "_compare", lambda *_: None)
    fail_for(plan_of_nights if name == "_night_task" else pipeline, name, "S1_ketamine", monkeypatch)
    run = run_study(two_nights, tmp_path / "results", jobs=1)
    told = run.problems[run.problems["problem"].str.contains("ZeroDivisionError")]
    assert told["recording"].tolist() == ["S1_ketamine.edf"]
    (report,) = (tmp_path / "results").glob("fault-*.txt")
    assert report.name in told["remedy"].iloc[0]


def test_a_report_of_progress_that_fails_costs_nothing_else(two_nights, tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "_write_pages", lambda *_: None)
    calls = []

    def progress(*told):
        calls.append(told)
        fail()

    run = run_study(two_nights, tmp_path / "results", jobs=1, progress=progress)
    assert len(calls) == 1
    assert run.nights["status"].tolist() == ["done", "done"]
    (told,) = run.problems[run.problems["problem"].str.contains("ZeroDivisionError")].to_dict("records")
    assert told["problem"].startswith("the report of progress")
    monkeypatch.undo()
    monkeypatch.setattr(pipeline, "_write_pages", lambda *_: None)
    found = compare_study(tmp_path / "results", jobs=1, progress=progress)
    assert len(calls) == 2
    assert found.problems["problem"].str.contains("ZeroDivisionError").sum() == 2  # of the run, and its own


def test_a_fault_in_the_table_of_nights_is_a_sentence_and_keeps_the_nights(two_nights, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "nights_table", fail)
        with pytest.raises(StudyError, match=r"The nights are stored, and kept\..*fault-"):
            run_study(two_nights, tmp_path / "results", jobs=1)
    monkeypatch.setattr(pipeline, "_compare", lambda *_: None)
    assert run_study(two_nights, tmp_path / "results", jobs=1).n_fresh == 0


def test_a_fault_in_a_part_is_told_by_that_part(two_nights, tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "_mend", fail)
    run = run_study(two_nights, tmp_path / "results", jobs=1, part="1/2")
    assert run.problems["problem"].str.contains("ZeroDivisionError").sum() == 1


@pytest.mark.parametrize(
    ("module", "name"),
    [(recording_search, "look_at"), (scoring_search, "open_scoring"), (scoring_search, "reads_as_scoring")],
)
def test_a_fault_in_the_look_at_a_file_stops_no_other(module, name, two_nights, monkeypatch):
    (two_nights / "S1_ketamine_stages.csv").write_text("stage\nwhat\n")  # is looked at once more
    fail_for(module, name, "S1_ketamine", monkeypatch)
    study = plan_study(two_nights, None, Settings())
    assert [path.rsplit("/")[-1] for path in study.nights["path"]] == ["S1_baseline.edf", "S1_ketamine.edf"]
    assert study.nights["hypnogram"].iloc[0].endswith("S1_baseline_stages.csv")
    assert name != "open_scoring" or "ZeroDivisionError" in str(study.scorings.unused)


@pytest.mark.parametrize("name", ["candidates", "_choose"])
def test_a_fault_in_the_search_for_scorings_costs_one_night(name, two_nights, monkeypatch):
    """YASA does not take a night whose scoring may lie beside it."""
    place, told = (scoring_search._Files if name == "candidates" else scoring_search), "S1_ketamine"
    own = getattr(place, name)
    monkeypatch.setattr(place, name, lambda *args: fail() if told in f"{args[0]}{args[1]}" else own(*args))
    study = plan_study(two_nights, None, Settings())
    assert ["ZeroDivisionError" in problem for problem in study.nights["problem"]] == [False, True]
    assert not study.nights["hypnogram"].iloc[1]


def test_a_stored_night_that_cannot_be_looked_at_is_not_trusted(monkeypatch, tmp_path):
    monkeypatch.setattr(NightFolder, "find_damage", fail)
    assert "ZeroDivisionError" in damage.find_damage([NightFolder(tmp_path, "a", "b")])[0]


@pytest.mark.parametrize(
    "name",
    ["join_measures", "write_table", *(pytest.param(name, marks=pytest.mark.long) for name in BETWEEN)],
)
def test_a_fault_between_the_pieces_of_a_comparison_leaves_every_table(name, two_nights, tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "_write_pages", lambda *_: None)
    home = work if name == "write_table" else home_of(name)
    own = getattr(home, name)

    def broken(*args):
        return fail() if name != "write_table" or (args[1].stem == "precision" and not told) else own(*args)

    told = []
    monkeypatch.setattr(work, "leave_fault", lambda *args: told.append(args) or "")
    monkeypatch.setattr(home, name, broken)
    run = run_study(two_nights, tmp_path / "results", jobs=1)
    assert run.problems["problem"].str.contains("ZeroDivisionError").sum() == len(told) == 1
    for table in ("measures.parquet", "comparability.tsv", "contrasts.tsv", "precision.tsv", "specifications.tsv"):
        assert (tmp_path / "results" / table).is_file()


def test_what_was_foreseen_is_no_fault(tmp_path):
    for error in (StudyError("x"), OSError("disk"), MemoryError()):
        assert not faults.is_fault(error)
        assert "fault-" not in faults.leave_fault(tmp_path, Settings(), "a night", error)
    assert not list(tmp_path.iterdir())


# --- the store


def nights_of(results):
    nights = read_results(results).nights
    return [NightFolder(results, *pair) for pair in zip(nights["subject_label"], nights["session_label"], strict=True)]


def flip(path):
    """Change a bit; size and time stay."""
    state, raw = path.stat(), bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


@pytest.mark.slow
def test_damaged_stored_nights_reach_no_contrast_and_are_done_again(results, stored, studied, monkeypatch):
    flipped, halved, other, whole = nights_of(results)
    flip(flipped.file("desc-measures.parquet"))
    halved.file("desc-night.json").unlink()
    document = other.file("desc-night.json")
    document.write_text(json.dumps(json.loads(document.read_text()) | {"format": 1}))
    monkeypatch.setattr(pipeline, "_write_pages", lambda *_: None)
    monkeypatch.setattr(tables_of_study, "_compare_further", lambda *_: None)
    found = compare_study(results, jobs=1)
    assert found.nights["status"].tolist() == ["failed", "failed", "failed", "done"]
    assert found.nights["verdict"].tolist()[:3] == ["unusable"] * 3
    told = found.problems.loc[found.problems["step"] == "store", "problem"].tolist()
    for why, problem in zip(("not as it was written", "missing, damaged", "another version"), told, strict=True):
        assert why in problem
    assert len(found.measures.drop_duplicates(["subject", "session"])) == 1
    run = run_study(studied / "sample_recordings", results, jobs=1)
    assert run.n_fresh == 3
    assert not any(night.find_damage() for night in (flipped, halved, other, whole))
    assert (run.nights["status"] == "done").all()
    assert hash_file(results / "contrasts.tsv") == stored[1]["contrasts.tsv"]


@pytest.mark.slow
def test_a_run_does_a_night_again_whose_table_was_damaged_without_a_trace(results, stored, studied, monkeypatch):
    monkeypatch.setattr(pipeline, "_write_pages", lambda *_: None)
    run_study(studied / "sample_recordings", results, jobs=1)
    night = nights_of(results)[0]
    flip(night.file("desc-measures.parquet"))
    run = run_study(studied / "sample_recordings", results, jobs=1)
    assert not night.find_damage()
    assert "done again" in run.study.notes[-1]
    assert hash_file(results / "contrasts.tsv") == stored[1]["contrasts.tsv"]


@pytest.mark.slow
def test_subjects_are_not_brought_together_again_but_where_their_tables_are_damaged(results, stored, monkeypatch):
    monkeypatch.setattr(pipeline, "_write_pages", lambda *_: None)
    monkeypatch.setattr(tables_of_study, "_compare_further", lambda *_: None)
    own, calls = tables_of_study.combine_subject, []
    monkeypatch.setattr(tables_of_study, "combine_subject", lambda task: calls.append(task.subject) or own(task))
    compare_study(results, jobs=1)
    assert calls == []
    flip(results / "sub-S01" / "sub-S01_task-sleep_desc-measures.parquet")
    compare_study(results, jobs=1)
    assert calls == ["S01"]
    (told,) = json.loads((results / "run.json").read_text())["mended"]
    assert "sub-S01_task-sleep_desc-measures.parquet is not as it was written" in told
    assert digests(results) == stored[1]


@pytest.mark.slow
def test_what_was_edited_by_hand_is_told_and_left_out(results, studied, monkeypatch):
    monkeypatch.setattr(pipeline, "_compare", lambda *_: None)
    summary = nights_of(results)[1]
    nights = results / "nights.tsv"
    first, *rows = nights.read_text().split("\n")
    place = first.split("\t").index("condition")
    cells = rows[0].split("\t")
    cells[place] = "other"
    write_believed("\n".join([first, "\t".join(cells), *rows[1:]]), nights)  # as if the night's files were another's
    document = summary.file("desc-night.json")
    document.write_text(document.read_text().replace('"nrem_cycles": ', '"nrem_cycles": 1'))
    found = compare_study(results, jobs=1)
    assert found.nights["status"].tolist() == ["failed", "failed", "done", "done"]
    told = found.problems.loc[found.problems["step"] == "store", "problem"].tolist()
    assert "nights.tsv gives 'other' as its condition" in told[0]
    assert "desc-night.json is missing, damaged or edited" in told[1]
    nights.write_text(nights.read_text().replace("\tdone\t", "\tdane\t", 1))
    with pytest.raises(StudyError, match="damaged, or edited by hand"):
        compare_study(results, jobs=1)
    run = run_study(studied / "sample_recordings", results, jobs=1)
    assert run.n_fresh == 1  # the one whose summary was edited
    assert (run.nights["status"] == "done").all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["judge_night", "find_copies", "find_same_starts", "dose_columns"])
def test_a_fault_in_the_table_of_nights_costs_one_row_or_one_look(name, results, studied, monkeypatch):
    monkeypatch.setattr(pipeline, "_compare", lambda *_: None)
    own, calls = getattr(study_tables, name), []

    def broken(*args):
        calls.append(args)
        return own(*args) if name == "judge_night" and len(calls) != 2 else fail()

    monkeypatch.setattr(study_tables, name, broken)
    run = run_study(studied / "sample_recordings", results, jobs=1)
    is_night = name == "judge_night"
    assert run.nights["status"].tolist() == ["done", "failed" if is_night else "done", "done", "done"]
    (problem,) = run.problems.to_dict("records")
    assert (problem["step"], bool(problem["session"])) == ("study", is_night)
    assert "ZeroDivisionError" in problem["problem"]
    assert len(list(results.glob("fault-*.txt"))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "session\tstatus\na\tdone\n",
        "\0\1\2",
        "subject\tsession\tcondition\tstatus\tsubject_label\tsession_label\nS1\ta\ta\tdone\t../../x\ta\n",
    ],
)
def test_a_table_of_nights_that_swa_did_not_write_is_refused(tmp_path, text):
    (tmp_path / "nights.tsv").write_text(text)
    with pytest.raises(StudyError, match="damaged, or edited by hand"):
        assert len(read_results(tmp_path).nights)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("nights.tsv", "41", "14"),
        ("nights.tsv", "\tdone", "\texcluded"),
        ("settings.toml", "group_share = 0.5", "group_share = 0.6"),
    ],
)
def test_what_was_edited_by_hand_is_refused_before_anything_is_written(name, old, new, tmp_path):
    describe_results(tmp_path, Settings())
    night = {"subject": "S1", "session": "a", "condition": "a", "age": 41, "subject_label": "S1", "session_label": "a"}
    write_believed(table_text(pd.DataFrame([night | {"status": "done"}])), tmp_path / "nights.tsv")
    check_written(tmp_path)
    path = tmp_path / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(StudyError, match=f"{name} is missing, damaged, or edited by hand"):
        compare_study(tmp_path, jobs=1)
    assert {file: file.read_bytes() for file in tmp_path.iterdir() if file.name != "swa.lock"} == before


def test_a_call_that_ends_between_the_digest_and_the_file_leaves_a_folder_that_is_believed(tmp_path, monkeypatch):
    path = tmp_path / "nights.tsv"
    for text in ("one", "two"):
        write_believed(text, path)
    with monkeypatch.context() as patched:
        patched.setattr(written, "write_text", fail)
        with pytest.raises(ZeroDivisionError):
            write_believed("three", path)
    check_written(tmp_path)
    write_believed("four", path)
    check_written(tmp_path)
    path.write_text("three")  # what was never there is not believed any more
    with pytest.raises(StudyError, match="edited by hand"):
        check_written(tmp_path)


OTHER_VERSION = {"number": 1, "count": 2}  # whole, but without what this version leaves


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"number": 1, "count": 2, "sha256": "0"}',
        json.dumps({**OTHER_VERSION, "sha256": digest_of(OTHER_VERSION)}),
    ],
)
def test_a_damaged_report_of_a_part_is_refused_with_what_to_run(tmp_path, text):
    folder = tmp_path / ".swa-work" / "parts"
    folder.mkdir(parents=True)
    (folder / "1-of-2.json").write_text(text)
    with pytest.raises(StudyError, match="part 1/2") as told:
        compare_study(tmp_path, jobs=1)
    assert "--part 1/2" in told.value.remedy
