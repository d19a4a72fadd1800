"""Scripts for public data sets run on made recordings with the real names and layout, and fill their rows."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
PUBLIC = ROOT / "examples" / "public"
SCRIPTS = ["sleep_edf_sc", "sleep_edf_st", "boas", "dod", "shhs"]
STAGES = {"W": 0, "N1": 1, "N2": 2, "N3": 3, "R": 4}


@pytest.fixture(scope="module")
def layouts():
    return runpy.run_path(str(ROOT / "benchmarks" / "public_layouts.py"), run_name="public_layouts")


@pytest.fixture(scope="module")
def hypnogram(make_hypnogram):
    """The night of the layouts."""
    return make_hypnogram("W*10 N1*4 N2*40 N3*30 R*20 W*6")


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(PUBLIC)
    monkeypatch.setattr("swa.pipeline._write_page", lambda task: [])  # pages have tests of their own
    monkeypatch.setattr("swa.pipeline.default_jobs", lambda tasks, peak_gb: 1)
    yield lambda name, run_name="script": runpy.run_path(str(PUBLIC / f"{name}.py"), run_name=run_name)
    sys.modules.pop("expected", None)


def test_the_page_has_every_row_of_the_scripts_and_nothing_is_claimed_that_was_not_run(script):
    lines = (ROOT / "docs" / "validation-public.md").read_text(encoding="utf-8").splitlines()
    rows = []
    for name in SCRIPTS:
        part = script(name)
        rows += [
            f"| {part['DATA_SET']} | {each.what} | {each.published} | {each.source} |" for each in part["EXPECTED"]
        ]
    at = [line for line in lines if line.startswith("| ")][2:]
    assert len(at) == len(rows)
    assert all(line.startswith(row) for line, row in zip(at, rows, strict=True))
    filled = [bool(found.strip()) for found in (line.split(" | ")[4] for line in at)]
    assert filled == [line.split(" | ")[5].strip(" |") != "" for line in at]
    assert any("Nothing here was run yet" in line for line in lines) is not any(filled)


def made(name, folder, layouts, write_edf, eeg):
    """A data set of a few nights."""

    def night(path, labels, number, rate_hz=100.0):
        path.parent.mkdir(parents=True, exist_ok=True)
        signals = {label: eeg(number + 10 * place) for place, label in enumerate(labels)}
        write_edf(path, signals, rate_hz, start=layouts["evening"](number))

    codes = layouts["stages"]("0,1,2,3,3,4")
    if name == "sleep_edf_sc":
        for number, stem in enumerate(("SC4001E", "SC4002E")):
            night(folder / f"{stem}0-PSG.edf", ["EEG Fpz-Cz"], number)
            layouts["annotations"](layouts["RK_STAGES"], number)(folder / f"{stem}C-Hypnogram.edf")
        return "1 subjects with two nights"
    if name == "sleep_edf_st":
        for number, (stem, scorer) in enumerate(
            {"ST7011J": "P", "ST7012J": "P", "ST7021J": "M", "ST7022J": "M"}.items()
        ):
            night(folder / f"{stem}0-PSG.edf", ["EEG Fpz-Cz"], number)
            layouts["annotations"](layouts["RK_STAGES"], number)(folder / f"{stem}{scorer}-Hypnogram.edf")
        (folder / "ST-subjects.xls").write_bytes(layouts["zlib"].decompress(layouts["ST_SUBJECTS"]))
        return "n 2"
    if name == "boas":
        (folder / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.8.0"}')
        for kind in ("psg", "headband"):
            stem = folder / "sub-1" / "eeg" / f"sub-1_task-Sleep_acq-{kind}"
            labels = ["PSG_C3", "PSG_C4"] if kind == "psg" else ["HB_1", "HB_2"]
            night(stem.with_name(f"{stem.name}_eeg.edf"), labels, 14)
            rows = layouts["table"]("onset\tduration\tstage_hum\tstage_ai", "{t}\t30\t{s}\t2", codes)
            stem.with_name(f"{stem.name}_events.tsv").write_text(rows)
        return "medians of 1 nights"
    if name == "dod":
        stem = "095d6e40-5f19-55b6-a0ec-6e0ad3793da0"
        night(folder / f"{stem}.edf", ["C3_M2"], 3)
        (folder / f"{stem}.json").write_text(json.dumps([int(code) for code in codes]))
        return "medians of 1 nights"
    for number in (1, 2):
        stem = f"shhs1-20000{number}"
        night(folder / "polysomnography" / "edfs" / "shhs1" / f"{stem}.edf", ["EEG(sec)"], number)
        scoring = folder / "polysomnography" / "annotations-events-nsrr" / "shhs1" / f"{stem}-nsrr.xml"
        scoring.parent.mkdir(parents=True, exist_ok=True)
        scoring.write_text(layouts["nsrr_xml"]())
    (folder / "datasets").mkdir()
    table = "nsrrid,age_s1,gender\n200001,55,1\n200002,66,2\n"
    (folder / "datasets" / "shhs1-dataset-0.21.0.csv").write_text(table)
    return "+0.0 points, n 2"


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_runs_on_the_layout_of_its_data_set(
    name, script, tmp_path, monkeypatch, layouts, write_edf, sleep_eeg, hypnogram, capsys
):
    """From the folder as it is downloaded to the rows of the page, with no setting and no study file of one's own."""
    folder, page = tmp_path / "data", tmp_path / "page.md"
    folder.mkdir()
    said = made(name, folder, layouts, write_edf, lambda seed: sleep_eeg(hypnogram, seed))
    page.write_text((ROOT / "docs" / "validation-public.md").read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", [name, str(folder), "--write", str(page)])
    part = script(name, "__main__")
    assert said in capsys.readouterr().out
    lines = [
        line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith(f"| {part['DATA_SET']} |")
    ]
    assert len(lines) == len(part["EXPECTED"])
    assert all(not line.endswith("|  |  |") for line in lines)
    nights = part["swa"].read_results(tmp_path / "data-swa-results").nights
    assert nights["status"].eq("done").all()
    assert nights["staging_source"].str.contains("YASA").sum() == 0
    assert np.allclose(nights["N3_min"], 15)
    if name == "sleep_edf_st":
        assert set(part["swa"].read_results(tmp_path / "data-swa-results").contrasts["contrast"]) == {
            "temazepam:placebo"
        }
