"""Which nights a call works at: named ones, left out ones, and stored ones that no plan names."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pandas as pd
import pytest
from swa_cli.main import main
from swa_cli.show import show_run

from swa.errors import SettingsError, StudyError
from swa.pipeline import StudyRun, run_study
from swa.settings import Settings
from swa.simulation.simulated_study import simulate_study
from swa.study.plan.manifest import plan_study
from swa.study.plan.selection import find_nights, nights_left_out
from swa.study.store import Results
from swa.study.strays import check_same_study
from swa.tables.night_document import NightDocument


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    study = simulate_study(
        folder, subjects=2, hours=1.5, rate_hz=100.0, channels=("C4-M1",), effect={"ketamine": 1.2}, seed=1
    )
    table = pd.read_csv(study, sep="\t", dtype=str)
    table["hypnogram"] = [f"truth/{name.removesuffix('.edf')}_stages.tsv" for name in table["recording"]]
    table.to_csv(study, sep="\t", index=False)
    return folder


@pytest.fixture(scope="module")
def whole(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> StudyRun:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("swa.pipeline._write_page", lambda task: [])  # pages have tests of their own
        return run_study(recordings, tmp_path_factory.mktemp("whole") / "results", jobs=1)


@pytest.fixture(autouse=True)
def without_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swa.pipeline._write_page", lambda task: [])


def _files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name != "run.json")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.mark.slow
def test_what_only_names_is_done_and_finished_nights_stay_in_the_tables(recordings: Path, tmp_path: Path) -> None:
    first = run_study(recordings, tmp_path / "out", only=["S01"], jobs=1)
    assert first.n_fresh == 2
    assert first.results.nights["status"].tolist() == ["done", "done", "excluded", "excluded"]
    assert set(first.results.problems["problem"]) == {"not named by --only, and not done before"}
    assert set(first.results.problems["remedy"]) == {"Run without --only, or name it too."}
    second = run_study(recordings, tmp_path / "out", only=["S02/baseline"], jobs=1)
    assert second.n_fresh == 1
    assert second.results.nights["status"].tolist() == ["done", "done", "done", "excluded"]


@pytest.mark.slow
@pytest.mark.long
def test_only_with_overwrite_does_again_what_it_names_alone(recordings: Path, whole: StudyRun, tmp_path: Path) -> None:
    shutil.copytree(whole.results.path, tmp_path / "out")
    again = run_study(recordings, tmp_path / "out", only=["S02"], overwrite=True, jobs=1)
    assert again.n_fresh == 2
    assert _files(tmp_path / "out") == _files(whole.results.path)


@pytest.mark.slow
@pytest.mark.parametrize("part", [None, "1/1"])
def test_only_is_refused_where_the_others_were_measured_with_other_settings(
    recordings: Path, whole: StudyRun, tmp_path: Path, part: str | None
) -> None:
    """Their numbers could not stand beside those of the call, and would leave tables and pages."""
    shutil.copytree(whole.results.path, tmp_path / "out")
    before = _files(tmp_path / "out")
    other = Settings(power={"swa_hz": (0.75, 4.0)}, comparison={"icc": 0.6})
    with pytest.raises(SettingsError) as told:
        run_study(recordings, tmp_path / "out", settings=other, only=["S01/ketamine"], jobs=1, part=part)
    assert told.value.problem == (
        "--only does not name S01/baseline and 2 more, which were measured with other settings (power.swa_hz was "
        "[0.5, 4.0] and is [0.75, 4.0]); nothing was changed."
    )
    assert told.value.remedy == "Give the same --settings as before, or run without --only, which measures them again."
    assert _files(tmp_path / "out") == before


@pytest.mark.slow
def test_what_refuses_only_removes_nothing_either(recordings: Path, whole: StudyRun, tmp_path: Path) -> None:
    shutil.copytree(whole.results.path, tmp_path / "out")
    stray = tmp_path / "out" / "sub-S99" / "ses-baseline" / "eeg"
    stray.mkdir(parents=True)
    (stray / "sub-S99_ses-baseline_task-sleep_desc-night.json").write_text("{}", encoding="utf-8")
    before, other = _files(tmp_path / "out"), Settings(power={"swa_hz": (0.75, 4.0)})
    with pytest.raises(SettingsError, match="nothing was changed"):
        run_study(recordings, tmp_path / "out", settings=other, only=["S01/ketamine"], jobs=1, prune=True)
    assert _files(tmp_path / "out") == before
    assert list(stray.iterdir())


@pytest.mark.slow
def test_calls_for_the_nights_of_one_subject_each_may_bring_other_settings(
    recordings: Path, whole: StudyRun, tmp_path: Path
) -> None:
    """As those of the BIDS App for each participant: none of them makes tables."""
    shutil.copytree(whole.results.path, tmp_path / "out")
    other = Settings(power={"swa_hz": (0.75, 4.0)})
    assert run_study(recordings, tmp_path / "out", settings=other, only=["S01"], nights_only=True, jobs=1).n_fresh == 2


@pytest.mark.slow
def test_only_goes_on_where_settings_of_the_comparison_alone_differ(
    recordings: Path, whole: StudyRun, tmp_path: Path
) -> None:
    shutil.copytree(whole.results.path, tmp_path / "out")
    other = Settings(comparison={"icc": 0.6})
    again = run_study(recordings, tmp_path / "out", settings=other, only=["S01/ketamine"], jobs=1)
    assert again.n_fresh == 0
    assert again.results.nights["status"].tolist() == ["done"] * 4
    assert again.results.settings.comparison.icc == 0.6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"fingerprint": "0", "format": 0}, "--only does not name S02/ketamine, which another version of swa measured"),
        ({"fingerprint": "0"}, "and the recording, the scoring, the row of the study file or the stored files changed"),
    ],
)
def test_only_is_refused_where_another_night_would_be_measured_again(
    recordings: Path, whole: StudyRun, tmp_path: Path, other: dict[str, object], told: str
) -> None:
    shutil.copytree(whole.results.path, tmp_path / "out")
    folder = Results(tmp_path / "out").night("S02", "ketamine")
    document = folder.document()
    assert document is not None
    folder.finish(cast("NightDocument", document | other))
    with pytest.raises(StudyError, match=re.escape(told)):
        run_study(recordings, tmp_path / "out", only=["S01"], jobs=1)


def test_a_name_that_only_does_not_find_is_refused(recordings: Path, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"--only S09.*no such subject"):
        run_study(recordings, tmp_path / "out", only=["S09"], jobs=1)
    assert not (tmp_path / "out").exists()


NAMED = pd.DataFrame(
    {
        "subject": ["P03", "P03", "Jörg", "p1", "P1"],
        "session": ["Baseline", "Ketamin", "Baseline", "a", "a"],
        "subject_label": ["P03", "P03", "Joerg", "p1", "P12"],
    }
)


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("P03/ketamin", {1}),
        ("p03", {0, 1}),
        ("SUB-p03", {0, 1}),
        ("sub-joerg", {2}),
        ("jo\u0308rg/BASELINE", {2}),
        ("P1", {4}),  # as it is written, though another is called so in other letters
        ("p1/a", {3}),
    ],
)
def test_names_are_taken_in_any_case_of_letters(name: str, places: set[int]) -> None:
    assert find_nights(NAMED, [name], "--only") == places


def test_a_name_that_means_two_nights_but_for_the_case_is_refused() -> None:
    with pytest.raises(StudyError, match=r"--exclude P1/A can be p1/a or P1/a\. Write it in their letters"):
        find_nights(NAMED, ["P1/A"], "--exclude")


def test_a_name_of_no_night_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        StudyError, match=r"no such subject or night \(did you mean 'P03/Ketamin'\?\)\. Known are P03/Base"
    ):
        find_nights(NAMED, ["P03/ketamine"], "--only")
    many = pd.concat([NAMED.assign(session=str(i)) for i in range(20)], ignore_index=True)
    with pytest.raises(StudyError, match=r"no such subject or night\. Known are .* and 40 more\.$"):
        find_nights(many, ["X"], "--only")


def test_the_study_file_leaves_nights_out_with_its_reason() -> None:
    cells = ["", "no", "electrode fell off", "yes", None]
    nights = pd.DataFrame(
        {"subject": "S1", "session": list("abcde"), "subject_label": "S1", "exclude": cells}, dtype=object
    )
    found = nights_left_out(nights, ["S1/a"])
    assert {name: left.why for name, left in found.items()} == {
        "S1/a": "left out by --exclude",
        "S1/c": "left out by the study file: electrode fell off",
        "S1/d": "left out by the study file",
    }
    assert "run without --exclude" in found["S1/a"].remedy
    assert "empty its cell `exclude`" in found["S1/c"].remedy


@pytest.mark.slow
@pytest.mark.parametrize("blind", [False, True])
def test_a_night_that_the_study_file_excludes_is_listed_and_not_read(
    recordings: Path, tmp_path: Path, blind: bool
) -> None:
    table = pd.read_csv(recordings / "study.tsv", sep="\t", dtype=str)
    table["exclude"] = ["", "vomited after ketamine", "", ""]
    table["recording"] = [str(recordings / name) for name in table["recording"]]
    table["hypnogram"] = [str(recordings / name) for name in table["hypnogram"]]
    study_file = tmp_path / "excluding.tsv"  # not among the recordings, whose other runs would speak of it
    table.to_csv(study_file, sep="\t", index=False)
    found = run_study(recordings, tmp_path / "out", study_file=study_file, only=["S01"], blind=blind, jobs=1)
    assert sorted(found.results.nights["status"]) == ["done", "excluded", "excluded", "excluded"]
    told = found.results.problems["problem"].tolist()
    reason = "left out by the user" if blind else "left out by the study file: vomited after ketamine"
    assert reason in told
    assert all(found.results.problems["remedy"])
    assert b"vomited" not in b"".join(_files(tmp_path / "out").values()) or not blind


@pytest.mark.slow
def test_stored_nights_of_a_renamed_subject_are_named_and_pruned(
    recordings: Path, whole: StudyRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    shutil.copytree(whole.results.path, out)
    shutil.copytree(out / "sub-S02", out / "sub-S02old")
    for path in (out / "sub-S02old").rglob("sub-S02_*"):
        path.rename(path.with_name(path.name.replace("sub-S02_", "sub-S02old_")))
    (out / "sub-S02old" / "ses-ketamine" / "notes.txt").write_text("a user's own")
    told = run_study(recordings, out, jobs=1)
    assert told.strays == ("sub-S02old/ses-baseline", "sub-S02old/ses-ketamine")
    show_run(told)
    assert "sub-S02old/ses-ketamine" in capsys.readouterr().err
    assert run_study(recordings, out, jobs=1, prune=True).strays == ()
    assert [path.name for path in (out / "sub-S02old").rglob("*") if path.is_file()] == ["notes.txt"]
    assert (out / "sub-S02" / "ses-ketamine").is_dir()


def test_a_folder_with_the_results_of_another_study_is_refused(recordings: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    nights = pd.DataFrame({"subject": ["X1", "X2"], "session": ["pre", "pre"], "recording": ["x1.edf", "x2.edf"]})
    nights.to_csv(out / "nights.tsv", sep="\t", index=False)
    with pytest.raises(StudyError, match=r"results of another study: of its 2 nights \(X1 pre, x1.edf, …\) none"):
        run_study(recordings, out, jobs=1)
    study = plan_study(recordings, None, Settings(), out)
    nights.assign(recording=study.nights["recording"].iloc[0]).to_csv(out / "nights.tsv", sep="\t", index=False)
    check_same_study(out, study)  # subjects that were renamed


@pytest.mark.parametrize("sharing", [{"part": "1/2"}, {"nights_only": True}])
def test_calls_that_share_a_folder_remove_nothing(recordings: Path, tmp_path: Path, sharing: dict[str, object]) -> None:
    with pytest.raises(StudyError, match="--prune"):
        run_study(recordings, tmp_path / "out", prune=True, **sharing)  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_call_of_bids_apps_gives_what_run_gives(
    recordings: Path, whole: StudyRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def call(*args: str) -> int:
        with pytest.raises(SystemExit) as stopped:
            main([str(recordings), str(tmp_path / "out"), *args])
        return int(stopped.value.code or 0)

    assert call("participant", "--participant-label", "S01", "--n-cpus", "1") == 0
    assert not (tmp_path / "out" / "nights.tsv").exists()
    assert "2 nights of 1 subject" in capsys.readouterr().out
    assert call("participant", "--participant_label", "sub-S02", "--jobs", "1") == 0
    assert len(list((tmp_path / "out").glob("sub-*/ses-*/eeg/*_desc-night.json"))) == 4
    written = [path.stat().st_mtime_ns for path in sorted((tmp_path / "out").glob("sub-*/ses-*/eeg/*"))]
    assert call("group", "--jobs", "1") == 0
    assert written == [path.stat().st_mtime_ns for path in sorted((tmp_path / "out").glob("sub-*/ses-*/eeg/*"))]
    assert _files(tmp_path / "out") == _files(whole.results.path)
    assert call("participant", "--participant-label", "S09") == 2


# --- the scripts of examples/cluster, with schedulers that work here and at once

CLUSTER = Path(__file__).parents[1] / "examples" / "cluster"
SBATCH = """#!{python}
import os, subprocess, sys
given = [word for word in sys.argv[1:] if word.startswith("--")]
options = dict(word.partition("=")[::2] for word in given if word != "--wrap")
if "--wrap" in given:
    assert options["--dependency"] == "afterany:4711", options
    sys.exit(subprocess.run(["bash", "-c", sys.argv[sys.argv.index("--wrap") + 1]]).returncode)
first, last = map(int, options["--array"].split("-"))
call = ["bash", *(word for word in sys.argv[1:] if word not in given)]
for task in range(first, last + 1):
    own = dict(SLURM_ARRAY_TASK_ID=str(task), SLURM_ARRAY_TASK_COUNT=str(last))
    subprocess.run(call, env=os.environ | own, check=True, stdout=subprocess.DEVNULL)
print(4711)
"""
# Pages have tests of their own.
SWA = """#!{python}
import pathlib, sys
import swa.pipeline
from swa_cli.main import main
swa.pipeline._write_page = lambda task: []
with open("calls.txt", "a") as calls:
    print(sys.argv[1:], file=calls)
if sys.argv[1] == "compare":
    (pathlib.Path(sys.argv[2]) / "index.html").touch()  # Snakemake waits for it
main([*sys.argv[1:], *(["--jobs", "1"] if sys.argv[1] == "compare" else [])])
"""
ONLY_TOLD = """#!{python}
import pathlib, sys
if sys.argv[1] == "compare":
    (pathlib.Path(sys.argv[2]) / "index.html").touch()
with open("calls.txt", "a") as calls:
    print(sys.argv[1:], file=calls)
"""


def _in_path(folder: Path, monkeypatch: pytest.MonkeyPatch, **programs: str) -> None:
    for name, text in programs.items():
        (folder / name).write_text(text.replace("{python}", sys.executable))
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(folder)


def _calls(recordings: Path, results: Path, parts: int) -> list[str]:
    run = ["run", str(recordings), "-o", str(results), "--jobs", "1", "--part"]
    return [str([*run, f"{part}/{parts}"]) for part in range(1, parts + 1)] + [str(["compare", str(results)])]


def _nextflow(recordings: Path, results: Path, parts: int) -> None:
    """What main.nf has bash do, with its variables put in; nextflow itself is not needed."""
    text = (CLUSTER / "main.nf").read_text()
    nights, pages = (part.replace("\\$", "$") for part in re.findall(r'"""\n(.*?)"""', text, flags=re.DOTALL))
    values = {"params.recordings": str(recordings), "params.results": str(results), "params.parts": str(parts)}
    for command in [*(nights.replace("${part}", str(part)) for part in range(1, parts + 1)), pages]:
        for name, value in values.items():
            command = command.replace("${" + name + "}", value)
        assert "${" not in command
        subprocess.run(["bash", "-ue", "-c", command], check=True, stdout=subprocess.DEVNULL)


def _slurm(recordings: Path, results: Path, parts: int) -> None:
    subprocess.run(
        ["bash", CLUSTER / "slurm.sh", recordings, results, str(parts)], check=True, stdout=subprocess.DEVNULL
    )


def _snakemake(recordings: Path, results: Path, parts: int) -> None:
    given = [f"recordings={recordings}", f"results={results}", f"parts={parts}"]
    call = ["snakemake", "-q", "all", "-s", CLUSTER / "Snakefile", "--cores", "1", "--config", *given]
    subprocess.run(call, check=True, stdout=subprocess.DEVNULL)


needs_snakemake = pytest.mark.skipif(shutil.which("snakemake") is None, reason="snakemake is not installed")
SCHEDULERS = [_slurm, _nextflow, pytest.param(_snakemake, marks=needs_snakemake)]


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="shell scripts")
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_schedulers_give_what_run_gives(
    scheduler: Callable[[Path, Path, int], None],
    recordings: Path,
    whole: StudyRun,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _in_path(tmp_path, monkeypatch, sbatch=SBATCH, swa=SWA)
    out = tmp_path / "the results"
    scheduler(recordings, out, 2)
    calls = (tmp_path / "calls.txt").read_text().splitlines()
    assert sorted(calls) == sorted(_calls(recordings, out, 2))
    (out / "index.html").unlink()
    assert _files(out) == _files(whole.results.path)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="shell scripts")
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_schedulers_call_every_part_and_then_compare(
    scheduler: Callable[[Path, Path, int], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a second study in the same folder, too: what is done is noted beside the results."""
    _in_path(tmp_path, monkeypatch, sbatch=SBATCH, swa=ONLY_TOLD)
    for out in (tmp_path / "out", tmp_path / "other results"):
        out.mkdir()
        scheduler(Path("/data/study"), out, 3)
        calls = (tmp_path / "calls.txt").read_text().splitlines()[-4:]
        assert sorted(calls) == sorted(_calls(Path("/data/study"), out, 3))
        assert calls[-1] == str(["compare", str(out)])


@pytest.mark.slow
def test_quiet_says_only_what_went_wrong(recordings: Path, whole: StudyRun, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", str(recordings), "-o", str(whole.results.path), "--jobs", "1", "-q"])
    assert capfd.readouterr() == ("", "")


def test_the_schema_of_the_settings_describes_each_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["settings", "--schema"])
    schema = json.loads(capsys.readouterr().out)
    assert "swa-0.2" in schema["properties"].pop("settings")["enum"]
    groups = {name.removeprefix("#/$defs/") for group in schema["properties"].values() for name in [group["$ref"]]}
    assert groups == set(schema["$defs"])
    for group in schema["$defs"].values():
        assert group["additionalProperties"] is False
        assert all(field.get("description") and "default" in field for field in group["properties"].values())
