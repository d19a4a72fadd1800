"""The study page of many nights: its size, how long a browser needs to open it, and whether its table still answers.

    python benchmarks/large_page.py RESULTS [nights] [folder]

Repeats the nights of a finished results folder until there are as many nights (1,000), each copy of a subject
with noise of its own; every twentieth copied night is left out as failed. Measures are those that the pages show.
Contrasts are computed, the page is written, and chromium opens it, sorts its table of nights by every column and
filters it. Aims: at most 10 MB, open in less than 2 s.
"""

import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.page_screenshots import browse
from swa.comparison.contrasts import compare_nights
from swa.glossary import headline_measures
from swa.report.leading_rows import HEADLINE_WINDOWS
from swa.report.pages import write_study_page
from swa.study.store import read_results
from swa.tables.files import write_table

SPREAD = 0.15  # of the copies, in ln
FAILS = 20  # every so many nights
WATCH = """<!DOCTYPE html><title>measure</title><iframe id="page" style="border:0;width:1280px;height:1000px"></iframe>
<script>
const frame = document.getElementById("page"), begun = performance.now();
frame.addEventListener("load", () => {
  const view = frame.contentWindow, page = frame.contentDocument, found = [];
  const timed = (what, act) => { const start = performance.now(); act(); page.body.offsetHeight;
    found.push(what + " " + Math.round(performance.now() - start)); };
  if (!page.querySelector("table.sortable")) return;
  page.body.offsetHeight;
  found.push("open " + Math.round(performance.now() - begun));
  found.push("loaded " + Math.round(view.performance.getEntriesByType("navigation")[0].domComplete));
  const table = page.querySelector("table.sortable"), rows = [...table.tBodies[0].rows];
  let wrong = 0;
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    timed("sort", () => head.querySelector("button").click());
    const numbers = [...table.tBodies[0].rows].map((row) => row.cells[column].textContent)
      .filter((text) => /^[\\d.]+$/.test(text)).map(Number);
    if (column > 4) numbers.slice(1).forEach((value, place) => { wrong += value < numbers[place]; });
  });
  const field = page.querySelector("input[type=search]");
  timed("filter", () => { field.value = "ketamine failed"; field.dispatchEvent(new view.Event("input")); });
  found.push("shown " + rows.filter((row) => !row.hidden).length, "rows " + rows.length, "misplaced " + wrong);
  document.body.dataset.found = found.join(";");
});
frame.src = "ADDRESS";
</script>"""


def multiply(source: Path, target: Path, nights: int) -> None:
    """A results folder of many nights, copies of those of another; files of nights are links."""
    results = read_results(source)
    once = results.nights[results.nights["status"] == "done"]
    shown = set(headline_measures())
    measures = results.measures
    kept = measures["measure"].isin(shown) & measures["window"].isin(HEADLINE_WINDOWS) & (measures["stages"] == "NREM")
    measures = measures[kept & (measures["variant"] == "")]
    rng = np.random.default_rng(0)
    rows, tables = [], []
    for copy in range(-(-nights // len(once))):
        own = once.assign(subject=once["subject"] + f"-{copy}", subject_label=once["subject_label"] + f"x{copy}")
        rows.append(own)
        factor = np.exp(rng.normal(0, SPREAD, len(measures)))
        renamed = measures["subject"].astype(str) + f"-{copy}"
        tables.append(measures.assign(subject=renamed, value=measures["value"] * factor))
        for label in once["subject_label"].unique():
            link_subject(source / f"sub-{label}", target / f"sub-{label}x{copy}")
    table = pd.concat(rows, ignore_index=True).head(nights)
    failed = np.arange(len(table)) % FAILS == FAILS - 1
    table["status"] = np.where(failed, "failed", "done")
    write_table(table, target / "nights.tsv")
    long = pd.concat(tables, ignore_index=True).sort_values("measure", kind="stable")
    long.to_parquet(target / "measures.parquet", index=False)
    problems = table.loc[failed, ["subject", "session", "recording"]].assign(
        step="recording",
        problem="The header promises 4,812 records, the file has 1,203.",
        remedy="Copy the file again.",
    )
    write_table(problems, target / "problems.tsv")
    for name in ("settings.toml", "comparability.tsv", "specifications.tsv", "specification_summary.tsv"):
        if (source / name).is_file():
            shutil.copy(source / name, target / name)
    write_table(compare_nights(read_results(target)), target / "contrasts.tsv")


def link_subject(source: Path, target: Path) -> None:
    """The files of a subject under another name."""
    for path in source.rglob("ses-*/eeg/*"):
        own = target / path.relative_to(source).parent / path.name.replace(f"{source.name}_", f"{target.name}_")
        own.parent.mkdir(parents=True, exist_ok=True)
        if not own.exists():
            os.link(path, own)
    (target / f"{target.name}.html").write_text("<!DOCTYPE html><title>a subject</title>", encoding="utf-8")


def main(source: Path, nights: int, folder: Path) -> int:
    multiply(source, folder, nights)
    begun = time.process_time()
    write_study_page(read_results(folder))
    page = folder / "index.html"
    seconds = time.process_time() - begun
    size = page.stat().st_size
    print(f"{nights} nights: {size / 1e6:.2f} MB, written in {seconds:.1f} s of CPU")
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        print("chromium is not on this machine", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as temporary:
        wrapper = Path(temporary) / "watch.html"
        wrapper.write_text(WATCH.replace("ADDRESS", page.resolve().as_uri()), encoding="utf-8")
        text = browse(
            browser, Path(temporary), "--window-size=1320,1000", "--timeout=60000", "--dump-dom", wrapper.as_uri()
        )
    found = re.search(r'data-found="([^"]*)"', text)
    print(found[1].replace(";", "\n") if found else "the page did not open in a minute")
    return 0 if found and size <= 10e6 else 1


if __name__ == "__main__":
    several = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    if len(sys.argv) > 3:
        raise SystemExit(main(Path(sys.argv[1]), several, Path(sys.argv[3])))
    with tempfile.TemporaryDirectory() as place:
        raise SystemExit(main(Path(sys.argv[1]), several, Path(place)))
