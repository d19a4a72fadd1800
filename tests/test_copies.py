"""One recording under two names is told, and never read as a drug without effect."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from swa.comparison.contrasts import compare_nights, state_designs
from swa.pipeline import compare_study
from swa.settings import Settings
from swa.study.plan.copies import MAIN_HEADER, find_copies
from swa.study.plan.inspection import inspect_study
from swa.study.plan.manifest import plan_study
from swa.study.plan.selection import LeftOut
from swa.study.store import NightFolder, read_results
from swa.study.study_tables import look_for_copies, problems_of_nights
from swa.study.written import write_believed
from swa.tables.files import read_table, table_text, write_table

SAMPLES = Path(__file__).parents[1] / "sample_recordings"


@pytest.fixture
def folder(tmp_path):
    """A night under two names, the second exported under another patient name, and a third night."""
    shutil.copy(SAMPLES / "S01_baseline.edf", tmp_path / "S01_baseline.edf")
    content = bytearray((SAMPLES / "S01_baseline.edf").read_bytes())
    content[8:18] = b"X X X X   "
    (tmp_path / "S01_ketamine.edf").write_bytes(content)
    shutil.copy(SAMPLES / "S02_baseline.edf", tmp_path / "S02_baseline.edf")
    return tmp_path


def plainly(_what, make, _otherwise):
    return make()


def problems_of(folder, excluded=()):
    """What a run tells of the nights of a folder."""
    study = plan_study(folder, None, Settings())
    left_out = dict.fromkeys(excluded, LeftOut("left out", ""))
    return problems_of_nights(study, {}, left_out, plainly, look_for_copies(study, left_out, plainly))


def test_same_signals_under_another_header_are_a_copy_and_one_other_sample_is_not(tmp_path):
    content = np.random.default_rng(1).bytes(300_000)
    other = bytearray(content)
    other[250_000] ^= 1
    names = ("a", "b", "c", "d", "e")
    for name, data in zip(names, (content, other, b"x" * MAIN_HEADER + content[MAIN_HEADER:], b"", b""), strict=True):
        (tmp_path / name).write_bytes(data)
    paths = [str(tmp_path / name) for name in names]
    assert find_copies([*paths, "", str(tmp_path / "none")]) == {2: 0}


def test_a_copy_whose_end_is_missing_is_a_copy(tmp_path):
    content = np.random.default_rng(1).bytes(3_000_000)
    silent = content[:5_000] + bytes(1_500_000)  # as alike as two recordings are before anything is connected
    files = {
        "whole": content,
        "shorter": b"x" * MAIN_HEADER + content[MAIN_HEADER:2_000_000],
        "other": content[:1_100_000] + content[:1_500_000],
        "silent": silent,
        "silent too": silent + content[:500_000],
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    assert find_copies([str(tmp_path / name) for name in files]) == {1: 0}


def test_the_plan_and_the_problems_name_both_nights(folder):
    found = {row["recording"]: row["problems"] for row in inspect_study(folder)["recordings"]}
    told = "holds the same signals as S01_baseline.edf: one of the two is a copy"
    assert found == {"S01_baseline.edf": [], "S01_ketamine.edf": [told], "S02_baseline.edf": []}
    problems = problems_of(folder)
    assert problems[["session", "step"]].to_numpy().tolist() == [["ketamine", "plan"]]
    assert problems["problem"].iloc[0] == "holds the same signals as the recording of S01 baseline."
    assert problems["remedy"].iloc[0].endswith("Until then neither of them is compared.")
    assert problems_of(folder, excluded=[0])["step"].tolist() == ["exclude"]


def long_table(values):
    rows = [
        (subject, session, session[:-1], value)
        for subject, sessions in values.items()
        for session, value in sessions.items()
    ]
    table = pd.DataFrame(rows, columns=["subject", "session", "condition", "value"])
    return table.assign(channel="Cz", stages="NREM", window="night", measure="swa", variant="", unit="µV²", note="")


def compare(table, shared):
    """Contrasts where `shared` says which (subject, session) have a recording in common, in words."""
    nights = table[["subject", "session", "condition"]]
    words = [shared.get(key, "") for key in zip(nights["subject"], nights["session"], strict=True)]
    found = compare_nights(table, nights=nights.assign(same_recording=words))
    return found.set_index("subject")


def test_a_night_compared_with_itself_is_no_change_of_the_subject_nor_of_the_group():
    others = {f"s{i}": {"baseline1": 100.0 + i, "ketamine1": (100.0 + i) * (1.2 + i / 100)} for i in range(6)}
    table = long_table(others | {"twice": {"baseline1": 90.0, "ketamine1": 90.0}})
    both = "baseline1, ketamine1"
    found = compare(table, {("twice", "baseline1"): both, ("twice", "ketamine1"): both})
    row = found.loc["twice"]
    assert np.isnan(row["estimate"])
    assert (row["n"], row["note"]) == (0, "both nights are the same recording")
    expected = compare(long_table(others), {}).loc["group"]
    group = found.loc["group"]
    assert group[["estimate", "ci_low", "ci_high", "p", "n"]].equals(
        expected[["estimate", "ci_low", "ci_high", "p", "n"]]
    )
    assert group["note"] == expected["note"] + "; left out: 1 with the same recording twice"


def six_subjects(**columns):
    """A study of six, s5 called twice more or less: the nights name what they share, and what else is given."""
    values = {f"s{i}": {"baseline1": 100.0 + i, "ketamine1": (100.0 + i) * (1.2 + i / 100)} for i in range(6)}
    table = long_table(values | {"z": values["s5"]})
    nights = table[["subject", "session", "condition"]].copy()
    shared = "s5 " + nights["session"] + ", z " + nights["session"]
    nights["shared_recording"] = np.where(nights["subject"].isin(["s5", "z"]), shared, "")
    return table, nights.assign(**columns)


def group_of(table, nights):
    return compare_nights(table, nights=nights).query("subject == 'group'").iloc[0]


NUMBERS = ["estimate", "ci_low", "ci_high", "p", "n"]


def test_a_person_under_two_names_counts_once():
    table, nights = six_subjects()
    found = compare_nights(table, nights=nights).set_index("subject")
    once = group_of(table[table["subject"] != "z"], nights[nights["subject"] != "z"].drop(columns="shared_recording"))
    assert found.loc["group", NUMBERS].tolist() == once[NUMBERS].tolist()
    assert found.loc["group", "note"].endswith("left out: 1 with a recording of another subject")
    assert np.isnan(found.loc["z", "estimate"])
    assert found.loc["z", "note"] == "the same recording stands for a night of another subject"
    assert np.isfinite(found.loc["s5", "estimate"])
    assert "paired, 6 subjects" in state_designs(nights, Settings())[0]


@pytest.mark.parametrize("lost", ["night", "arm"])
def test_of_a_recording_that_may_be_of_either_subject_neither_counts(lost):
    """One night alone is shared, or the two names are of different arms: nobody knows who it was."""
    table, nights = six_subjects()
    if lost == "night":
        nights.loc[nights["condition"] == "ketamine", "shared_recording"] = ""
    else:
        nights["group"] = np.where(nights["subject"] == "z", "patients", "controls")
    found = compare_nights(table, nights=nights).set_index("subject")
    row = found.loc["group"].iloc[0] if isinstance(found.loc["group"], pd.DataFrame) else found.loc["group"]
    assert row["n"] == 5
    assert "2 with a recording of another subject" in row["note"]
    assert found.loc[["s5", "z"], "estimate"].isna().all()


def test_a_subject_with_a_night_more_is_the_one_who_counts():
    table, nights = six_subjects()
    more = table[table["subject"] == "z"].iloc[:1].assign(session="magnesium1", condition="magnesium", value=120.0)
    night = more[["subject", "session", "condition"]].assign(shared_recording="")
    found = compare_nights(pd.concat([table, more]), nights=pd.concat([nights, night]))
    row = found.query("contrast == 'ketamine:baseline'").set_index("subject")
    assert row.loc["group", "n"] == 6
    assert np.isnan(row.loc["s5", "estimate"])
    assert np.isfinite(row.loc["z", "estimate"])


@pytest.mark.parametrize("drug", [3, 4])
def test_arms_of_three_do_not_become_a_result_by_a_person_who_stands_in_them_twice(drug):
    """Two of three changes are one person's: such a difference was found in 25 % of studies without an effect."""
    values = {f"s{i}": {"baseline1": 100.0 + i, "drug1": 120.0 + 9 * i} for i in range(drug)}
    values |= {f"t{i}": {"baseline1": 100.0 + i, "placebo1": 100.0 + 7 * i} for i in range(3)}
    values["s2"] = values["s1"]
    table = long_table(values)
    nights = table[["subject", "session", "condition"]].copy()
    nights["arm"] = np.where(nights["subject"].str.startswith("s"), "drug", "placebo")
    twice = nights["subject"].isin(["s1", "s2"])
    nights["shared_recording"] = np.where(twice, "s1 " + nights["session"] + ", s2 " + nights["session"], "")
    found = compare_nights(table, nights=nights)
    rows = found[found["contrast"] == "drug:placebo"]
    assert rows["n"].tolist() == ([6] if drug == 4 else [])  # two in an arm are too few for a test
    assert rows["note"].str.contains("left out: 1 with a recording of another subject").all()


def test_true_nights_beside_a_copy_are_compared():
    table = long_table({"a": {"baseline1": 90.0, "baseline2": 100.0, "ketamine1": 90.0, "ketamine2": 150.0}})
    both = "baseline1, ketamine1"
    shared = {("a", "baseline1"): both, ("a", "ketamine1"): both}
    row = compare(table, shared).loc["a"]
    assert row["estimate"] == pytest.approx(1.5)
    assert row["note"].startswith("1 of 2 ketamine nights measured; 1 of 2 baseline nights measured")
    one_sided = compare(table[table["session"] != "ketamine2"], shared).loc["a"]
    assert one_sided["note"] == "both nights are the same recording"


def test_a_copy_says_nothing_of_the_design():
    """With it two subjects had the treatment first, enough to take the period off; without it one had."""
    table = long_table({f"s{i}": {"placebo1": 100.0 + i, "ketamine1": (100.0 + i) * (1.2 + i / 100)} for i in range(8)})
    nights = table[["subject", "session", "condition"]].copy()
    first = np.where(nights["subject"].isin(["s6", "s7"]), "ketamine", "placebo")
    nights["period"] = np.where(nights["condition"] == first, 1, 2)
    whole = compare_nights(table, nights=nights).set_index("subject").loc["group"]
    nights["same_recording"] = np.where(nights["subject"] == "s7", "placebo1, ketamine1", "")
    found = compare_nights(table, nights=nights).set_index("subject").loc["group"]
    assert whole["method"].startswith("Hills-Armitage")
    assert found["method"].startswith("sign-flip")
    assert (found["n"], whole["n"]) == (7, 8)
    assert "paired, 7 subjects" in state_designs(nights, Settings())[0]


def test_within_a_condition_the_first_of_two_copies_counts():
    table = long_table({"a": {"baseline1": 100.0, "baseline2": 100.0, "ketamine1": 150.0}})
    shared = dict.fromkeys([("a", "baseline1"), ("a", "baseline2")], "baseline1, baseline2")
    row = compare(table, shared).loc["a"]
    assert row["estimate"] == pytest.approx(1.5)
    assert row["n"] == 2
    assert row["note"].startswith("1 of 2 baseline nights measured")


def test_a_results_folder_knows_its_copies(studied, tmp_path):
    """S01's ketamine night replaced by what its baseline night left, as if the recording had been named twice."""
    folder = shutil.copytree(studied / "results", tmp_path / "results")
    source, target = NightFolder(folder, "S01", "baseline"), NightFolder(folder, "S01", "ketamine")
    for path in source.path.iterdir():
        shutil.copy(path, target.path / path.name.replace(source.stem, target.stem))
    document = target.document()
    document["provenance"] |= {"session": "ketamine", "condition": "ketamine"}
    target.finish(document)
    nights = read_results(folder).nights
    same = (nights["subject"] == "S01") & (nights["condition"] != "magnesium")
    nights.loc[same, "recording_min"] = nights.loc[same, "recording_min"].iloc[0]
    write_table(nights, folder / "nights.tsv")
    results = compare_study(folder, jobs=1)
    told = results.nights.set_index(["subject", "session"])["same_recording"]
    assert told.loc["S01"].to_dict() == {"baseline": "baseline, ketamine", "ketamine": "baseline, ketamine"}
    assert (told.loc["S03"] == "").all()
    rows = results.contrasts.query(
        "measure == 'swa' and stages == 'NREM' and window == 'night' and channel == 'frontal' and variant == ''"
    )
    rows = rows.set_index("subject")
    assert np.isnan(rows.loc["S01", "estimate"])
    assert rows.loc["S01", "note"] == "both nights are the same recording"
    assert rows.loc["S01", "verdict"] == "not comparable"
    assert rows.loc["group", "n"] == 1
    assert rows.loc["group", "estimate"] == pytest.approx(rows.loc["S03", "estimate"])
    assert "left out: 1 with the same recording twice" in rows.loc["group", "note"]
    assert "same recording" not in str(rows.loc["group", "verdict_reasons"])
    precision = read_table(folder / "precision.tsv").query("subject == 'S01'")
    assert set(precision["note"]) == {"both nights are the same recording"}
    page = (folder / "sub-S01" / "sub-S01.html").read_text(encoding="utf-8")
    assert "both nights are the same recording" in page


def test_a_results_folder_knows_a_person_under_two_names(studied, tmp_path):
    """S03 replaced by what S01 left, as if its recordings had been exported once more under another name."""
    folder = shutil.copytree(studied / "results", tmp_path / "results")
    nights = read_results(folder).nights
    facts = nights.columns[list(nights.columns).index("status") :]
    for session in ("baseline", "ketamine"):
        source, target = NightFolder(folder, "S01", session), NightFolder(folder, "S03", session)
        for path in target.path.iterdir():
            path.unlink()
        for path in source.path.iterdir():
            shutil.copy(path, target.path / path.name.replace(source.stem, target.stem))
        document = target.document()
        document["provenance"] |= {"subject": "S03"}
        target.finish(document)
        of = {name: ((nights["subject"] == name) & (nights["session"] == session)).idxmax() for name in ("S01", "S03")}
        nights.loc[of["S03"], facts] = nights.loc[of["S01"], facts]
    write_believed(table_text(nights), folder / "nights.tsv")
    results = compare_study(folder, jobs=1)
    told = results.nights.set_index(["subject", "session"])["shared_recording"]
    assert told.loc["S03", "baseline"] == told.loc["S01", "baseline"] == "S01 baseline, S03 baseline"
    rows = results.contrasts.query(
        "contrast == 'ketamine:baseline' and measure == 'swa' and stages == 'NREM' and window == 'night'"
        " and channel == 'frontal' and variant == ''"
    ).set_index("subject")
    assert rows.loc["group", "n"] == 1
    assert rows.loc["S03", "verdict"] == "not comparable"
    assert "whose it is is not known" in rows.loc["S03", "verdict_reasons"]
    assert "recording of another" not in str(rows.loc["group", "verdict_reasons"])
    problems = results.problems.query("subject == 'S03' and problem.str.contains('not in')")
    assert problems["problem"].str.contains("stands for a night of another subject").any()


def test_two_nights_of_one_subject_that_begin_at_the_same_second_are_told(tmp_path):
    """Of another subject, with a hidden date, or a copy (which is told as one), nothing is said."""
    start = b"13.01.0122.30.00"
    shown = (("S01_baseline", 0, start), ("S01_ketamine", 1, start), ("S02_baseline", 2, start))
    hidden = tuple((f"S03_{name}", n, b"01.01.8522.30.00") for n, name in enumerate(("baseline", "ketamine"), start=3))
    copied = tuple((f"S04_{name}", 5, start) for name in ("baseline", "ketamine"))
    content = (SAMPLES / "S01_baseline.edf").read_bytes()
    for name, noise, when in (*shown, *hidden, *copied):
        plain = content[:88] + b" " * 80 + when + content[184:20_000] + bytes([noise]) + content[20_001:]
        (tmp_path / f"{name}.edf").write_bytes(plain.replace(b"EDF+C", b"     "))
    told = "begins at the same second as"
    found = {row["recording"]: " ".join(row["problems"]) for row in inspect_study(tmp_path)["recordings"]}
    assert [name for name, text in found.items() if told in text] == ["S01_ketamine.edf"]
    assert f"{told} S01_baseline.edf (2001-01-13 22:30:00)" in found["S01_ketamine.edf"]
    assert "holds the same signals" in found["S04_ketamine.edf"]
    problems = problems_of(tmp_path)
    said = problems[problems["problem"].str.contains(told)]
    assert said["subject"].tolist() == ["S01"]
    assert f"{told} the recording of S01 baseline." in said["problem"].iloc[0]
