"""Scripts that labs paste run on the sample study."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import swa

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
LEAVES = {"two_nights": "slow_waves.png", "study_figures": "forest.svg", "tables_for_r": "swa_cycle1_frontal.csv"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the project as a user has it after the first command; the nights come with their true stages."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "sample_recordings", folder / "sample_recordings")
    study = folder / "sample_recordings" / "study.tsv"
    table = pd.read_csv(study, sep="\t", dtype=str)
    table["hypnogram"] = [f"truth/{name.removesuffix('.edf')}_stages.tsv" for name in table["recording"]]
    table[table["subject"].isin(["S01", "S03"])].to_csv(study, sep="\t", index=False)
    swa.run_study(folder / "sample_recordings", folder / "results", jobs=1)
    return folder


def test_there_are_five_and_the_list_names_them() -> None:
    text = (ROOT / "examples" / "README.md").read_text()
    assert len(EXAMPLES) == 5
    assert all(f"`{path.name}`" in text for path in EXAMPLES)
    assert all(len(path.read_text().splitlines()) <= 45 for path in EXAMPLES)


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs_without_a_warning(path: Path, project: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", str(path)],
        cwd=project,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONUTF8": "1"},
    )
    assert ran.returncode == 0, ran.stderr
    if path.stem in LEAVES:
        assert (project / LEAVES[path.stem]).stat().st_size > 0


@pytest.mark.slow
def test_tables_can_be_read_by_r(project: Path) -> None:
    """Plain text as read.delim expects it: one header, no index, tabs, no row longer than the header, UTF-8."""
    for name in ("contrasts.tsv", "nights.tsv", "problems.tsv"):
        lines = (project / "results" / name).read_bytes().decode("utf-8").split("\n")
        assert not lines[0].startswith("\t")
        assert {line.count("\t") for line in lines if line} == {lines[0].count("\t")}
        assert not any("\r" in line for line in lines)
        assert '"' not in lines[0]
    table = pd.read_parquet(project / "results" / "measures.parquet")
    assert {"measure", "stages", "window", "channel", "variant", "subject", "session", "condition"} <= set(
        table.columns
    )
