"""Number codes: one table for all scorings of a study, asked about where the scorings do not tell which."""

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from swa.errors import AmbiguousScoringError, ScoringError
from swa.settings import ScoringSettings
from swa.sleep.formats.codes import RK_CODES, CodesFound, choose_codes
from swa.sleep.scoring import open_scoring, read_scoring

# Tables that labs, vendors and data sets have: code of W, S1, S2, S3, S4, REM.
TABLES = {
    "AASM (YASA, BOAS, Dreem)": "0 1 2 3 3 4",
    "Rechtschaffen & Kales (Profusion, FASST)": "0 1 2 3 4 5",
    "AASM with 5 for REM (ISRUC, PRANA)": "0 1 2 3 3 5",
    "DREAMS": "5 3 2 1 0 4",
    "Deltamed, Surrey, EESM": "1 3 4 5 5 2",
    "PHYSIP": "4 2 1 0 0 3",
    "AASM from 1": "1 2 3 4 4 5",
    "Rechtschaffen & Kales from 1": "1 2 3 4 5 6",
    "NSRR's readers in Matlab": "5 4 3 2 1 0",
    "Luna's STAGE_N": "1 -1 -2 -3 -3 0",
    "pyDYNAM-O": "5 3 2 1 1 4",
    "UCDDB (PhysioNet)": "0 2 3 4 5 1",
    "light and deep sleep": "0 1 1 2 2 3",
    "NREM and REM": "0 1 1 1 1 2",
}
STAGES = ("W", "S1", "S2", "S3", "S4", "R")
AASM = dict(zip(STAGES, ("W", "N1", "N2", "N3", "N3", "R"), strict=True))


def spell(scoring):
    return " ".join(scoring.stages)


@pytest.fixture
def read(tmp_path):
    def write_and_read(text, name="night.txt", study_codes=None, **options):
        path = tmp_path / name
        path.write_text(text)
        return read_scoring(path, ScoringSettings(**options), study_codes)

    return write_and_read


# --- the one table of a study


def found(*codes):
    return CodesFound(codes=frozenset(codes), first=codes[0])


@pytest.mark.parametrize(
    ("scorings", "table"),
    [
        ([found(*"0123")], None),
        ([found(*"012")], None),
        ([found(*"0123"), found(*"01235")], RK_CODES),
        ([found(*"01234")], None),
        ([found(*"01234"), found(*"01235")], RK_CODES),
        ([found(*"01234"), found(*"0123")], None),
        ([found(*"1234"), found(*"01235")], RK_CODES),
        ([found(*"5123"), found(*"01235")], RK_CODES),
        ([found(*"1235")], None),
        ([found(*"123")], None),
        ([found(*"50123")], None),
        ([found(*"50123"), found(*"01235")], None),
        ([found(*"23")], None),
        ([], None),
    ],
)
def test_one_scoring_with_a_5_decides_for_all_of_a_study(scorings, table):
    assert choose_codes(scorings) is table


def test_a_4_without_a_5_is_asked_about_with_both_answers(read):
    with pytest.raises(AmbiguousScoringError, match=r"\(0, 1, 2, 3, 4\) could mean several things") as error:
        read("0\n1\n2\n3\n4\n0\n")
    assert 'If 4 is REM, set [scoring] codes = { "0" = "W"' in error.value.remedy
    assert 'if it is S4, "4" = "N3"' in error.value.remedy


def test_the_study_and_the_settings_answer(read):
    text = "0\n1\n2\n3\n4\n3\n2\n0\n"
    assert spell(read(text, study_codes=RK_CODES)) == "W N1 N2 N3 N3 N3 N2 W"
    codes = {"0": "W", "1": "N1", "2": "N2", "3": "N3", "4": "R"}
    assert spell(read(text, codes=codes, study_codes=RK_CODES)) == "W N1 N2 N3 R N3 N2 W"


def test_words_and_forms_that_explain_themselves_ask_nothing_and_decide_nothing(tmp_path):
    for name, text in {
        "words.txt": "W\n1\n2\n3\n4\nR\n",
        "a.xml": "<CMPStudyConfig><SleepStages><SleepStage>4</SleepStage></SleepStages></CMPStudyConfig>",
        "0d79f4b1-e74f-5e87-8e42-f9dd7112ada5.json": "[0, 1, 2, 4, 0]",
    }.items():  # fmt: skip
        (tmp_path / name).write_text(text)
        assert open_scoring(tmp_path / name).codes is None
        read_scoring(tmp_path / name)


def test_words_of_the_settings_leave_numbers_to_the_study(read):
    assert (
        spell(read("wide awake\n1\n2\n5\n0\n0\n", codes={"wide awake": "W"}, study_codes=RK_CODES)) == "W N1 N2 R W W"
    )


# --- readings that are no night


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0 1 3 5 3 5 3 5 2 0", "5 of 6 changes from or to REM are from or to N3"),
        ("0 1 2 5 5 5 5 5 5 0", "75 % of sleep is REM"),
        ("1 2 3 2 0 2 5 2", "neither its first nor its last epoch is wake"),
        ("0 1 0 1 0", "neither N2 nor N3"),
    ],
)
def test_a_reading_that_is_no_night_is_a_problem_where_nobody_named_the_codes(read, text, why):
    with pytest.raises(AmbiguousScoringError, match=why) as error:
        read(text.replace(" ", "\n"), study_codes=RK_CODES)
    assert "[scoring] codes" in error.value.remedy
    named = {"0": "W", "1": "N1", "2": "N2", "3": "N3", "5": "R"}
    assert len(read(text.replace(" ", "\n"), codes=named).stages) == len(text.split())


def test_words_are_what_they_say(read):
    assert spell(read("N3\nR\nN3\nR\nN3\n")) == "N3 R N3 R N3"


# --- random nights


@st.composite
def nights(draw):
    """A night's stages, in which wake, S4 or REM may be missing."""
    missing = draw(st.sets(st.sampled_from(["W", "S4", "R"])))
    lengths = st.integers(1, 12)
    night = ["W"] * draw(lengths) if "W" not in missing else []
    for _ in range(draw(st.integers(1, 5))):
        down = ["S1", "S2", "S3", "S4", "S3", "S2"]
        if draw(st.booleans()):
            down.insert(draw(st.integers(1, 6)), "W")
        if draw(st.booleans()):
            down = [stage for stage in down if stage not in ("S3", "S4")]
        for stage in (*down, "R", draw(st.sampled_from(["S1", "S2", "W"]))):
            if stage not in missing:
                night += [stage] * draw(lengths)
    return night + (["W"] * draw(lengths) if "W" not in missing else ["S1"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("codes")


def write(path, night, table, layout):
    codes = dict(zip(STAGES, TABLES[table].split(), strict=True))
    rows = [codes[stage] for stage in night]
    if layout == "epochs":
        rows = ["epoch,stage", *(f"{i},{code}" for i, code in enumerate(rows))]
    elif layout == "changes":
        starts = [i for i in range(len(night)) if i == 0 or rows[i] != rows[i - 1]]
        rows = ["Time,Stage", *(f"{30 * i},{rows[i]}" for i in starts), f"{30 * len(rows)},{rows[-1]}"]
    path.write_text("\n".join(rows))


@settings(
    max_examples=int(os.environ.get("SWA_CODE_EXAMPLES", "300")), deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(
    study=st.lists(nights(), min_size=1, max_size=3), table=st.sampled_from(sorted(TABLES)),
    layout=st.sampled_from(["lines", "epochs", "changes"]),
)  # fmt: skip
def test_random_codes_are_read_right_or_asked_about(folder, study, table, layout):
    paths = [folder / f"{i}.csv" for i in range(len(study))]
    for path, night in zip(paths, study, strict=True):
        write(path, night, table, layout)
    opened = []
    for path, night in zip(paths, study, strict=True):
        try:
            opened.append((open_scoring(path), night))
        except ScoringError:
            continue
    codes = [scoring.codes for scoring, _ in opened]
    told = choose_codes([each for each in codes if each is not None])
    for scoring, night in opened:
        try:
            read = scoring.read(told)
        except ScoringError:
            continue
        expected = np.array([AASM[stage] for stage in night])
        assert np.array_equal(read.stages[: len(expected)], expected), f"{table} {layout}"
