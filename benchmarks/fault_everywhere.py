"""Raise an unforeseen exception in each function of a run in turn: does it cost more than the night that it strikes?

    python benchmarks/fault_everywhere.py [--what night|study]

Twelve simulated subjects of two nights, half an hour each, with given scorings; every fourth night is broken in another
way. `night`: in each function that the work at one night calls, once: the night is whole, or told as failed. `study`:
in each function of the pipeline, each that it calls, and each that is called outside of any guard, at its first call
in a run whose nights are finished. Where it ends the run, every file must be as it was; else the rows and files of
the other nights must be the same bytes, and what differs must be told. The exception comes out of the profile hook of
the interpreter, so that no function escapes it. Subject steps, comparisons and pages are left out, for time:
`tests/test_faults.py` strikes them one by one.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import CodeType, FrameType

import pandas as pd
from kill_runs import contents, shorten

import swa
from swa import pipeline, tables_of_study
from swa.simulation.simulated_study import simulate_study
from swa.study.long_table import join_measures
from swa.study.run import damage, plan_of_nights, work
from swa.study.run.batch import Workers
from swa.study.run.night_task import NightTask
from swa.study.run.night_work import process_night
from swa.study.subject import CombinedSubject

PIPELINE = {str(module.__file__) for module in (pipeline, plan_of_nights, damage, tables_of_study, work)}
HOME = str(Path(swa.__file__).parent)
GUARDS = {"attempt", "attempt_study", "process_night", "combine_subject", "respecify_subject", "_write_page"}


class StruckError(Exception):
    """What nobody foresaw."""


def name_of(code: CodeType) -> str:
    return f"{code.co_filename.removeprefix(HOME)[1:]}:{code.co_qualname}"


def is_own(code: CodeType) -> bool:
    return code.co_filename.startswith(HOME) and not code.co_name.startswith("<")


def record(call: Callable[[], object], *, guarded: bool) -> list[str]:
    """Names of the functions of swa that a call uses; those behind a guard if asked for, or called by it."""
    found: dict[str, None] = {}
    depth = 0

    def look(frame: FrameType, event: str, _: object) -> None:
        nonlocal depth
        code = frame.f_code
        if event == "call" and is_own(code):
            by_pipeline = frame.f_back is not None and frame.f_back.f_code.co_filename in PIPELINE
            if guarded or depth == 0 or by_pipeline:
                found[name_of(code)] = None
            depth += code.co_name in GUARDS
        elif event == "return" and is_own(code):
            depth -= code.co_name in GUARDS

    sys.setprofile(look)
    try:
        call()
    finally:
        sys.setprofile(None)
    return list(found)


def strike(name: str, call: Callable[[], object]) -> object:
    """Make a call in which the first use of a function raises."""

    def look(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and is_own(frame.f_code) and name_of(frame.f_code) == name:
            sys.setprofile(None)
            raise StruckError

    sys.setprofile(look)
    try:
        return call()
    finally:
        sys.setprofile(None)


def make_study(folder: Path) -> None:
    study = simulate_study(
        folder, subjects=12, hours=1.5, rate_hz=100.0, channels=("F3-M2", "C4-M1"), effect={"ketamine": 1.5}, seed=5
    )
    shorten(folder)
    table = pd.read_csv(study, sep="\t", dtype=str)
    table["hypnogram"] = [f"truth/{name.removesuffix('.edf')}_stages.tsv" for name in table["recording"]]
    table.to_csv(study, sep="\t", index=False)


def break_nights(folder: Path) -> list[str]:
    """Break every fourth night: cut in its header, emptied, its header of zeros, noise, no samples, a torn scoring."""
    names = pd.read_csv(folder / "study.tsv", sep="\t", dtype=str)["recording"].tolist()[::4]
    for way, path in enumerate(folder / name for name in names):
        raw = path.read_bytes()
        zeros = bytes(len(raw) - 1024)
        parts = (raw[:300], b"", bytes(1024) + raw[1024:], raw[:1024] + zeros, raw[:1024], raw)
        path.write_bytes(parts[way])
        if way == len(parts) - 1:
            (folder / "truth" / f"{path.stem}_stages.tsv").write_bytes(b"\xff\x00\xfe" * 99)
    return names


def whole_files(results: Path, broken: set[tuple[str, str]]) -> dict[str, bytes]:
    """Rows of the whole nights, and their files."""
    table = (results / "nights.tsv").read_text().splitlines()
    places = [table[0].split("\t").index(name) for name in ("subject", "session")]
    rows = {tuple(line.split("\t")[place] for place in places): line.encode() for line in table[1:]}
    found = {" ".join(key): row for key, row in rows.items() if key not in broken}
    for path in results.glob("sub-*/ses-*/*"):
        if path.is_file() and not any(f"sub-{s}_ses-{n}_" in path.name for s, n in broken):
            found[path.relative_to(results).as_posix()] = path.read_bytes()
    return found


def run(recordings: Path, results: Path) -> pd.DataFrame:
    return pipeline.run_study(recordings, results, jobs=1).problems


def keep_the_rest() -> None:
    """Leave out what takes long and is struck elsewhere: subject steps, comparisons, pages."""
    kept = {
        "_write_page": lambda _: [],
        "find_combined": lambda _: (CombinedSubject(problems=[], doubtful=frozenset()), ""),
        "join_measures": lambda results, _: join_measures(results, []),
    }
    for name, instead in kept.items():
        setattr(pipeline if hasattr(pipeline, name) else tables_of_study, name, instead)


def strike_night(task: NightTask, names: Sequence[str]) -> int:
    """Each function that a night calls, once; how many ended in anything but a failed night or the same files."""
    expected, wrong = whole_files(task.results, set()), 0
    for name in names:
        for path in task.results.glob("fault-*.txt"):
            path.unlink()
        ((_, outcome),) = Workers(1).run(lambda one, name=name: strike(name, lambda: process_night(one)), [task])
        if isinstance(outcome, BaseException):
            outcome = pipeline._lost(task, outcome)
        same = whole_files(task.results, set()) == expected
        told = outcome.status == "failed" and "Struck" in outcome.problem and any(task.results.glob("fault-*.txt"))
        if not (same and (told or outcome.status == "done")):
            wrong += 1
            print(f"{name}: {outcome.status}, {outcome.problem}, files {same}", flush=True)
    return wrong


def strike_study(base: Path, names: Sequence[str], broken: set[tuple[str, str]]) -> int:
    """Each function in a run of its own; how many ended the run, or changed the rows or files of other nights."""
    results, wrong, ended = base / "struck", 0, []
    expected = whole_files(base / "results", broken)
    for name in names:
        shutil.rmtree(results, ignore_errors=True)
        shutil.copytree(base / "results", results)
        try:
            problems = strike(name, lambda: run(base / "broken", results))
        except Exception as error:
            untouched = contents(results) == contents(base / "results")
            ended.append(untouched)
            print(
                f"{name}: {type(error).__name__} ended the run{' and left every file as it was' * untouched}",
                flush=True,
            )
            continue
        found = whole_files(results, broken)
        differ = sorted(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key))
        told = problems["problem"].str.contains("Struck").sum()
        struck = [key for key in differ if " " in key]  # one night may be the one that was struck, and is told
        if len(struck) > told or (differ and not told):
            wrong += 1
            print(f"{name}: {len(differ)} differ {differ[:3]}, {told} told", flush=True)
    print(f"{len(ended)} ended the run, {sum(ended)} of them with every file as it was")
    return wrong + len(ended) - sum(ended)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", choices=("night", "study"), default="study")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        base = Path(place)
        make_study(base / "broken")
        table = pd.read_csv(base / "broken" / "study.tsv", sep="\t", dtype=str)
        names = break_nights(base / "broken")
        keep_the_rest()
        tasks: list[NightTask] = []
        pipeline.process_night = lambda task: (tasks.append(task), process_night(task))[1]
        problems = run(base / "broken", base / "results")
        pipeline.process_night = process_night
        nights = pd.read_csv(base / "results" / "nights.tsv", sep="\t", dtype=str)
        is_broken = nights["recording"].isin(names)
        broken = set(zip(nights.loc[is_broken, "subject"], nights.loc[is_broken, "session"], strict=True))
        shutil.copytree(base / "broken", base / "whole")
        table[~table["recording"].isin(names)].to_csv(base / "whole" / "study.tsv", sep="\t", index=False)
        run(base / "whole", base / "without")
        same = whole_files(base / "without", set()) == whole_files(base / "results", broken)
        print(f"{len(names)} of {len(nights)} nights broken, {len(problems)} problems told; others the same: {same}")
        if arguments.what == "night":
            task = replace(next(task for task in tasks if (task.subject, task.session) not in broken), overwrite=True)
            functions = record(lambda: process_night(task), guarded=True)
            wrong = strike_night(task, functions)
        else:
            shutil.copytree(base / "results", base / "struck")
            functions = record(lambda: run(base / "broken", base / "struck"), guarded=False)
            wrong = strike_study(base, functions, broken)
        print(f"{len(functions)} functions struck, {wrong} cost more than their piece")
    sys.exit(1 if wrong or not same else 0)


if __name__ == "__main__":
    main()
