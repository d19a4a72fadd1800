"""`swa run` and `swa inspect` say how they understood the study."""

import datetime
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from swa_cli.alike_notes import told_together
from swa_cli.show import _describe, _show_design, contrast_names, show_inspection, tell_dropped

from swa.comparison.contrasts import state_designs
from swa.comparison.lost_contrasts import state_lost_contrasts
from swa.settings import Settings, check_settings
from swa.simulation.simulated_study import simulate_study
from swa.study.plan.inspection import inspect_study
from swa.study.store import Results
from swa.tables.files import write_table, write_text


def test_the_design_is_said(tmp_path, capsys):
    nights = [
        (f"{number:02d}", condition, condition, "done", 1 + ((condition == "ketamine") == (number % 2 == 0)))
        for number in range(6)
        for condition in ("placebo", "ketamine")
    ]
    table = pd.DataFrame(nights, columns=["subject", "session", "condition", "status", "period"])
    write_table(table, tmp_path / "nights.tsv")
    write_text(Settings().to_toml(), tmp_path / "settings.toml")
    keys = ["subject", "session", "condition", "channel", "stages", "window", "measure", "variant", "value"]
    pd.DataFrame(columns=keys).to_parquet(tmp_path / "measures.parquet")
    _show_design(Results(tmp_path))
    said = (
        "Design as understood: ketamine against placebo: 2×2 crossover, 6 subjects (3 placebo first, 3 ketamine first)."
    )
    assert said in capsys.readouterr().out
    write_table(table.assign(condition="ketamine", session=table["session"]), tmp_path / "nights.tsv")
    _show_design(Results(tmp_path))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("signals", "told"), [(1, "1 signal"), (2, "2 signals")])
def test_a_recording_of_one_signal_is_not_said_to_have_signals(signals, told):
    recording = {"duration_s": 5400.0, "clock": "", "start": "2026-03-02T22:58:00", "channels": [{}] * signals}
    assert _describe(recording) == f"90.0 min, 2026-03-02T22:58:00, {told}"


@pytest.fixture
def folder(tmp_path):
    """Six simulated nights of three subjects in a crossover; one file is broken, and one is not there."""
    nights = {"S1": ("placebo", "ketamine"), "S2": ("ketamine", "placebo"), "S3": ("placebo", "ketamine")}
    file = simulate_study(tmp_path, nights=nights, hours=1.5, rate_hz=100, channels=("C4-M1",))
    (tmp_path / "S2_ketamine.edf").write_bytes(b"0" * 300)
    (tmp_path / "S3_placebo.edf").unlink()
    assert file.is_file()
    return tmp_path


def test_inspect_says_the_design_and_how_many_can_run(folder, capsys):
    show_inspection(inspect_study(folder), as_json=False)
    said = capsys.readouterr().out
    assert (
        "Design as understood: ketamine against placebo: paired, 1 subject (1 placebo first)" in said
    )  # of nights that can run
    plan, _, end = said.partition("4 of 6 recordings can run.\n")
    heading, *broken = end.splitlines()
    assert heading == "Cannot run:"
    names = [line.split(":")[0].strip() for line in broken]
    assert names == ["S2_ketamine.edf", "S3_placebo.edf"]
    rows = [line.split() for line in plan.splitlines() if line.startswith("  S")]
    assert [row[-2:] == ["cannot", "run"] for row in rows] == [row[3] in names for row in rows]
    assert sum(row[-2:] == ["by", "YASA"] for row in rows) == 4
    show_inspection(inspect_study(folder), as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["plan"][1]["order"] == 2
    assert len(found["design"]) == 1


def test_a_contrast_of_which_no_night_is_there_is_told(folder, capsys):
    file = folder / "study.tsv"
    rows = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()]
    at = [rows[0].index(name) for name in ("condition", "session", "recording") if name in rows[0]]
    for subject in ("S1", "S2"):
        row = next(row for row in rows if row[rows[0].index("subject")] == subject)
        more = ["magnesium" if i in at[:-1] else f"{subject}_m.edf" if i == at[-1] else row[i] for i in range(len(row))]
        rows.append(more)
    file.write_text("\n".join("\t".join(row) for row in rows) + "\n", encoding="utf-8")
    show_inspection(inspect_study(folder), as_json=False)
    designs = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Design as understood")]
    assert designs[1:] == [
        "Design as understood: magnesium against placebo: not compared; of magnesium no night can be used, of 2"
    ]
    show_inspection(inspect_study(folder), as_json=True)
    assert len(json.loads(capsys.readouterr().out)["lost"]) == 1


def test_a_contrast_whose_nights_are_excluded_or_failed_is_told():
    nights = pd.DataFrame(
        [
            (subject, name, status)
            for subject in "ABC"
            for name, status in (
                ("placebo", "done"),
                ("ketamine", "done"),
                ("mg", "excluded"),
                ("s", "failed" if subject == "A" else "excluded"),
            )
        ],
        columns=["subject", "condition", "status"],
    ).assign(session=lambda table: table["condition"])
    assert state_lost_contrasts(nights) == [
        "mg against placebo: not compared; of mg every night is excluded",
        "s against placebo: not compared; of s no night can be used, of 3 (2 excluded)",
    ]
    assert state_lost_contrasts(nights.assign(status="done")) == []


def test_a_copy_can_run_and_is_to_be_looked_at_first(folder, capsys):
    shutil.copy(folder / "S1_placebo.edf", folder / "S1_ketamine.edf")
    show_inspection(inspect_study(folder), as_json=False)
    end = capsys.readouterr().out.partition("Can run, but look at this first:\n")[2]
    assert end == "  S1_ketamine.edf: holds the same signals as S1_placebo.edf: one of the two is a copy\n"


def test_a_single_recording_is_not_blamed_for_its_name(folder, capsys):
    (folder / "study.tsv").unlink()
    show_inspection(inspect_study(folder / "S1_placebo.edf"), as_json=False)
    said = capsys.readouterr().out
    assert "names do not tell" not in said
    assert "one recording is analysed by itself" in said
    assert "1 night\n" in said
    assert said.endswith("1 of 1 recordings can run.\n")


@pytest.mark.parametrize(
    ("comparator", "columns", "told"),
    [
        ("placebo", {}, "caution over subjects: the order of the nights is not known"),
        ("placebo", {"period": [1, 2, 1, 2, 2, 1, 2, 1]}, ""),
        ("placebo", {"period": [1, 2] * 7 + [2, 1]}, "not comparable over subjects: 7 subjects had placebo first, 1"),
        ("baseline", {}, ""),
    ],
)
def test_a_plan_that_cannot_be_compared_is_foretold(comparator, columns, told):
    subjects = len(columns.get("period", range(6))) // 2
    nights = pd.DataFrame({"subject": np.repeat(range(subjects), 2).astype(str)})
    nights["session"] = nights["condition"] = [comparator, "ketamine"] * subjects
    (said,) = state_designs(nights.assign(**columns))
    assert (" over subjects: " in said) == bool(told)
    assert told in said


@pytest.mark.parametrize(("subjects", "told"), [("AB", True), ("AA", False)])
def test_no_subject_with_both_conditions_is_told_with_what_to_do(subjects, told):
    nights = pd.DataFrame({"subject": list(subjects), "session": ["1", "2"], "condition": ["placebo", "ketamine"]})
    (said,) = state_designs(nights)
    hint = "no subject has both conditions: give the nights of one person the same `subject`"
    assert said.startswith(f"ketamine against placebo: paired, {0 if told else 1} subject")
    assert (hint in said) is told


def test_notes_of_several_recordings_are_told_once_with_those_that_they_are_true_of():
    names = [f"S{number}.edf" for number in range(1, 7)]
    notes = {name: [f"scored by S{i}.txt: {300 + i}.5 min of N2 and N3"] for i, name in enumerate(names, 1)}
    notes["S2.edf"] += ["its clock jumps", "5.0 min have none: 03:31 to 03:36"]
    notes["S5.edf"] += ["its clock jumps", "2.0 min have none: 03:33 to 03:35"]
    for name in names[1:]:
        notes[name].append(f"{notes[name][0].rpartition(': ')[2]} are few")
    own, lines = told_together(notes, {name: name.replace("edf", "txt") for name in names})
    assert lines == [
        "of all 6: scored by its scoring: 301.5 to 306.5 min of N2 and N3",
        "of S2.edf, S5.edf: its clock jumps",
        "of S2.edf, S3.edf, S4.edf, S5.edf and 1 more: 302.5 to 306.5 min of N2 and N3 are few",
    ]
    assert {name: held for name, held in own.items() if held} == {
        "S2.edf": ["5.0 min have none: 03:31 to 03:36"],
        "S5.edf": ["2.0 min have none: 03:33 to 03:35"],
    }


def test_a_contrast_that_is_gone_is_told(tmp_path, capsys):
    assert contrast_names(tmp_path) == set()
    write_table(pd.DataFrame({"contrast": ["a:b", "a:b", "c:b"]}), tmp_path / "contrasts.tsv")
    tell_dropped(contrast_names(tmp_path) - {"a:b"})
    assert "note: c:b is no longer among the contrasts; --contrast c:b makes it again" in capsys.readouterr().err


def test_inspect_says_what_the_names_of_a_data_set_tell(tmp_path, write_edf, capsys):
    for visit in (1, 2):
        channels = {"EEG": 50 * np.sin(np.arange(6000) / 9 + visit), "H.R.": np.arange(6000) % 7}
        path = tmp_path / f"shhs{visit}-200001.edf"
        write_edf(path, channels, start=datetime.datetime(1985, 1, 1, 22, 12 + visit))
        raw = path.read_bytes()
        path.write_bytes(raw[:88] + b"Startdate X X X X".ljust(80) + raw[168:])
    show_inspection(inspect_study(tmp_path), as_json=False)
    said = capsys.readouterr().out
    assert "Design as understood: visit2 against visit1: paired, 1 subject" in said
    assert "named by the documentation of the data set; as recorded" in said
    assert "start 22:13:00, date hidden" in said
    own = check_settings({"channels": {"names": {"EEG": "C4-M1"}}, "comparison": {"baseline": ["visit2"]}})
    show_inspection(inspect_study(tmp_path, settings=own), as_json=False, settings=own)
    said = capsys.readouterr().out
    assert "Design as understood: visit1 against visit2: paired, 1 subject" in said
    assert "named in the settings; as recorded" in said


def test_inspect_says_order_lights_adaptation_covariates_the_primary_and_who_stages(tmp_path, capsys):
    nights = {f"S{number}": ("baseline", "ketamine") for number in (1, 2)}
    file = simulate_study(tmp_path, nights=nights, hours=1.5, rate_hz=100, channels=("C4-M1",))
    table = pd.read_csv(file, sep="\t", dtype=str, keep_default_na=False)
    first = table["condition"] == "baseline"
    table = table.assign(adaptation=np.where(first & (table["subject"] == "S2"), "yes", ""), covariate_dose="1.5")
    table["hypnogram"] = [f"truth/{name.removesuffix('.edf')}_stages.tsv" for name in table["recording"]]
    table.loc[0, "hypnogram"] = ""
    table["date"] = ["2001-01-06", *[""] * (len(table) - 1)]
    table.to_csv(file, sep="\t", index=False)
    primary = check_settings({"comparison": {"primary": "swa N2+N3 cycle-1 frontal"}})
    show_inspection(inspect_study(tmp_path, settings=primary), as_json=False, settings=primary)
    said = capsys.readouterr().out
    plan = [line.split() for line in said.splitlines()[1:6]]
    assert {"date", "order", "adaptation", "lights_off", "dose_start"} <= set(plan[0])
    place = plan[0].index("adaptation")
    assert [row[place] for row in plan[1:]] == ["-", "-", "yes", "-"]
    assert "Primary: swa NREM cycle-1 frontal\nCovariates: covariate_dose\n" in said
    assert "Stages: 3 nights by a scoring, 1 by YASA" in said
    (together,) = [line for line in said.splitlines() if line.endswith(" recordings:")]
    assert together == "3 recordings:"  # of equal channels; the night that YASA stages names its channels
    show_inspection(inspect_study(tmp_path), as_json=False)
    assert "Primary: none declared, so every result is exploratory" in capsys.readouterr().out
    show_inspection(inspect_study(tmp_path), as_json=True)
    assert json.loads(capsys.readouterr().out)["plan"][2]["adaptation"]


def test_inspect_tells_equal_nights_once_with_their_starts_in_the_plan(tmp_path, write_edf, capsys):
    for i in range(1, 7):
        start = datetime.datetime(2024, 3, i, 22, 10)
        write_edf(tmp_path / f"S{i}_a.edf", {"C4-M1": 50 * np.sin(np.arange(40_000) / 9 + i)}, start=start)
    show_inspection(inspect_study(tmp_path), as_json=False)
    said = capsys.readouterr().out
    assert "S1_a.edf, S2_a.edf, S3_a.edf, S4_a.edf and 2 more: " in said
    assert "\nS6_a.edf: " not in said
    assert "S6_a.edf 2024-03-06T22:10:00" in " ".join(said.split())


def test_one_channel_without_a_unit_does_not_stop_a_night_as_it_stops_no_run(tmp_path, write_edf):
    noise = np.random.default_rng(1).normal(0, 20, (2, 60_000))
    for units, problems in (({"C4-M1": "uV", "F3-M2": ""}, 0), ({"C4-M1": "", "F3-M2": ""}, 2)):
        write_edf(tmp_path / "night.edf", dict(zip(units, noise, strict=True)), unit=units)
        (told,) = inspect_study(tmp_path)["recordings"]
        said = [text for text in told["problems"] if "unit" in text]
        assert len(said) == problems
        assert told["can_run"] is (not problems)
        assert any("F3-M2 is left out: the unit of 'F3-M2' is missing" in note for note in told["notes"]) != bool(said)


def test_the_design_counts_without_excluded_nights_and_says_when_it_is_another_one():
    nights = pd.DataFrame({"subject": np.repeat(list("ABCD"), 2), "condition": ["placebo", "ketamine"] * 4})
    nights = nights.assign(session=nights["condition"], period=[1, 2, 1, 2, 2, 1, 2, 1], status="done")
    nights.loc[7, "status"] = "excluded"
    (said,) = state_designs(nights)
    assert said.startswith("ketamine against placebo: paired, 3 subjects")
    assert "with the excluded nights it would be a crossover" in said
    (said,) = state_designs(nights.assign(period=[1, 2] * 4))
    assert "excluded" not in said


def test_inspect_counts_without_the_nights_that_the_study_file_excludes(folder, capsys):
    file = folder / "study.tsv"
    head, *rows = file.read_text(encoding="utf-8").splitlines()
    rows = [f"{head}\texclude", f"{rows[0]}\tnoisy", *(f"{row}\t" for row in rows[1:])]
    show_inspection(inspect_study(folder), as_json=False)
    (before,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Design")]
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    show_inspection(inspect_study(folder), as_json=False)
    (after,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Design")]
    assert "1 subject " in before  # a recording of each of the others is broken or not there
    assert "0 subjects" in after


def test_a_recording_that_is_not_there_is_no_part_of_the_design(folder, capsys):
    rows = ["S1\tplacebo\tS1_placebo.edf", "S1\tketamine\tS1_nacht2.edf"]
    (folder / "study.tsv").write_text("\n".join(["subject\tcondition\trecording", *rows]) + "\n", encoding="utf-8")
    show_inspection(inspect_study(folder), as_json=False)
    (said,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Design")]
    assert said.endswith("of the recordings that can run no two are compared yet")
