"""Blinding: no output tells the conditions apart, and the key brings back what an open study would have shown."""

import json
import os
import shutil
import stat
from pathlib import Path

import pandas as pd
import pytest
from swa_cli.main import main

from swa.errors import StudyError
from swa.pipeline import StudyRun, run_study, unblind_study
from swa.settings import Settings, check_settings
from swa.simulation.simulated_study import simulate_study
from swa.study.plan.manifest import plan_study
from swa.study.run.blinding import key_folder
from swa.study.store import is_blinded, read_results

CHANNELS = ("F3-M2", "C4-M1", "E1-M2", "Chin")
# Words that nothing else in a results folder uses.
NAMES = {"baseline": "placebolin", "ketamine": "ketaminol"}
TOLD_BY_NAME = [name.encode() for name in (*NAMES.values(), "secretarm", "2001-01")]
SETTINGS = check_settings({"comparison": {"baseline": ["placebolin"]}})


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two subjects with two nights, and everything in the study file that could tell which is which."""
    folder = tmp_path_factory.mktemp("study")
    study = simulate_study(folder, subjects=2, hours=1.5, rate_hz=100.0, channels=CHANNELS, seed=3)
    table = pd.read_csv(study, sep="\t", dtype=str)
    table["condition"] = table["condition"].map(NAMES)
    files = []
    for old, subject, condition in zip(table["recording"], table["subject"], table["condition"], strict=True):
        new = f"{subject}_{condition}.edf"
        (folder / old).rename(folder / new)
        (folder / "truth" / f"{old.removesuffix('.edf')}_stages.tsv").rename(folder / f"{new[:-4]}_stages.tsv")
        files.append(new)
    table["recording"] = files
    table["hypnogram"] = [f"{name[:-4]}_stages.tsv" for name in files]
    table["arm"] = "secretarm"
    table["batch"] = ["early" if condition == "placebolin" else "late" for condition in table["condition"]]
    dates = {"placebolin": "2001-01-06", "ketaminol": "2001-01-13"}
    table["lights_off"] = [f"{dates[condition]}T23:00" for condition in table["condition"]]
    table = table.drop(columns=["primary"], errors="ignore")
    (folder / "S03_placebolin.edf").write_text("this is no recording")
    table.loc[len(table)] = {"subject": "S03", "condition": "placebolin", "recording": "S03_placebolin.edf"}
    table.loc[table["subject"] == "S02", "lights_off"] = "23:00"
    table.to_csv(study, sep="\t", index=False)
    shutil.rmtree(folder / "truth")
    (folder / "truth.json").unlink()
    return folder


@pytest.fixture(scope="module")
def blinded(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> StudyRun:
    return run_study(recordings, tmp_path_factory.mktemp("blind") / "results", settings=SETTINGS, jobs=1, blind=True)


def test_a_blinded_study_is_whole(blinded: StudyRun) -> None:
    nights = blinded.results.nights
    assert nights["status"].tolist() == ["done"] * 4 + ["failed"]
    assert set(nights["condition"]) == {"condition-A", "condition-B"}
    assert len(blinded.results.contrasts)
    assert "Blinded" in (blinded.results.path / "index.html").read_text()
    assert "Blinded" in (blinded.results.path / "sub-S01" / "sub-S01.html").read_text()


def test_no_byte_and_no_name_of_the_results_tells_a_condition(blinded: StudyRun) -> None:
    files = [path for path in blinded.results.path.rglob("*") if path.is_file()]
    assert len(files) > 40
    for path in files:
        content = path.read_bytes() + path.relative_to(blinded.results.path).as_posix().encode()
        if path.suffix == ".parquet":
            content += pd.read_parquet(path).to_csv().encode()
        for word in TOLD_BY_NAME:
            assert word not in content, (path, word)
    assert not {"batch", "order", "dose_start"} & set(blinded.results.nights)


@pytest.mark.skipif(os.name == "nt", reason="rights as POSIX has them")
def test_the_key_is_readable_by_its_owner_alone(recordings: Path, blinded: StudyRun, tmp_path: Path) -> None:
    copy = _copy(blinded, tmp_path)
    key_folder(copy).chmod(0o755)  # as another version left it
    (key_folder(copy) / "key.json").chmod(0o644)
    run_study(recordings, copy, settings=SETTINGS, jobs=1, blind=True)
    for folder in (key_folder(copy), key_folder(blinded.results.path)):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "key.json").stat().st_mode) == 0o600


def test_nights_are_processed_in_the_order_of_their_codes(blinded: StudyRun) -> None:
    nights = blinded.results.nights[lambda table: table["status"] == "done"]
    folders = [
        blinded.results.night(*row) for row in nights[["subject_label", "session_label"]].itertuples(index=False)
    ]
    times = [folder.file("desc-night.json").stat().st_mtime_ns for folder in folders]
    assert times == sorted(times)
    assert nights["session"].tolist() == ["condition-A", "condition-B"] * 2
    for folder in folders:
        provenance = (folder.document() or {})["provenance"]
        assert "recording_mtime_ns" not in provenance["inputs"]


def test_codes_and_the_reference_are_drawn_by_lot(recordings: Path, tmp_path: Path) -> None:
    from swa.study.run.blinding import blind_study

    study = plan_study(recordings, None, SETTINGS)
    drawn = set()
    for i in range(40):
        coded = blind_study(study, SETTINGS, tmp_path / f"r{i}")
        key = json.loads(coded.key.read_text())
        drawn.add((key["conditions"]["placebolin"], key["reference"]))
    assert len(drawn) == 4


def test_a_second_blinded_run_goes_on_with_the_same_codes_and_unblind_ends_it(
    recordings: Path, blinded: StudyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the commands of docs/howto/blinded.md."""
    monkeypatch.setattr("swa.pipeline._write_page", lambda task: [])  # pages have tests of their own
    copy = _copy(blinded, tmp_path)
    night = next(copy.glob("sub-S01/ses-*/eeg/*_desc-night.json"))
    written = night.stat().st_mtime_ns
    assert _swa("run", recordings, "-o", copy, "--blind", "--settings", copy / "settings.toml", "--jobs", "1") == 1
    assert night.stat().st_mtime_ns == written
    assert read_results(copy).nights["condition"].tolist() == blinded.results.nights["condition"].tolist()
    assert _swa("unblind", copy, "--key", key_folder(copy) / "key.json") == 1  # the night that cannot be read
    assert set(read_results(copy).nights["condition"]) == set(NAMES.values())


def _swa(*call: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in call])
    return int(ended.value.code or 0)


@pytest.mark.slow
@pytest.mark.long
def test_the_key_brings_back_what_an_open_study_shows(recordings: Path, blinded: StudyRun, tmp_path: Path) -> None:
    copy = _copy(blinded, tmp_path)
    results = unblind_study(copy, key_folder(copy) / "key.json", jobs=1)
    study = pd.read_csv(recordings / "study.tsv", sep="\t")
    hidden = study.drop(columns=["dose_start"])  # dose-locked windows need the nights again
    hidden.to_csv(tmp_path / "study.tsv", sep="\t", index=False)
    shown = run_study(
        recordings, tmp_path / "open", study_file=tmp_path / "study.tsv", settings=SETTINGS, jobs=1
    ).results
    pd.testing.assert_frame_equal(results.contrasts, shown.contrasts)
    pd.testing.assert_frame_equal(results.measures, shown.measures)
    names = ["subject", "session", "condition", "recording", "status", "arm", "batch", "verdict"]
    pd.testing.assert_frame_equal(results.nights[names], shown.nights[names])
    assert results.problems["recording"].tolist() == ["S03_placebolin.edf"]
    assert not list(copy.rglob("*condition*"))
    assert "Blinded" not in (copy / "index.html").read_text()
    assert results.settings == SETTINGS


def test_another_key_is_refused(blinded: StudyRun, tmp_path: Path) -> None:
    copy = _copy(blinded, tmp_path)
    key = json.loads((key_folder(copy) / "key.json").read_text())
    key["conditions"] = dict(zip(key["conditions"], reversed(key["conditions"].values()), strict=True))
    (tmp_path / "other.json").write_text(json.dumps(key))
    with pytest.raises(StudyError, match="not the key"):
        unblind_study(copy, tmp_path / "other.json")
    with pytest.raises(StudyError, match="no key file"):
        unblind_study(copy, copy / "nights.tsv")


def test_names_do_not_get_into_a_blinded_folder_nor_codes_into_an_open_one(
    recordings: Path, blinded: StudyRun, tmp_path: Path
) -> None:
    copy = _copy(blinded, tmp_path)
    with pytest.raises(StudyError, match="blinded"):
        run_study(recordings, copy, settings=SETTINGS, jobs=1)
    assert is_blinded(copy)
    (copy / "blinding.json").unlink()
    with pytest.raises(StudyError, match="carry the names"):
        run_study(recordings, copy, settings=SETTINGS, jobs=1, blind=True)


@pytest.mark.slow
@pytest.mark.long
def test_exclusions_are_told_by_their_own_names(recordings: Path, blinded: StudyRun, tmp_path: Path) -> None:
    copy = _copy(blinded, tmp_path)
    run = run_study(recordings, copy, settings=SETTINGS, jobs=1, blind=True, exclude=["S01/ketaminol"])
    code = json.loads((key_folder(copy) / "key.json").read_text())["conditions"]["ketaminol"]
    assert run.results.nights.query("status == 'excluded'")["condition"].tolist() == [code]


def test_there_must_be_something_to_blind(recordings: Path, tmp_path: Path) -> None:
    shutil.copy(recordings / "S01_ketaminol.edf", tmp_path / "night.edf")
    with pytest.raises(StudyError, match="no condition"):
        run_study(tmp_path, tmp_path / "results", settings=Settings(), jobs=1, blind=True)


def _copy(run: StudyRun, tmp_path: Path) -> Path:
    copy = tmp_path / "results"
    shutil.copytree(run.results.path, copy)
    shutil.copytree(key_folder(run.results.path), key_folder(copy), symlinks=True)
    assert read_results(copy).nights.shape[0] == 5
    assert os.path.islink(key_folder(copy) / "recordings" / "S01_conditionA.edf")
    return copy
