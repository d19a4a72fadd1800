"""Scripts that labs paste run on the sample study."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
LEAVES = {"two_nights": "slow_waves.png", "study_figures": "forest.svg", "tables_for_r": "swa_cycle1_frontal.csv"}


def test_there_are_six_and_the_list_names_them() -> None:
    text = (ROOT / "examples" / "README.md").read_text()
    assert len(EXAMPLES) == 6
    assert all(f"`{path.name}`" in text for path in EXAMPLES)
    assert all(len(path.read_text().splitlines()) <= 45 for path in EXAMPLES)


@pytest.mark.slow
@pytest.mark.parametrize("path", [path for path in EXAMPLES if path.stem != "pages_as_pdf"], ids=lambda path: path.stem)
def test_example_runs_without_a_warning(path: Path, studied: Path) -> None:
    shown = os.environ.get("SWA_SHOWN_WARNINGS", "").split()  # of old releases, see `.ci/ends`
    ran = subprocess.run(
        [sys.executable, "-W", "error", *(f"-W{rule}" for rule in shown), str(path)],
        cwd=studied,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONUTF8": "1"},
    )
    assert ran.returncode == 0, ran.stderr
    if path.stem in LEAVES:
        assert (studied / LEAVES[path.stem]).stat().st_size > 0


def _pdf(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "examples" / "pages_as_pdf.py"), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONUTF8": "1", **environment},
    )


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, ("chromium", "google-chrome"))), reason="no chromium on this machine")
def test_every_page_becomes_a_pdf_beside_the_results(studied: Path) -> None:
    ran = _pdf(folder=studied)
    assert ran.returncode == 0, ran.stderr
    pages = {path.stem for path in (studied / "results").rglob("*.html")}
    assert {"index", "sub-S01", "sub-S03"} <= pages
    pdfs = {path.stem: path.read_bytes() for path in (studied / "results-pdf").iterdir()}
    assert set(pdfs) == pages
    assert all(pdf.startswith(b"%PDF-") and pdf.count(b"/Type /Page\n") >= 1 for pdf in pdfs.values())
    assert not list((studied / "results").rglob("*.pdf"))


def test_where_no_page_or_no_browser_is_the_script_says_so(tmp_path: Path) -> None:
    assert "has no page" in _pdf(folder=tmp_path).stderr
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "index.html").touch()
    assert "print them to a file" in _pdf("other", folder=tmp_path, PATH=str(tmp_path)).stderr
    assert not (tmp_path / "other-pdf").exists()


@pytest.mark.slow
def test_tables_can_be_read_by_r(studied: Path) -> None:
    """Plain text as read.delim expects it: one header, no index, tabs, no row longer than the header, UTF-8."""
    for name in ("contrasts.tsv", "nights.tsv", "problems.tsv"):
        lines = (studied / "results" / name).read_bytes().decode("utf-8").split("\n")
        assert not lines[0].startswith("\t")
        assert {line.count("\t") for line in lines if line} == {lines[0].count("\t")}
        assert not any("\r" in line for line in lines)
        assert '"' not in lines[0]
    table = pd.read_parquet(studied / "results" / "measures.parquet")
    assert {"measure", "stages", "window", "channel", "variant", "subject", "session", "condition"} <= set(
        table.columns
    )
