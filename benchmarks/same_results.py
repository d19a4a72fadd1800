"""Whether two versions of swa measure the same: the tables of one set of recordings, column by column.

    python benchmarks/same_results.py make RECORDINGS                 # 20 simulated nights, seed 2201
    python benchmarks/same_results.py tables TREE RECORDINGS RESULTS  # by the code of a checkout
    python benchmarks/same_results.py compare BEFORE AFTER [--nights]

The nights have 3 h, three channels and artefacts; those of seven subjects have a scoring, YASA stages three. Recordings
are made once, so that a change of the simulator is none of what is measured. Pages are left out. ``tables`` takes any
folder of recordings, with a study file ``study.tsv`` in it or without; ``--nights`` compares what is stored of each
night alone, not what is made of several.

``compare`` prints how many tables are the same byte by byte, and of each column that differs (long tables: by measure)
how many values do in how many files, the largest difference and the largest as a share of the former value; texts, and
rows and columns of one side alone, are counted. Rows belong together by what names them (IDENTITY), so that a row more
does not shift the others. Exits with 1 when a table differs.
"""

import argparse
import filecmp
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from swa.simulation.simulated_study import simulate_study

NIGHT_TABLES = "sub-*/ses-*/eeg/*"
SCORED = 7
CODE = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from swa import pipeline
assert Path(pipeline.__file__).is_relative_to(sys.argv[1]), pipeline.__file__
pipeline._write_page = lambda _: []
study = Path(sys.argv[2], "study.tsv")
pipeline.run_study(sys.argv[2], sys.argv[3], jobs=1, study_file=study if study.is_file() else None)
"""
IDENTITY = """
subject session condition contrast treatment_a treatment_b factor_a factor_b combination covariate drug source kind
channel stages stage window cycles cycle measure variant scale rule control gain term infusion night curve band
estimator selection artefacts domain effect power level frequency_hz time_s onset onset_s start_s
"""


def make_nights(folder: Path) -> None:
    file = simulate_study(
        folder, subjects=10, hours=3.0, rate_hz=128.0, channels=("F3-M2", "C4-M1", "E1-M2"), seed=2201, artifacts=4
    )
    nights = pd.read_csv(file, sep="\t", dtype=str, keep_default_na=False)
    scored = nights["subject"].isin(nights["subject"].unique()[:SCORED])
    scorings = [f"truth/{Path(name).stem}_stages.tsv" for name in nights["recording"]]
    nights["hypnogram"] = np.where(scored, scorings, "")
    nights.to_csv(file, sep="\t", index=False)


def make_tables(tree: Path, recordings: Path, results: Path) -> None:
    places = [str(path.resolve()) for path in (tree, recordings, results)]
    subprocess.run([sys.executable, "-W", "ignore", "-c", CODE, *places], check=True, env=os.environ)


def read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path, sep="\t", low_memory=False)


def name_rows(table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Number the rows that nothing tells apart, so that each has a name of its own."""
    named = table.assign(**{name: table[name].astype("str") for name in names})
    return named.assign(number=named.groupby(names, sort=False).cumcount() if names else range(len(named)))


def differences(before: pd.DataFrame, after: pd.DataFrame) -> Iterator[tuple[str, str, str, float, float]]:
    """Of each value that differs: measure (or none), column, kind, size, and size as a share of the former value."""
    for column in before.columns.symmetric_difference(after.columns):
        yield "", column, "column before" if column in before else "column after", np.nan, np.nan
    names = [name for name in IDENTITY.split() if name in before and name in after]
    both = name_rows(before, names).merge(
        name_rows(after, names), "outer", [*names, "number"], suffixes=("", "*"), indicator="side"
    )
    measure = both["measure"] if "measure" in both else pd.Series("", both.index)
    for side, kind in (("left_only", "row before"), ("right_only", "row after")):
        for each in measure[both["side"] == side]:
            yield each, "", kind, np.nan, np.nan
    both, measure = both[both["side"] == "both"], measure[both["side"] == "both"]
    for column in before.columns.intersection(after.columns).difference(names):
        old, new = both[column], both[f"{column}*"]
        apart = ~((old == new) | (old.isna() & new.isna())).to_numpy(bool)
        number = all(pd.api.types.is_numeric_dtype(values) for values in (old, new))
        for each, a, b in zip(measure[apart], old[apart], new[apart], strict=True):
            if not number:
                yield each, column, "text", np.nan, np.nan
            elif pd.isna(a) or pd.isna(b):
                yield each, column, "no value before" if pd.isna(a) else "no value after", np.nan, np.nan
            else:
                size = abs(float(b) - float(a))
                yield each, column, "number", size, size / abs(float(a)) if a else np.inf


def compare(before: Path, after: Path, pattern: str) -> bool:
    """Print what differs."""
    files = sorted(
        {
            path.relative_to(top)
            for top in (before, after)
            for path in top.glob(pattern)
            if path.suffix in (".tsv", ".parquet")
        }
    )
    same, rows, counted = 0, [], Counter[str]()
    for file in files:
        table = file.name.split("_task-sleep_")[-1]
        counted[table] += 1
        sides = [top / file for top in (before, after)]
        if not all(side.is_file() for side in sides):
            rows.append(
                (table, "", "", "file before" if sides[0].is_file() else "file after", np.nan, np.nan, str(file))
            )
        elif filecmp.cmp(*sides, shallow=False):
            same += 1
        else:
            found = list(differences(*(read(side) for side in sides)))
            found = found or [("", "", "bytes alone", np.nan, np.nan)]
            rows += [(table, *row, str(file)) for row in found]
    print(f"{len(files)} tables, {same} the same byte by byte")
    if rows:
        columns = ["table", "measure", "column", "difference", "size", "share", "file"]
        groups = pd.DataFrame(rows, columns=columns).groupby(columns[:4])
        told = groups.agg(n=("size", "size"), files=("file", "nunique"), size=("size", "max"), share=("share", "max"))
        told["of"] = [counted[name] for name in told.index.get_level_values("table")]
        print(told.to_string(float_format=lambda value: f"{value:.2g}"))
    return not rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for command, names in (
        ("make", ("recordings",)),
        ("tables", ("tree", "recordings", "results")),
        ("compare", ("before", "after")),
    ):
        added = commands.add_parser(command)
        for name in names:
            added.add_argument(name, type=Path)
    commands.choices["compare"].add_argument("--nights", action="store_true")
    arguments = parser.parse_args()
    if arguments.command == "make":
        make_nights(arguments.recordings)
    elif arguments.command == "tables":
        make_tables(arguments.tree, arguments.recordings, arguments.results)
    else:
        pattern = NIGHT_TABLES if arguments.nights else "**/*"
        sys.exit(int(not compare(arguments.before, arguments.after, pattern)))


if __name__ == "__main__":
    main()
