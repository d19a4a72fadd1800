"""No subject leaves what a study leads with without its name, the reason and the remedy."""

import pandas as pd
import pytest
from swa_cli.show import show_inspection

from swa.comparison.contrasts import compare_nights
from swa.comparison.participation import absent_subjects, expected_absences
from swa.errors import StudyError
from swa.report.words.absent import told_together, what_is_missing, what_to_do
from swa.settings import Settings, check_settings
from swa.simulation.simulated_study import simulate_study
from swa.study.plan.inspection import inspect_study

KEYS = ["subject", "session", "condition"]
LEADS = "ketamine against baseline, slow-wave activity (0.5\u20134 Hz) in N2+N3 of NREM cycle 1 at the frontal channels"
SHORT = "14.0 min of N2 and N3 in this cycle, 15 are needed"


def _nights(*lost):
    both = [(f"P0{i}", name, name) for i in range(1, 6) for name in ("baseline", "ketamine")]
    kept = [night for night in both if night[:2] not in lost]
    return pd.DataFrame(kept, columns=KEYS).assign(status="done")


def _measures(nights, channels, notes):
    rows = []
    for subject, session, condition in nights[KEYS].itertuples(index=False):
        for channel in channels.get(subject, ["F3-A2", "frontal"]):
            note = notes.get((subject, session), "")
            value = float("nan") if note else 100.0 + 7 * int(subject[-1]) + 10 * (condition == "ketamine")
            where = {"channel": channel, "stages": "NREM", "window": "cycle-1", "measure": "swa", "variant": ""}
            rows.append({"subject": subject, "session": session, **where, "value": value, "unit": "uV2", "note": note})
    return pd.DataFrame(rows)


def test_each_subject_that_is_not_in_the_primary_is_named_with_the_reason():
    nights = _nights(("P05", "ketamine"))
    table = _measures(nights, {"P04": ["EEG1", "EEG2"]}, {("P03", "baseline"): SHORT})
    told = {one.subject: one for one in absent_subjects(table, nights, "baseline", Settings())}
    assert sorted(told) == ["P03", "P04", "P05"]
    assert told["P03"].reason.words == f"baseline not measured: {SHORT}"
    assert told["P04"].reason.words == "no frontal channel in every night; its EEG: EEG1, EEG2"
    assert 'names = { "EEG2" = "F3-A2" }' in what_to_do(told["P04"])
    assert told["P05"].reason.words == "no ketamine night that can be compared"
    said = [what_is_missing(one, Settings()) for one in told.values()]
    assert all(one.startswith(f"not in {LEADS}: ") for one in said), "a reader knows no code of a marker"


PRIMARY = Settings(comparison={"primary": "swa NREM cycle-1 frontal"})


def _two_references():
    """F3-M2 in the baseline nights, F3-A1A2 in those of the drug: two channels, and no frontal one of every night."""
    nights = _nights()
    apart = _measures(nights, {f"P0{i}": ["F3-M2", "F3-A1A2", "C4-M1"] for i in range(1, 6)}, {})
    own = apart["channel"].map({"F3-M2": "baseline", "F3-A1A2": "ketamine"})
    return nights, apart[own.isna() | (own == apart["session"])].assign(n=1)


def test_a_primary_at_a_region_of_two_references_is_not_measured_and_the_run_goes_on():
    # The run ended after its nights were stored, with "did you mean 'all'?", beside the pages of the run before.
    nights, table = _two_references()
    found = compare_nights(table, "baseline", nights=nights, settings=PRIMARY)
    rows = found[found["channel"] == "frontal"]
    assert rows["role"].eq("primary").all()
    assert rows["subject"].tolist() == ["group", *(f"P0{i}" for i in range(1, 6))]
    assert rows[["estimate", "p", "p_adjusted"]].isna().all(axis=None)
    assert rows["n"].eq(0).all()
    assert set(rows["note"]) == {"no frontal channel in every night; its EEG: F3-A1A2, F3-M2"}
    told = absent_subjects(table, nights, "baseline", PRIMARY)
    assert [one.subject for one in told] == [f"P0{i}" for i in range(1, 6)]
    assert told[0].reason.words == "no frontal channel in every night; its EEG: F3-M2, C4-M1, F3-A1A2"
    assert what_to_do(told[0]).startswith("Nights with different references (F3-A1A2, F3-M2) are not compared")


def test_a_primary_of_a_place_where_nobody_recorded_is_refused_as_before():
    nights, table = _two_references()
    with pytest.raises(StudyError, match="is not among the measures"):
        compare_nights(table[table["channel"] == "C4-M1"], "baseline", nights=nights, settings=PRIMARY)


def test_nobody_is_told_of_where_all_are_in_or_nobody_was_meant_to_be():
    nights = _nights()
    assert absent_subjects(_measures(nights, {}, {}), nights, "baseline", Settings()) == []
    one_night = nights[(nights["condition"] == "ketamine") == nights["subject"].isin(["P01", "P02"])]
    assert absent_subjects(_measures(one_night, {}, {}), one_night, "baseline", Settings()) == []
    # Each had one of two drugs: those of the other drug miss nothing.
    arms = nights.assign(
        condition=nights["condition"].where(
            ~nights["subject"].isin(["P01", "P02"]) | (nights["session"] == "baseline"), "xenon"
        )
    )
    assert absent_subjects(_measures(arms, {}, {}), arms, "baseline", Settings()) == []


def test_subjects_of_one_reason_are_told_together():
    nights = _nights(("P05", "ketamine"), ("P02", "ketamine"))
    (said,) = told_together(absent_subjects(_measures(nights, {}, {}), nights, "baseline", Settings()), Settings())
    assert said.startswith(f"P02, P05: not in {LEADS}: no ketamine night")


@pytest.mark.parametrize(
    ("channels", "primary", "absent"),
    [
        ({"P04": ["EEG1", "EEG2"]}, "", ["P04"]),
        ({"P04": ["EEG1", "EEG2"]}, "swa NREM cycle-1 F3-A2", ["P04"]),
        ({"P04": ["C3-A2"]}, "swa NREM cycle-1 frontal/central", ["P01", "P02", "P03", "P04", "P05"]),
        ({"P04": ["EEG1", "EEG2"]}, "tst any night all", []),
    ],
)
def test_before_a_run_the_channels_tell_who_will_not_be_in(channels, primary, absent):
    nights = _nights().assign(recording=lambda table: table["subject"] + table["session"])
    settings = check_settings({"comparison": {"primary": primary}})
    there = {row.recording: channels.get(row.subject, ["F3-A2"]) for row in nights.itertuples()}
    assert [one.subject for one in expected_absences(nights, there, settings)] == absent


def test_inspect_names_who_will_not_be_in_the_primary_and_the_remedy(tmp_path, capsys):
    nights = dict.fromkeys(("S1", "S2", "S3"), ("baseline", "ketamine"))
    simulate_study(tmp_path, nights=nights, hours=1.5, rate_hz=100, channels=("F3-M2",))
    for name in ("S3_baseline.edf", "S3_ketamine.edf"):
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data.replace(b"F3-M2".ljust(16), b"EEG2".ljust(16), 1))
    (tmp_path / "S2_ketamine.edf").unlink()
    show_inspection(inspect_study(tmp_path), as_json=False)
    said = capsys.readouterr().out
    assert f"S3: not in {LEADS}: no frontal channel" in said
    assert '[channels] names = { "EEG2" = "F3-A2" }' in said
    assert f"S2: not in {LEADS}: no ketamine night that can be compared" in said
    assert "paired, 2 subjects" in said


def test_inspect_counts_no_night_that_the_study_file_leaves_out(tmp_path, capsys):
    file = simulate_study(
        tmp_path, nights=dict.fromkeys(("S1", "S2"), ("baseline", "ketamine")), hours=1.5, rate_hz=100
    )
    table = pd.read_csv(file, sep="\t").assign(exclude=["", "", "other amplifier", ""])
    table.to_csv(file, sep="\t", index=False)
    show_inspection(inspect_study(tmp_path), as_json=False)
    said = capsys.readouterr().out
    assert "paired, 1 subject " in said
    assert "S2: not in" not in said  # the excluded night is told with its reason
