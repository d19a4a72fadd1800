"""What published work expects of a data set, beside what swa finds: the rows of docs/validation-public.md."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import swa

PAGE = Path(__file__).parents[2] / "docs" / "validation-public.md"
Find = Callable[[swa.Results], str]


@dataclass(frozen=True, kw_only=True)
class Expected:
    """A published finding, its source, and how it is looked up in a results folder."""

    what: str
    published: str
    source: str
    find: Find


def rows_of(table: pd.DataFrame, **wanted: str) -> pd.DataFrame:
    """The rows of a table with these cells, and no variant."""
    wanted |= {"variant": ""}
    return table[np.logical_and.reduce([table[name] == cell for name, cell in wanted.items()])]


def change(measure: str, *, window: str = "night", stages: str = "NREM", channel: str = "Fpz-Cz") -> Find:
    """The change over all subjects, with interval, p and n."""

    def find(results: swa.Results) -> str:
        wanted = {"measure": measure, "window": window, "stages": stages, "channel": channel}
        rows = rows_of(results.contrasts, subject="group", **wanted)
        if rows.empty:
            return "not measured"
        row = rows.iloc[0]
        values = row[["estimate", "ci_low", "ci_high"]].astype(float)
        low, mid, high = (values[name] for name in ("ci_low", "estimate", "ci_high"))
        if row["scale"] == "ratio":
            low, mid, high = (100 * (value - 1) for value in (low, mid, high))
        unit = " %" if row["scale"] == "ratio" else ""
        return f"{mid:+.1f}{unit} ({low:+.1f} to {high:+.1f}), p {row['p']:.3g}, n {row['n']:.0f}"

    return find


def between_nights(measure: str, *, stages: str = "NREM", channel: str = "Fpz-Cz", log: bool = True) -> Find:
    """The correlation of two nights over subjects."""

    def find(results: swa.Results) -> str:
        rows = rows_of(results.measures, measure=measure, window="night", stages=stages, channel=channel)
        table = rows.pivot(index="subject", columns="session", values="value").astype(float).dropna()
        if len(table) < 3:
            return f"{len(table)} subjects with two nights"
        nights = np.log(table.to_numpy()) if log else table.to_numpy()
        return f"r = {np.corrcoef(nights[:, 0], nights[:, 1])[0, 1]:.2f}, n {len(table)}"

    return find


def agreement(results: swa.Results) -> str:
    """Epochs in which YASA and the scoring agree, over nights."""
    share = results.nights["yasa_accuracy"].dropna().astype(float)
    kappa = results.nights["yasa_kappa"].dropna().astype(float)
    return f"{100 * share.median():.1f} % (κ {kappa.median():.2f}), medians of {len(share)} nights"


def table(data_set: str, expected: Sequence[Expected], results: swa.Results | None = None) -> pd.DataFrame:
    """The rows of a data set; empty where nothing was run."""
    found = ["" if results is None else each.find(results) for each in expected]
    columns = ["what", "published", "source"]
    rows = pd.DataFrame([[getattr(each, name) for name in columns] for each in expected], columns=columns)
    by = "" if results is None else swa.__version__
    return rows.assign(data_set=data_set, found=found, by=by)[["data_set", *columns, "found", "by"]]


def as_lines(rows: pd.DataFrame) -> list[str]:
    """Lines of a Markdown table."""
    return [f"| {' | '.join(map(str, row))} |" for row in rows.itertuples(index=False)]


def main(about: str, data_set: str, expected: Sequence[Expected], run: Callable[[Path, Path], swa.Results]) -> None:
    """Run a data set from the command line, print its rows, and put them into the page."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the data set as it is downloaded")
    parser.add_argument("-o", "--results", type=Path, help="default: swa-results beside it")
    parser.add_argument("--write", type=Path, nargs="?", const=PAGE, help="page whose rows are filled")
    call = parser.parse_args()
    found = run(call.folder, call.results or call.folder.with_name(f"{call.folder.name}-swa-results"))
    lines = as_lines(table(data_set, expected, found))
    print("\n".join(lines))
    if call.write:
        filled = dict(zip(as_lines(table(data_set, expected)), lines, strict=True))
        page = call.write.read_text(encoding="utf-8").splitlines()
        call.write.write_text("\n".join(filled.get(line, line) for line in page) + "\n", encoding="utf-8")
