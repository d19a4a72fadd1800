"""From a folder of recordings to a results folder, on short simulated nights that bring their scorings."""

import datetime
import json
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from swa_cli.show import show_run

from swa.comparison.contrasts import compare_nights
from swa.errors import SettingsError, StudyError
from swa.pipeline import StudyRun, compare_study, run_study
from swa.report.pages import PageTask, write_subject_page
from swa.settings import check_settings
from swa.simulation.simulated_study import simulate_study
from swa.study.plan.inspection import inspect_study
from swa.study.run.journal import forget_comparison
from swa.study.run.lock import Holder, hold, take
from swa.study.store import read_results
from swa.study.written import study_notes
from swa.tables.files import write_table
from swa.tables.results_tables import CONTRASTS, PROBLEMS

CHANNELS = ("F3-M2", "C4-M1", "E1-M2", "Chin")
CONTRACT = {
    "nights.tsv": ["subject", "session", "condition", "recording", "status", "staging_source"],
    "contrasts.tsv": [
        *("subject", "contrast", "channel", "stages", "window", "measure", "variant", "scale", "estimate", "ci_low"),
        *("ci_high", "p", "p_adjusted", "n", "method", "role", "verdict", "verdict_reasons", "note"),
    ],
    "comparability.tsv": ["subject", "contrast", "channel", "control", "ln_ratio", "g", "limit", "flagged", "note"],
    "problems.tsv": ["subject", "session", "recording", "step", "problem", "remedy"],
}


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two subjects, two nights each, scored by the truth; a file that is no recording among them."""
    folder = tmp_path_factory.mktemp("study")
    study = simulate_study(
        folder, subjects=2, hours=1.5, rate_hz=100.0, channels=CHANNELS, effect={"ketamine": 1.5}, icc=0.95, seed=3
    )
    table = pd.read_csv(study, sep="\t", dtype=str)
    table["hypnogram"] = [f"truth/{name.removesuffix('.edf')}_stages.tsv" for name in table["recording"]]
    (folder / "S03_baseline.edf").write_text("this is no recording")
    table.loc[len(table)] = {"subject": "S03", "condition": "baseline", "recording": "S03_baseline.edf"}
    table.to_csv(study, sep="\t", index=False)
    return folder


@pytest.fixture(scope="module")
def run(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> StudyRun:
    return run_study(recordings, tmp_path_factory.mktemp("results"), jobs=1)


def test_one_bad_night_does_not_stop_the_others(run: StudyRun) -> None:
    nights = run.results.nights
    assert nights["status"].tolist() == ["done"] * 4 + ["failed"]
    problem = run.results.problems.iloc[0]
    assert (problem["subject"], problem["step"]) == ("S03", "read")
    assert "S03_baseline.edf" in problem["problem"]
    assert problem["remedy"]


def test_the_library_gives_the_verdicts_of_the_run(run: StudyRun) -> None:
    own = ["subject", "contrast", "channel", "stages", "window", "measure", "variant", "verdict", "verdict_reasons"]
    settings = run.results.settings
    stored = run.results.contrasts[own].fillna("")
    asked = compare_nights(run.results, settings=settings)[own]
    pd.testing.assert_frame_equal(asked.astype(str), stored.astype(str))
    strict = settings.comparability.model_copy(update={"control_cv": 1e-6})
    doubtful = compare_nights(run.results, settings=settings.model_copy(update={"comparability": strict}))
    assert "caution" in set(doubtful["verdict"]), "the stored nights are looked at"


@pytest.mark.parametrize("name", CONTRACT)
def test_tables_have_the_columns_of_the_interface(run: StudyRun, name: str) -> None:
    table = pd.read_csv(run.results.path / name, sep="\t")
    assert not set(CONTRACT[name]) - set(table.columns)


def test_measures_are_unique_and_say_why_when_missing(run: StudyRun) -> None:
    measures = run.results.measures
    key = ["subject", "session", "channel", "stages", "window", "measure", "variant"]
    assert not measures.duplicated(key).any()
    missing = measures[measures["value"].isna()]
    assert (missing["note"].str.len() > 0).all(), missing[missing["note"] == ""].head()


def test_true_effect_is_found(run: StudyRun) -> None:
    rows = run.results.contrasts.query(
        "subject == 'group' and measure == 'swa' and stages == 'NREM' and window == 'night' and channel == 'frontal' "
        "and variant == ''"
    )
    assert len(rows) == 1
    assert rows["contrast"].item() == "ketamine:baseline"
    assert rows["estimate"].item() > 1.1


def test_results_open_from_disk(run: StudyRun) -> None:
    assert (run.results.path / "index.html").is_file()
    for label in ("S01", "S02"):
        assert (run.results.path / f"sub-{label}" / f"sub-{label}.html").is_file()
    assert json.loads((run.results.path / "dataset_description.json").read_text())["DatasetType"] == "derivative"


def test_every_column_of_every_study_table_is_described_beside_it(run):
    tables = sorted(run.results.path.glob("*.tsv"))
    assert {"nights.tsv", "contrasts.tsv", "comparability.tsv", "problems.tsv"} <= {path.name for path in tables}
    for path in tables:
        described = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        columns = set(pd.read_csv(path, sep="\t", nrows=0).columns)
        assert columns <= set(described) or "*" in described, (path.name, columns - set(described))
        assert set(described) <= columns | {"*"} or path.name == "nights.tsv", (path.name, set(described) - columns)


def test_second_run_does_nothing_and_changes_nothing(recordings: Path, run: StudyRun, tmp_path: Path) -> None:
    copy = tmp_path / "again"
    shutil.copytree(run.results.path, copy)
    again = run_study(recordings, copy, jobs=1)
    assert again.n_fresh == 1  # the failed night is tried again
    for path in sorted(run.results.path.rglob("*")):
        if path.is_file() and path.name != "run.json":
            assert (copy / path.relative_to(run.results.path)).read_bytes() == path.read_bytes(), path


def times(folder: Path) -> dict[str, int]:
    """When each table, page and figure was written."""
    files = (path for path in folder.rglob("*.*") if path.suffix in (".tsv", ".parquet", ".html", ".svg", ".png"))
    return {path.relative_to(folder).as_posix(): path.stat().st_mtime_ns for path in files}


def test_a_run_that_finds_everything_done_writes_no_table_and_no_page(
    recordings: Path, run: StudyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "again"
    shutil.copytree(run.results.path, copy)
    before = times(copy)
    assert len(before) > 100
    for verify in (False, True):
        again = run_study(recordings, copy, jobs=1, verify=verify)
        assert times(copy) == before
        assert again.problems.equals(run.problems)
    compared: list[bool] = []
    monkeypatch.setattr("swa.pipeline._compare", lambda *_: compared.append(True))
    state = (copy / "contrasts.tsv").stat()
    text = (copy / "contrasts.tsv").read_bytes()
    (copy / "contrasts.tsv").write_bytes(text[:-1] + b" ")  # same size and time
    os.utime(copy / "contrasts.tsv", ns=(state.st_atime_ns, state.st_mtime_ns))
    run_study(recordings, copy, jobs=1)
    assert len(compared) == 1


def lab_sheet(recordings: Path, path: Path) -> None:
    """The nights of the study as a lab would keep them: another spelling in nearly every cell."""
    openpyxl = pytest.importorskip("openpyxl")
    table = pd.read_csv(recordings / "study.tsv", sep="\t", dtype=str).fillna("").set_index("recording", drop=False)
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Ketamin-Studie, Stand März 2024"])
    sheet.append([])
    sheet.append(
        ["Subject ", "CONDITION", "Recording", "Hypnogram", "Adaptation", "Lights Off", "Dose Start", "Serum Mg"]
    )
    cells = {
        "S01_baseline.edf": ["S01", "Baseline ", "nein", "11:00 PM", "0,82"],
        "S01_ketamine.edf": ["S01 ", "ketamine", "", "23h00", "0,91"],
        "S02_baseline.edf": ["S02", "baseline", "", datetime.time(23), 0.75],
        "S02_ketamine.edf": ["S02", "Ketamine", "", "23:00 Uhr", "<0,5"],
    }
    for name, (subject, condition, adaptation, lights_off, serum) in cells.items():
        dose = table.loc[name, "dose_start"]
        german = f"{pd.Timestamp(dose):%d.%m.%Y %H:%M}" if dose else None
        hypnogram = table.loc[name, "hypnogram"]
        sheet.append([subject, condition, name, hypnogram, adaptation, lights_off, german, serum])
    sheet.append(["S01", "baseline", "S01_adaptation.edf", "truth/S01_adaptation_stages.tsv", "x", "23:00"])
    sheet.append(["S03", "ketamine", None, None, None, None, None, "0,80"])
    sheet.append([])
    sheet.append(["S04 was screened and not enrolled"])
    book.save(path)


@pytest.mark.slow
def test_the_sheet_of_a_lab_runs_at_once_and_every_mending_is_told_in_one_place(
    recordings: Path,
    run: StudyRun,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The numbers are those of the tidy table of the same nights, and of these nights alone."""
    for later in ("pipeline._write_pages", "tables_of_study._compare_further"):
        monkeypatch.setattr(f"swa.{later}", lambda *_: None)
    data, results = tmp_path / "data", tmp_path / "results"
    night = {"hours": 1.5, "rate_hz": 100.0, "channels": CHANNELS, "effect": {}, "seed": 9}
    simulate_study(data, subjects=1, conditions=("adaptation",), **night)
    (data / "study.tsv").unlink()
    shutil.copytree(
        recordings, data, copy_function=os.link, ignore=lambda *_: ["study.tsv", "truth.json"], dirs_exist_ok=True
    )
    shutil.copytree(run.results.path, results)
    lab_sheet(recordings, data / "study.xlsx")
    lab = run_study(data, results, jobs=1)
    nights = lab.results.nights.set_index("recording")
    assert nights["status"].eq("done").all()
    assert nights["condition"].tolist() == ["baseline", "ketamine", "baseline", "ketamine", "baseline"]
    assert nights["adaptation"].astype(str).str.lower().tolist() == ["false"] * 4 + ["true"]
    assert nights["lights_off"].str.startswith("23:00").all()
    key = ["subject", "contrast", "channel", "stages", "window", "measure", "variant"]
    own, tidy = (one.results.contrasts.fillna({"variant": ""}).set_index(key) for one in (lab, run))
    assert own.index.sort_values().equals(tidy.index.sort_values())
    drawn = own.index.get_level_values("variant") == "resampled"  # its draws depend on all nights of a subject
    pd.testing.assert_series_equal(own.loc[~drawn, "estimate"], tidy["estimate"].reindex(own.index[~drawn]))
    show_run(lab)
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    for mending in (
        "row 3 is the header; above it stands 'Ketamin-Studie, Stand März 2024'",
        "row 9: S03 ketamine has no recording, a missed visit",
        "row 11 names neither condition nor recording and is no night: 'S04 was screened and not enrolled'",
        "row 4, condition: 'Baseline' is read as 'baseline'",
        "row 7, condition: 'Ketamine' is read as 'ketamine'",
        "Serum Mg: decimal commas (rows 4, 5), '0,82' is 0.82",
        "row 7, Serum Mg: '<0,5' is no number and counts as missing",
        "dose_start (rows 5, 7): '13.01.2001 10:00' is read as 2001-01-13T10:00:00",
        "lights_off (rows 4, 5, 7): '11:00 PM' is read as 23:00:00",
        "recordings that the study file does not name are left out: S03_baseline.edf",
    ):
        assert f"note: {mending}" in told, told
    assert [f"note: {note}" for note in study_notes(results)] == told[: len(study_notes(results))]


@pytest.mark.parametrize(
    "change", ["page gone", "figure changed", "killed while compared", "other baseline", "compare"]
)
def test_tables_and_pages_are_made_again_where_something_differs(
    change: str, recordings: Path, run: StudyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "again"
    shutil.copytree(run.results.path, copy)
    compared: list[bool] = []
    monkeypatch.setattr("swa.pipeline._compare", lambda *_: compared.append(True))
    settings = None
    if change == "page gone":
        (copy / "sub-S02" / "sub-S02.html").unlink()
    elif change == "figure changed":
        next((copy / "figures").glob("*.svg")).write_text("nothing")
    elif change == "killed while compared":
        forget_comparison(copy)
    elif change == "other baseline":
        settings = check_settings({"comparison": {"baseline": "ketamine"}})
    else:
        compare_study(copy, jobs=1)
    run_study(recordings, copy, settings=settings, jobs=1)
    assert len(compared) == 1 + (change == "compare")


def test_a_page_that_failed_is_tried_again(
    recordings: Path, run: StudyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "again"
    shutil.copytree(run.results.path, copy)
    compared: list[bool] = []

    def fail(*_: object) -> None:
        compared.append(True)
        table = read_results(copy).problems
        table.loc[len(table)] = dict.fromkeys(table.columns, "x") | {"step": "page"}
        write_table(table, copy / "problems.tsv")

    monkeypatch.setattr("swa.pipeline._compare", fail)
    (copy / "index.html").unlink()
    for count in (1, 2):
        assert "page" in set(run_study(recordings, copy, jobs=1).problems["step"])
        assert len(compared) == count


def test_the_log_of_every_night_stands_in_run_json(recordings: Path, run: StudyRun, tmp_path: Path) -> None:
    told = json.loads((run.results.path / "run.json").read_text(encoding="utf-8"))
    assert set(told["nights"]) == {f"sub-{a}_ses-{b}" for a in ("S01", "S02") for b in ("baseline", "ketamine")} | {
        "sub-S03_ses-baseline"
    }
    steps = [line.split(" ")[1] for line in told["nights"]["sub-S01_ses-ketamine"]["log"]]
    assert [step for step in steps if step != "note:"] == ["read", "score", "measure", "write", "done"]
    assert "failed (read)" in told["nights"]["sub-S03_ses-baseline"]["log"][-1]
    copy = tmp_path / "again"
    shutil.copytree(run.results.path, copy)
    run_study(recordings, copy, jobs=1)
    later = json.loads((copy / "run.json").read_text(encoding="utf-8"))
    assert later["nights"]["sub-S01_ses-ketamine"] == told["nights"]["sub-S01_ses-ketamine"]
    assert later["nights_found_finished"] == 4


@pytest.mark.slow
def test_a_changed_setting_redoes_the_nights(
    recordings: Path, run: StudyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for later in ("pipeline._write_pages", "tables_of_study._compare_further", "tables_of_study._contrasts"):
        monkeypatch.setattr(f"swa.{later}", lambda *_: CONTRASTS.empty())
    copy = tmp_path / "changed"
    shutil.copytree(run.results.path, copy)
    settings = check_settings({"power": {"sigma_hz": [11.0, 13.0]}})
    again = run_study(recordings, copy, settings=settings, jobs=1)
    assert again.n_fresh == 5
    before, after = (
        results.measures.query("measure == 'sigma_power' and stages == 'NREM' and window == 'night'")["value"].mean()
        for results in (run.results, again.results)
    )
    assert after < before


@pytest.mark.slow
@pytest.mark.long
def test_a_setting_of_the_comparison_redoes_no_night(recordings: Path, run: StudyRun, tmp_path: Path) -> None:
    copy = tmp_path / "primary"
    shutil.copytree(run.results.path, copy)
    settings = check_settings({"comparison": {"primary": "swa NREM cycle-1 frontal"}})
    again = run_study(recordings, copy, settings=settings, jobs=1)
    assert again.n_fresh == 1
    assert (again.results.contrasts["role"] == "primary").any()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a results folder but the one that tells times."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "run.json")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def assert_same_results(found: Path, expected: Path) -> None:
    first, second = contents(found), contents(expected)
    assert sorted(first) == sorted(second)
    assert not [name for name in first if first[name] != second[name]]


@pytest.mark.slow
@pytest.mark.long
def test_two_workers_give_the_same_bytes(recordings: Path, run: StudyRun, tmp_path: Path) -> None:
    run_study(recordings, tmp_path / "two", jobs=2)
    assert_same_results(tmp_path / "two", run.results.path)


@pytest.mark.slow
def test_two_parts_brought_together_give_the_same_bytes(
    recordings: Path, run: StudyRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "parts"
    second = run_study(recordings, folder, part="2/2", jobs=1)
    assert list(second.problems) == PROBLEMS.names
    assert second.problems.empty
    show_run(second)
    assert "When every part is done: swa compare" in capsys.readouterr().out
    assert second.nights["subject"].tolist() == ["S01", "S02"]
    assert not [path for path in folder.iterdir() if path.is_file()]  # no table or page of the study
    with pytest.raises(StudyError, match="1/2"):
        compare_study(folder, jobs=1)
    first = run_study(recordings, folder, part="1/2", jobs=1)
    assert first.nights["status"].tolist() == ["done", "done", "failed"]
    compare_study(folder, jobs=1)
    assert_same_results(folder, run.results.path)


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/2/3", "-1/2"])
def test_what_is_no_part_is_refused(recordings: Path, tmp_path: Path, text: str) -> None:
    with pytest.raises(StudyError, match="I/N"):
        run_study(recordings, tmp_path, part=text)


def test_a_night_claimed_by_another_process_is_left_to_it(recordings: Path, tmp_path: Path) -> None:
    folder = tmp_path / "claimed"
    claim = folder / ".swa-work" / "claims" / "sub-S01_ses-baseline.json"
    assert take(claim) is None  # this process lives
    with pytest.raises(StudyError, match=str(os.getpid())), hold(folder):
        pass
    part = run_study(recordings, folder, part="1/5", jobs=1)
    assert part.problems["step"].tolist() == ["claim"]
    assert str(os.getpid()) in part.problems["problem"].item()


def test_the_claim_of_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    claim = tmp_path / "claim.json"
    assert take(claim) is None
    holder = take(claim)
    assert holder is not None
    assert holder.pid == os.getpid()
    told = json.loads(claim.read_text())
    for change in ({"process_start": told["process_start"] - 60}, {"pid": 2**22 + 1}):  # a number given again; none
        claim.write_text(json.dumps(told | change))
        assert take(claim) is None
    claim.write_text("")  # killed while it was written
    assert take(claim) is None
    claim.write_text(json.dumps(told | {"host": "elsewhere", "time": "2020-01-01T00:00:00+00:00"}))
    assert take(claim) is not None  # a lock of another host is never old
    assert take(claim, limit_h=12) is None  # a claim is


@pytest.mark.parametrize(("error", "alive"), [(psutil.NoSuchProcess, False), (psutil.AccessDenied, True)])
def test_where_signals_ask_nothing_a_process_of_another_user_still_holds(
    monkeypatch: pytest.MonkeyPatch, error: type[psutil.Error], alive: bool
) -> None:
    def hide(pid: int) -> psutil.Process:
        raise error(pid)

    holder = Holder(host=socket.gethostname(), pid=1, process_start=0.0, time="2020-01-01T00:00:00+00:00")
    with monkeypatch.context() as patched:
        patched.setattr(psutil, "Process", hide)
        patched.setattr(os, "name", "nt")
        found = holder.is_alive()
    assert found == alive


@pytest.mark.skipif(os.name != "posix", reason="needs /proc")
@pytest.mark.parametrize("error", [psutil.NoSuchProcess, psutil.AccessDenied])
def test_a_process_that_proc_hides_holds_until_the_machine_was_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[psutil.Error]
) -> None:
    """As where /proc is mounted with hidepid and another user's run holds a folder of both."""
    lock = tmp_path / "swa.lock"
    assert take(lock) is None
    told = json.loads(lock.read_text()) | {"pid": 1}
    lock.write_text(json.dumps(told))
    own = psutil.Process

    def hide(pid: int | None = None) -> psutil.Process:
        if pid is None:
            return own()
        raise error(pid)

    def refuse(pid: int, _number: int) -> None:
        raise PermissionError if pid == 1 else ProcessLookupError

    monkeypatch.setattr(psutil, "Process", hide)
    monkeypatch.setattr(os, "kill", refuse)
    holder = take(lock)
    assert holder is not None
    assert holder.pid == 1
    lock.write_text(json.dumps(told | {"process_start": psutil.boot_time() - 60}))
    assert take(lock) is None
    lock.write_text(json.dumps(told | {"pid": 2}))
    assert take(lock) is None


@pytest.mark.slow
@pytest.mark.long
def test_compare_makes_the_same_contrasts_without_recordings(run: StudyRun, tmp_path: Path) -> None:
    copy = tmp_path / "compare"
    shutil.copytree(run.results.path, copy)
    (copy / "contrasts.tsv").unlink()
    results = compare_study(copy, jobs=1)
    assert (copy / "contrasts.tsv").read_bytes() == (run.results.path / "contrasts.tsv").read_bytes()
    assert len(results.contrasts)


@pytest.mark.slow
@pytest.mark.long
def test_compare_with_other_settings_makes_them_those_of_the_folder(run: StudyRun, tmp_path: Path) -> None:
    """Tables, pages and methods text speak of the same comparison."""
    copy = tmp_path / "settings"
    shutil.copytree(run.results.path, copy)
    given = check_settings({"comparison": {"confidence": 0.8, "primary": "swa NREM night frontal"}})
    results = compare_study(copy, jobs=1, settings=given)
    assert results.settings.comparison.confidence == 0.8
    assert results.settings.artifacts == run.results.settings.artifacts
    page = (copy / "index.html").read_text(encoding="utf-8")
    # With two subjects no card has an interval; captions and tables name its level, and none names the one before.
    assert set(re.findall(r"(\d+)[ \N{NO-BREAK SPACE}]% interval", page)) == {"80"}
    assert "as named in the settings or the study file" in (copy / "methods.txt").read_text(encoding="utf-8")
    assert (results.contrasts["role"] == "primary").any()
    as_they_are = {path: path.read_bytes() for path in copy.iterdir() if path.is_file()}
    for refused, told in (
        ({"waves": {"peak_to_peak_uv": (140, float("inf"))}}, r"\[waves\]"),
        ({"comparison": {"primary": "swa NREM nihgt frontal"}}, "declared primary"),
    ):
        with pytest.raises(SettingsError, match=told):
            compare_study(copy, jobs=1, settings=check_settings(refused))
    assert {path: path.read_bytes() for path in as_they_are} == as_they_are


@pytest.mark.slow
@pytest.mark.long
def test_a_page_that_fails_stops_no_other_and_is_listed(
    run: StudyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(task: PageTask) -> Path:
        if task.subject == "S01":
            raise ValueError("no ink")
        return write_subject_page(task)

    copy = tmp_path / "page"
    shutil.copytree(run.results.path, copy)
    (copy / "index.html").unlink()
    (copy / "sub-S02" / "sub-S02.html").unlink()
    monkeypatch.setattr("swa.pipeline.write_subject_page", write)
    results = compare_study(copy, jobs=1)
    problem = results.problems.iloc[-1]
    assert (problem["subject"], problem["step"]) == ("S01", "page")
    assert "no ink" in problem["problem"]
    assert (copy / "index.html").is_file()
    assert (copy / "sub-S02" / "sub-S02.html").is_file()


def test_excluded_nights_are_listed(
    recordings: Path, run: StudyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("swa.pipeline._write_page", lambda task: [])  # pages have tests of their own
    copy = tmp_path / "exclude"
    shutil.copytree(run.results.path, copy)
    again = run_study(recordings, copy, exclude=["S03", "S02/ketamine"], jobs=1)
    status = again.results.nights.set_index(["subject", "session"])["status"]
    assert status["S02", "ketamine"] == status["S03", "baseline"] == "excluded"
    assert set(again.results.problems["step"]) == {"exclude", "afterwards"}  # their results were there already
    # No page and no rows of a subject that is no longer in the study; its nights stay for another run.
    assert list(copy.glob("sub-S01/*.html"))
    again = run_study(recordings, copy, exclude=["S01"], jobs=1)
    assert not list(copy.glob("sub-S01/*.*"))
    assert not (copy / "sub-S01" / "figures").exists()
    assert set(again.results.measures["subject"]) == {"S02"}
    assert list(copy.glob("sub-S01/ses-*/eeg/*_desc-night.json"))


def test_unknown_exclusion_is_refused(recordings: Path, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="S09"):
        run_study(recordings, tmp_path / "none", exclude=["S09"], jobs=1)


@pytest.mark.slow
@pytest.mark.long
def test_a_held_folder_names_its_holder_and_a_dead_lock_is_taken_over(
    recordings: Path, run: StudyRun, tmp_path: Path
) -> None:
    copy = tmp_path / "held"
    shutil.copytree(run.results.path, copy)
    lock = copy / "swa.lock"
    assert take(lock) is None
    with pytest.raises(StudyError, match=str(os.getpid())):
        compare_study(copy, jobs=1)
    with pytest.raises(StudyError, match=str(os.getpid())):
        run_study(recordings, copy, part="1/2")
    lock.write_text(json.dumps(json.loads(lock.read_text()) | {"pid": 2**22 + 1}))
    compare_study(copy, jobs=1)
    assert not lock.exists()


def test_recordings_of_unknown_design_are_subjects_of_their_own(
    recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "anonymous"
    folder.mkdir()
    shutil.copy(recordings / "S03_baseline.edf", folder / "first.edf")
    shutil.copy(recordings / "S03_baseline.edf", folder / "second.edf")
    template = tmp_path / "out" / "study-template.tsv"
    template.parent.mkdir()
    template.write_text("subject\tcondition\trecording\nS03\tplacebo\tfirst.edf\n", encoding="utf-8")
    again = run_study(folder, tmp_path / "out", jobs=1)
    assert again.results.nights["status"].tolist() == ["failed", "failed"]
    assert "placebo" in template.read_text(encoding="utf-8")  # what was typed is kept
    show_run(again)
    said = capsys.readouterr()
    assert f"note: {template} is kept as it is" in said.err
    assert said.out.endswith(
        f"To compare nights: copy {template} to {folder / 'study.tsv'}, fill in the column condition, and run again.\n"
    )
    assert again.results.contrasts.empty
    assert again.results.measures.empty
    assert (tmp_path / "out" / "index.html").is_file()


def test_headlines_stand_beside_each_night(run: StudyRun) -> None:
    done = run.results.nights.query("status == 'done'")
    assert np.isfinite(done[["swa", "wave_density", "wave_amplitude_p90", "TST_min"]].to_numpy(dtype=float)).all()


def test_inspect_reads_headers_and_finds_the_same_plan(recordings: Path) -> None:
    found = inspect_study(recordings)
    assert len(found["plan"]) == 5
    first = found["recordings"][0]
    assert first["duration_s"] == 5400
    assert [channel["name"] for channel in first["channels"] if channel["role"] == "eeg"] == ["F3-M2", "C4-M1"]
    assert not first["patient_fields_filled"]
    assert found["recordings"][-1]["problems"]


@pytest.mark.slow
def test_the_bids_validator_finds_no_error(run: StudyRun) -> None:
    validator = shutil.which("bids-validator-deno")
    if validator is None:
        pytest.skip("pip install bids-validator-deno (120 MB)")
    found = subprocess.run([validator, "--json", str(run.results.path)], capture_output=True, text=True, check=False)
    issues = json.loads(found.stdout)["issues"]["issues"]
    assert not [issue for issue in issues if issue["severity"] == "error"]


def test_results_of_another_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"nights\.tsv"):
        read_results(tmp_path)
