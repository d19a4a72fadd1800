"""A scoring that is there is used, or told with why not; one that can mean two things is asked about."""

import datetime
import gzip
import importlib.util
import io
import json
import zipfile
from pathlib import Path

import edfio
import numpy as np
import pandas as pd
import pytest

from swa.errors import AmbiguousScoringError, ScoringError
from swa.settings import Settings, check_settings
from swa.sleep.scoring import read_scoring
from swa.study.plan.manifest import plan_study
from swa.study.plan.scoring_search import Why
from swa.study.study_tables import FILE_REMEDY, SCORING_REMEDY, problems_of_nights

_SPEC = importlib.util.spec_from_file_location(
    "no_scorings", Path(__file__).parent.parent / "benchmarks" / "no_scorings.py"
)
assert _SPEC is not None
assert _SPEC.loader is not None
_BENCHMARK = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_BENCHMARK)
no_scorings = _BENCHMARK.no_scorings

NIGHT = ["Wach"] * 20 + ["N1"] * 5 + ["N2"] * 40 + ["N3"] * 25 + ["REM"] * 15 + ["Wach"] * 5
START = datetime.datetime(2024, 3, 1, 22, 40)
CODES = {"Wach": "0", "N1": "1", "N2": "2", "N3": "3", "REM": "5"}


def rows(changed=(), title="Epoche;Stadium"):
    stages = [dict(changed).get(i, stage) for i, stage in enumerate(NIGHT)]
    return "\n".join([title, *(f"{i};{stage}" for i, stage in enumerate(stages, start=1))]) + "\n"


def clock(form="%H:%M:%S", start=START):
    return [f"{start + datetime.timedelta(seconds=30 * i):{form}}" for i in range(len(NIGHT))]


def domino(changed=(), keys="Signal-ID,Startzeit,Einheit,Signaltyp,Ereignisliste,Rate", kind="Diskret"):
    values = ["SchlafProfil\\profil", f"{START:%d.%m.%Y %H:%M:%S}", "", kind, "N3,N2,N1,Rem,Wach", "30 s"]
    head = "".join(f"{key}: {value}\n" for key, value in zip(keys.split(","), values, strict=True))
    stages = [dict(changed).get(i, stage) for i, stage in enumerate(NIGHT)]
    return head + "\n" + "".join(f"{time},000; {stage}\n" for time, stage in zip(clock(), stages, strict=True))


@pytest.fixture
def plan(tmp_path):
    """`plan({"S1.edf": "", ...}, setting=value)`: the plan of a folder of these files."""

    def make(files, **scoring):
        for name, text in files.items():
            path = tmp_path / "data" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return plan_study(tmp_path / "data", None, check_settings({"scoring": scoring}, "test"))

    return make


def used(study):
    return [path.rpartition("/")[2] for path in study.nights["hypnogram"]]


def unused(study):
    return [(each.path.name, each.why) for each in study.scorings.unused]


# --- words that are not known


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("Nacht7.csv", rows({40: "Tief"}), 42),
        ("Nacht7.txt", domino({40: "Tief"}), 48),
        ("Nacht7.txt", "\n".join(NIGHT).replace("N3", "Tief", 1), 66),
        ("Nacht7.tsv", "onset\tduration\tstage\n" + "".join(f"{30 * i}\t30\t{s}\n" for i, s in enumerate(
            [*NIGHT[:9], "Tief", *NIGHT[10:]])), 11),
    ],
)  # fmt: skip
def test_a_scoring_with_a_word_that_is_not_known_is_a_problem_that_names_file_line_and_word(plan, name, text, line):
    study = plan({"Nacht7.edf": "", name: text})
    assert used(study) == [""]
    (problem,) = study.nights["problem"]
    assert problem.startswith(f"{name}: 'Tief' (line {line}) is no stage known here. ")
    assert '[scoring] codes = { "Tief" = "…" }' in problem
    assert used(plan({}, codes={"Tief": "N3"})) == [name]


@pytest.mark.parametrize(
    "word", ["Tiefschlaf", "N 3", "tiefschlaf", "S 4", "Stage N 3", "Sommeil profond", "deep sleep"]
)
def test_words_that_mean_one_stage_are_read(plan, word):
    study = plan({"Nacht7.edf": "", "Nacht7.csv": rows({40: word})})
    assert used(study) == ["Nacht7.csv"]
    assert read_scoring(study.nights["hypnogram"][0]).stages[40] == "N3"


@pytest.mark.parametrize(
    "text",
    [
        rows() + "5;N2\n",  # an epoch twice
        rows().replace("Wach", "Awake").replace("N1", "Light").replace("N2", "Light").replace("N3", "Deep"),
        "\n".join(CODES[stage] for stage in NIGHT).replace("5", "4"),
        json.dumps([*NIGHT[:9], "Tief", *NIGHT[9:]]),
    ],
)
def test_a_scoring_that_cannot_be_read_is_no_night_for_yasa(plan, text):
    study = plan({"Nacht7.edf": "", "Nacht7.json" if text[0] == "[" else "Nacht7.txt": text})
    assert used(study) == [""]
    assert study.nights["problem"][0].startswith("Nacht7.")
    assert study.scorings.staged == 0


@pytest.mark.parametrize(
    "text",
    [
        "side\n" + "R\nL\nR\nR\n" * 40, "hr\n" + "61\n62\n61\n" * 50, "Dear all,\nno REM here, N2 early\n",
        domino(kind="Impuls"), "position\n" + "left\nright\nsupine\n" * 50, "\n".join(["0", "1"] * 300),
    ],
)  # fmt: skip
def test_what_is_no_scoring_is_no_problem(plan, text):
    study = plan({"Nacht7.edf": "", "Nacht7.txt": text, "elsewhere/b.txt": text, "c.csv": text})
    assert list(study.nights["problem"]) == [""]
    assert unused(study) == []


def test_a_whole_night_of_number_codes_under_the_name_of_its_recording_is_used(plan):
    study = plan({"Nacht7.edf": "", "Nacht7.txt": "\n".join(CODES[stage] for stage in NIGHT)})
    assert used(study) == ["Nacht7.txt"]


def test_a_night_in_one_line_is_a_night(plan):
    study = plan({"Nacht7.edf": "", "Nacht7.csv": ",".join(NIGHT)})
    assert used(study) == ["Nacht7.csv"]
    assert len(read_scoring(study.nights["hypnogram"][0]).stages) == len(NIGHT)


# --- names


@pytest.mark.parametrize("name", ["Scoring_final.csv", "letters/Bewertung.csv", "Hypnogram.mat", "S9 Scoring.npy"])
def test_a_scoring_that_fits_no_recording_is_told_also_where_it_cannot_be_read(plan, name):
    study = plan({"Nacht7.edf": "", "Nacht8.edf": "", name: rows({40: "Tief"})})
    assert unused(study) == [(name.rpartition("/")[2], Why.NO_RECORDING)]
    assert name in " ".join(study.notes)


def test_a_profile_of_domino_with_german_keys_is_read(plan):
    study = plan({"VP03/VP03.edf": "", "VP03/Schlafprofil.txt": domino(), "VP03/Flow.txt": domino(kind="Impuls")})
    assert used(study) == ["Schlafprofil.txt"]
    scoring = read_scoring(study.nights["hypnogram"][0])
    assert (scoring.start, scoring.epoch_s, len(scoring.stages)) == (pd.Timestamp(START), 30, len(NIGHT))


def test_two_profiles_in_the_folder_of_one_recording_are_asked_about_but_not_that_of_a_machine(plan):
    other = domino({40: "N1", 41: "N1"})
    files = {"VP03/VP03.edf": "", "VP03/Schlafprofil.txt": domino(), "VP03/Schlafprofil (auto).txt": other}
    study = plan(files)
    assert used(study) == ["Schlafprofil.txt"]
    assert unused(study) == [("Schlafprofil (auto).txt", Why.ANOTHER)]
    study = plan({"VP03/Schlafprofil_neu.txt": other})
    assert used(study) == [""]
    assert "Schlafprofil.txt and Schlafprofil" in study.nights["problem"][0]
    assert unused(study) == []


@pytest.mark.parametrize("name", ["Nacht7_neu.csv", "Nacht7_stages_v2.csv", "Nacht7 (2).csv"])
def test_a_newer_scoring_beside_one_of_the_name_is_asked_about_and_alone_it_is_never_lost(plan, name):
    study = plan({"Nacht7.edf": "", "Nacht8.edf": "", name: rows()})
    assert used(study)[0] == name or unused(study) == [(name, Why.ANOTHER_NAME)]
    study = plan({"Nacht7.csv": rows({40: "N1"})})
    assert used(study) == ["", ""]
    assert "are scorings that differ" in study.nights["problem"][0]


def test_what_stands_behind_the_word_tells_the_recording(plan):
    files = {"VP03/VP03_Verum.edf": "", "VP03/VP03_Placebo.edf": "", "VP03/Schlafprofil_Verum.txt": domino()}
    study = plan(files)
    assert dict(zip(study.nights["recording"], used(study), strict=True)) == {
        "VP03/VP03_Placebo.edf": "", "VP03/VP03_Verum.edf": "Schlafprofil_Verum.txt",
    }  # fmt: skip
    study = plan({"VP03/Schlafprofil_VP04.txt": domino()})
    assert ("Schlafprofil_VP04.txt", Why.NO_RECORDING) in unused(study)


def test_one_scoring_that_fits_two_recordings_is_asked_about(plan):
    study = plan({"VP01/night.edf": "", "VP02/night.edf": "", "scoring/night.csv": rows()})
    assert used(study) == ["", ""]
    several = "could be the scoring of several recordings (VP01/night.edf, VP02/night.edf)"
    assert all(several in problem for problem in study.nights["problem"])


# --- study files


def study_file(*lines):
    return "\n".join(["subject,condition,recording,hypnogram", *lines]) + "\n"


def test_one_scoring_that_two_rows_name_is_told(plan):
    files = {
        "S1.edf": "",
        "S2.edf": "",
        "a.csv": rows(),
        "study.csv": study_file("1,a,S1.edf,a.csv", "2,a,S2.edf,a.csv"),
    }
    assert "row 3: its scoring 'a.csv' is also that of 'S1.edf' (1 a)" in plan(files).notes


def test_bare_names_are_found_in_the_folders_below(plan):
    files = {f"{place}/{name}": text for place in ("a", "b")
             for name, text in ((f"{place}1.edf", ""), ("Schlafprofil.txt", domino()))}  # fmt: skip
    lines = ("1,x,a1.edf,Schlafprofil.txt", "2,x,b1.edf,schlafprofil.txt")
    study = plan(files | {"study.csv": study_file(*lines)})
    assert list(study.nights["recording"]) == ["a/a1.edf", "b/b1.edf"]
    assert [path[-18:] for path in study.nights["hypnogram"]] == ["a/Schlafprofil.txt", "b/Schlafprofil.txt"]


def test_bare_names_that_several_files_have_are_asked_about_and_missing_ones_get_a_suggestion(plan):
    files = {"c.edf": "", "a/S1.edf": "", "b/S1.edf": "", "a/Profil7.csv": rows()}
    study = plan(files | {"study.csv": study_file("1,x,S1.edf,", "2,x,c.edf,Profil07.csv")})
    one, other = study.nights["problem"]
    assert one == "'S1.edf' is there more than once (a/S1.edf, b/S1.edf); write its folder, too"
    assert other == "hypnogram 'Profil07.csv' is not there (did you mean 'a/Profil7.csv'?)"


def plainly(_what, make, _otherwise):
    return make()


def test_what_a_simulation_drew_is_no_scoring(plan):
    drawn = {"simulated": True, "nights": [{"stages": ["W"] * 20 + ["N2"] * 60 + ["N3"] * 40 + ["R"] * 30}]}
    assert not plan({"Nacht7.edf": "", "truth.json": json.dumps(drawn)}).scorings.unused
    study = plan({"Nacht7.edf": "", "truth/a_stages.tsv": rows()})
    # True stages are told, and are no problem of the study.
    assert " ".join(study.notes).count("truth/a_stages.tsv") == 1
    assert problems_of_nights(study, {}, {}, plainly, {}).empty
    assert plan({"Nacht7.edf": "", "other.json": json.dumps(drawn["nights"])}).scorings.unused


def test_problems_tell_of_unused_scorings_and_what_to_do_with_and_without_a_study_file(plan):
    files = {"Nacht7.edf": "", "Nacht7.csv": rows({40: "Tief"}), "Scoring_final.csv": rows()}
    study = plan(files)
    night, left = problems_of_nights(study, {}, {}, plainly, {}).to_dict("records")
    assert (night["step"], night["remedy"]) == ("plan", SCORING_REMEDY)
    assert left["problem"].startswith("these files hold stages and are not used: Scoring_final.csv (")
    named = plan({"study.csv": study_file("1,a,Nacht7.edf,")})
    assert problems_of_nights(named, {}, {}, plainly, {})["remedy"].iloc[0] == FILE_REMEDY


# --- clocks


def timed(form, start=START, title="date;time;stage", kept=None):
    times, kept = clock(form, start), kept or range(len(NIGHT))
    return "\n".join([title, *(f"{times[i]};{NIGHT[i]}" for i in kept)]) + "\n"


@pytest.fixture
def lay(tmp_path, make_recording):
    """`lay(text, start, minutes)`: stages of a table on a recording, and notes."""

    def make(text, start=START, minutes=55, name="a.csv"):
        (tmp_path / name).write_text(text)
        recording = make_recording({"C4-M1": np.zeros(round(60 * minutes))}, rate_hz=1, start=start)
        return read_scoring(tmp_path / name, Settings()).stages_in(recording)

    return make


@pytest.mark.parametrize(
    ("form", "title"),
    [("%d.%m.%Y;%H:%M:%S", "date;time;stage"), ("%Y-%m-%d;%H:%M:%S", "Datum;Uhrzeit;Stadium"),
     ("%Y-%m-%d 00:00:00;%H:%M:%S", "Fecha;Hora;Fase"), ("%d.%m.%y;%H:%M:%S", "Datum;Zeit;Stadium"),
     ("%d-%b-%Y;%H:%M:%S", "Date;Heure;Stade"), ("%d/%m/%Y;%H:%M:%S", "date;time;stage"),
     ("%m/%d/%Y;%H:%M:%S", "date;time;stage")],
)  # fmt: skip
def test_a_date_in_a_column_of_its_own_counts(lay, form, title):
    evening = START.replace(day=28, hour=23, minute=30)  # until after midnight; 28 is no month
    assert (lay(timed(form, evening, title), evening)[0] == "N3").sum() == 25
    with pytest.raises(ScoringError, match=r"starts 1440\.0 min before memory\.edf"):
        lay(timed(form, evening, title), evening + datetime.timedelta(days=1))


def test_the_date_of_the_evening_beside_the_whole_night_is_no_step_back(lay):
    evening = START.replace(hour=23, minute=30)
    text = timed("01.03.2024;%H:%M:%S", evening)
    assert (lay(text, evening)[0] == "N3").sum() == 25


def nsrr(start):
    event = "<ScoredEvent><EventType>Stages|Stages</EventType><EventConcept>{}|{}</EventConcept><Start>{}</Start>"
    events = "".join(
        event.format(s, CODES[s], 30 * i) + "<Duration>30</Duration></ScoredEvent>" for i, s in enumerate(NIGHT)
    )
    begin = (
        f"<EventConcept>Recording Start Time</EventConcept><Start>0</Start><ClockTime>x {start:%H.%M.%S}</ClockTime>"
    )
    return f"<PSGAnnotation><ScoredEvents><ScoredEvent>{begin}</ScoredEvent>{events}</ScoredEvents></PSGAnnotation>"


@pytest.mark.parametrize("minutes", [-30, 10])
@pytest.mark.parametrize("write", [nsrr, lambda start: timed("%H:%M:%S", start, "time;stage")])
def test_a_scoring_as_long_as_its_recording_that_begins_at_another_time_is_asked_about(lay, write, minutes):
    where = "before" if minutes < 0 else "after"
    with pytest.raises(
        AmbiguousScoringError, match=rf"starts {abs(minutes)}\.0 min {where} memory\.edf, and both last"
    ):
        lay(write(START + datetime.timedelta(minutes=minutes)))
    lay(write(START))
    lay(write(START + datetime.timedelta(minutes=minutes)), minutes=len(NIGHT))  # a part of a longer recording


def test_minutes_without_a_stage_within_a_night_are_noted_with_their_place(lay):
    kept = [i for i in range(len(NIGHT)) if not 40 <= i < 80 and i != 90]
    _, _, notes = lay(timed("%d.%m.%Y;%H:%M:%S", kept=kept))
    assert notes == ("20.0 min between its first and last stage have none: 23:00 to 23:20",)


def test_epochs_of_a_minute_in_a_list_are_asked_about(lay):
    with pytest.raises(ScoringError, match=r"Epochs of 60 s would fit"):
        lay("\n".join(NIGHT), minutes=len(NIGHT))


# --- columns and codes without a word


SCORED = [CODES[stage] for stage in NIGHT]
OTHER = ["2" if code == "3" else code for code in SCORED]


@pytest.mark.parametrize("numbered", [False, True])
def test_digits_of_two_scorers_without_a_header_are_asked_about(plan, numbered):
    lines = [f"{a} {b}" for a, b in zip(SCORED, OTHER, strict=True)]
    text = "\n".join(f"{i} {line}" if numbered else line for i, line in enumerate(lines, start=1))
    first = 2 if numbered else 1
    study = plan({"Nacht7.edf": "", "Nacht7.txt": text})
    assert used(study) == [""]
    (problem,) = study.nights["problem"]
    assert problem == (
        f"Nacht7.txt: several hold stages, and they differ: {first}, {first + 1}. Say which in the settings: "
        f'[scoring] column = "{first}". If it is no scoring, write yasa in the column hypnogram of a study file.'
    )
    named = plan({}, column=f"{first + 1}")
    assert used(named) == ["Nacht7.txt"]
    settings = check_settings({"scoring": {"column": f"{first + 1}"}}, "test")
    assert "N3" not in read_scoring(named.nights["hypnogram"][0], settings).stages


@pytest.mark.parametrize("order", [1, -1])
def test_a_flag_beside_the_stage_of_each_line_is_no_stage(plan, order):
    flags = ["1" if i % 9 == 0 else "0" for i in range(len(SCORED))]
    text = "\n".join(" ".join(pair[::order]) for pair in zip(SCORED, flags, strict=True))
    study = plan({"Nacht7.edf": "", "Nacht7.txt": text})
    assert used(study) == ["Nacht7.txt"]
    assert list(read_scoring(study.nights["hypnogram"][0]).stages) == [
        {"Wach": "W", "REM": "R"}.get(stage, stage) for stage in NIGHT
    ]


def test_a_highest_code_of_3_is_asked_about_unless_another_night_of_the_study_tells(plan):
    light_and_deep = [{"2": "1", "3": "2", "5": "3"}.get(code, code) for code in SCORED]
    study = plan({"Nacht7.edf": "", "Nacht7.txt": "\n".join(light_and_deep)})
    assert used(study) == [""]
    assert study.nights["problem"][0] == (
        "Nacht7.txt: its stage codes (0, 1, 2, 3) could mean several things: 3, the highest, is REM in some tables and "
        'depth of sleep in others. Say what each means in the settings: [scoring] codes = { "0" = "…", "1" = "…", '
        '"2" = "…", "3" = "…" }, with W, N1, N2, N3, R or UNS for …. '
        "If it is no scoring, write yasa in the column hypnogram of a study file."
    )
    without_rem = "\n".join(code if code != "5" else "2" for code in SCORED)
    study = plan({"Nacht7.txt": without_rem, "Nacht8.edf": "", "Nacht8.txt": "\n".join(SCORED)})
    assert used(study) == ["Nacht7.txt", "Nacht8.txt"]


def test_a_4_that_lies_as_rem_does_is_no_s4_because_another_night_has_a_5(plan):
    """By one table for the study, all REM of the first night would be N3, without a word."""
    by_aasm = "\n".join(code if code != "5" else "4" for code in SCORED)
    study = plan({"Nacht7.edf": "", "Nacht7.txt": by_aasm, "Nacht8.edf": "", "Nacht8.txt": "\n".join(SCORED)})
    assert used(study) == ["", "Nacht8.txt"]
    assert "its 4 lies as REM does" in study.nights["problem"][0]
    deep = [i for i, code in enumerate(SCORED) if code == "3"][5:-5]
    without_rem = "\n".join("4" if i in deep else code if code != "5" else "2" for i, code in enumerate(SCORED))
    assert used(plan({"Nacht7.txt": without_rem})) == ["Nacht7.txt", "Nacht8.txt"]


@pytest.mark.parametrize(
    "words",
    [
        {"0": "0-Wake", "1": "1-N1", "2": "2-N2", "3": "3-N3", "5": "5-REM"},
        {"0": "Εγρήγορση", "1": "Ν1", "2": "Ν2", "3": "Ν3", "5": "REM"},  # letters of another alphabet
        {"0": "10", "1": "11", "2": "12", "3": "13", "5": "15"},
        {"0": "A", "1": "1", "2": "2", "3": "3", "5": "R"},
    ],
)
def test_a_list_of_few_labels_that_nobody_knows_is_told(plan, words):
    study = plan({"Nacht7.edf": "", "Nacht7.txt": "\n".join(words[code] for code in SCORED)})
    [(name, why)] = unused(study)
    assert name == "Nacht7.txt"
    assert "known here. Say what each means in the settings" in why
    assert study.nights["problem"][0] == ""
    named = {
        words[code]: {"Wach": "W", "REM": "R"}.get(stage, stage) for code, stage in zip(SCORED, NIGHT, strict=True)
    }
    assert used(plan({}, codes=named)) == ["Nacht7.txt"]


@pytest.mark.parametrize("flags", ["01", ["Sleep", "Awake"]])
def test_a_list_of_two_flags_is_not_told(plan, flags):
    study = plan({"Nacht7.edf": "", "Nacht7.txt": "\n".join(flags[code == "0"] for code in SCORED)})
    assert unused(study) == []


def test_lunas_numbers_are_asked_about(plan):
    numbers = {"0": "1", "1": "-1", "2": "-2", "3": "-3", "5": "0"}
    rows = "".join(f"P01\t{i}\t{numbers[code]}\n" for i, code in enumerate(SCORED, start=1))
    study = plan({"P01.edf": "", "P01.txt": f"ID\tE\tSTAGE_N\n{rows}"})
    assert "could mean several things" in study.nights["problem"][0]


@pytest.mark.parametrize(("form", "head"), [("%H:%M:%S", ""), ("%I:%M:%S %p", "Sleep Stages Report\n\n")])
def test_a_printed_table_whose_columns_blanks_set_apart_is_read(lay, form, head):
    rows = "".join(
        f"{i:5d}   {time}   {stage}\n" for i, (time, stage) in enumerate(zip(clock(form), NIGHT, strict=True), 1)
    )
    stages, *_ = lay(f"{head}Epoch   Start Time   Stage\n{rows}", name="a.txt")
    assert (stages == "N3").sum() == 25
    assert stages[65] == "N3"


def remlogic(date, title="Recording Date"):
    names = {"Wach": "S0", "N1": "S1", "N2": "S2", "N3": "S3", "REM": "REM"}
    rows = [f"{time}\tSLEEP-{names[stage]}\t30\n" for time, stage in zip(clock(), NIGHT, strict=True)]
    return (
        f"RemLogic Event Export\nPatient:\tX\n{title}:\t{date}\n\nTime [hh:mm:ss]\tEvent\tDuration[s]\n{''.join(rows)}"
    )


@pytest.mark.parametrize("date", ["13/03/2024", "02.03.2024", "2024-02-29", "05/11/2024"])
def test_a_scoring_of_remlogic_of_another_day_is_refused(lay, date):
    with pytest.raises(
        ScoringError, match=r"a\.txt: it has the date 2024-.*, and memory\.edf starts on 2024-03-01.*no overlap"
    ) as error:
        lay(remlogic(date), name="a.txt")
    assert "belongs to this recording" in error.value.remedy


@pytest.mark.parametrize("date", ["01/03/2024", "03/01/2024", "01.03.2024", "1/3/2024", ""])
def test_a_scoring_of_remlogic_of_its_day_is_laid_by_the_clock(lay, date):
    assert (lay(remlogic(date), name="a.txt")[0] == "N3").sum() == 25
    after_midnight = START.replace(day=2, hour=0)
    assert lay(remlogic(date), START.replace(hour=22, minute=10), minutes=120, name="a.txt")[0][60] == "W"
    with pytest.raises(ScoringError, match="no overlap"):
        lay(remlogic(date), after_midnight.replace(hour=5), name="a.txt")


# --- stages among annotations, in workbooks and among derivatives


def annotated(path, labels, lasting=30, step=30):
    marks = [edfio.EdfAnnotation(step * i, lasting, label) for i, label in enumerate(labels)]
    edfio.Edf([edfio.EdfSignal(np.zeros(30 * len(labels)), 1, physical_range=(-1, 1))], annotations=marks).write(path)


@pytest.mark.parametrize("lasting", [30, None])
@pytest.mark.parametrize("labels", [SCORED, [{"2": "Stadium: II", "0": "Stadium: W", "1": "Stadium: I",
    "3": "Stadium: III", "5": "Stadium: REM"}[code] for code in SCORED]])  # fmt: skip
def test_stages_of_a_recording_itself_in_codes_and_german_are_used(plan, tmp_path, labels, lasting):
    (tmp_path / "data").mkdir()
    annotated(tmp_path / "data/Nacht7.edf", labels, lasting)
    study = plan({})
    assert used(study) == ["Nacht7.edf"]
    assert list(read_scoring(study.nights["hypnogram"][0]).stages[:110]) == [
        {"Wach": "W", "REM": "R"}.get(stage, stage) for stage in NIGHT
    ]


def test_codes_of_a_recording_itself_in_runs_are_used(plan, tmp_path):
    (tmp_path / "data").mkdir()
    begins = [i for i, code in enumerate(SCORED) if i == 0 or code != SCORED[i - 1]]
    runs = zip(begins, [*begins[1:], len(SCORED)], strict=True)
    marks = [edfio.EdfAnnotation(30 * begin, 30 * (end - begin), SCORED[begin]) for begin, end in runs]
    silence = edfio.EdfSignal(np.zeros(30 * len(SCORED)), 1, physical_range=(-1, 1))
    edfio.Edf([silence], annotations=marks).write(tmp_path / "data/Nacht7.edf")
    study = plan({})
    assert used(study) == ["Nacht7.edf"]
    assert (read_scoring(study.nights["hypnogram"][0]).stages == "N3").sum() == 25


def test_codes_of_a_recording_itself_that_could_mean_several_things_are_asked_about_and_triggers_are_not(
    plan, tmp_path
):
    (tmp_path / "data").mkdir()
    annotated(tmp_path / "data/Nacht7.edf", [code if code != "5" else "4" for code in SCORED])
    annotated(tmp_path / "data/Nacht8.edf", ["1", "2", "3", "4"] * 30, None)
    study = plan({})
    assert used(study) == ["", ""]
    assert "If 4 is REM" in study.nights["problem"][0]
    assert study.nights["problem"][1] == ""
    assert unused(study) == []


@pytest.mark.parametrize("ending", ["xlsx", "xlsm"])
def test_a_workbook_with_stages_is_a_scoring(plan, tmp_path, ending):
    sheet = pd.DataFrame({"Epoche": range(1, 111), "Uhrzeit": [pd.Timestamp(t).time() for t in clock()],
                          "Stadium": NIGHT})  # fmt: skip
    (tmp_path / "data").mkdir()
    with pd.ExcelWriter(tmp_path / f"data/Nacht7.{ending}", engine="openpyxl") as book:
        pd.DataFrame({"Name": ["X"]}).to_excel(book, sheet_name="Patient", index=False)
        sheet.to_excel(book, sheet_name="Hypnogramm", index=False)
    study = plan({"Nacht7.edf": ""})
    assert used(study) == [f"Nacht7.{ending}"]
    scoring = read_scoring(study.nights["hypnogram"][0])
    assert (len(scoring.stages), f"{scoring.start:%H:%M:%S}", scoring.stages[40]) == (110, "22:40:00", "N2")


def test_a_workbook_with_two_sheets_of_stages_is_asked_about(plan, tmp_path):
    (tmp_path / "data").mkdir()
    with pd.ExcelWriter(tmp_path / "data/Nacht7.xlsx") as book:
        for name in ("Anna", "Berta"):
            pd.DataFrame({"Epoche": range(1, 111), "Stadium": NIGHT}).to_excel(book, sheet_name=name, index=False)
    (problem,) = plan({"Nacht7.edf": ""}).nights["problem"]
    assert problem.startswith("Nacht7.xlsx: several of its sheets hold stages: Anna, Berta. Save one of them as .csv.")


def test_scorings_among_the_derivatives_of_bids_are_told(plan):
    name = "sub-1/ses-a/eeg/sub-1_ses-a_task-sleep_"
    study = plan({
        "dataset_description.json": "{}", f"{name}eeg.edf": "",
        f"derivatives/scored/{name}stages.csv": rows(), "derivatives/fmriprep/sub-1_confounds.tsv": "a\tb\n1\t2\n",
    })  # fmt: skip
    assert used(study) == [""]
    assert unused(study) == [("sub-1_ses-a_task-sleep_stages.csv", Why.DERIVED)]


# --- forms and names that were passed over


def stages_of(study):
    (path,) = filter(None, study.nights["hypnogram"])
    return list(read_scoring(path).stages)


WHOLE = [{"Wach": "W", "REM": "R"}.get(stage, stage) for stage in NIGHT]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.mark.parametrize("array", [np.array(SCORED, int), np.array([SCORED], float), np.array(WHOLE)])
def test_a_numpy_array_of_stages_is_used(plan, folder, array):
    np.save(folder / "Nacht7.npy", array)
    study = plan({"Nacht7.edf": ""})
    assert used(study) == ["Nacht7.npy"]
    assert stages_of(study) == WHOLE


@pytest.mark.parametrize("name", ["Nacht7.txt.gz", "Nacht7_stages.CSV.GZ", "scoring/Nacht7.txt.gz"])
def test_a_packed_scoring_is_used(plan, folder, name):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(gzip.compress(rows().encode()))
    study = plan({"Nacht7.edf": ""})
    assert used(study) == [name.rpartition("/")[2]]
    assert stages_of(study) == WHOLE


@pytest.mark.parametrize(
    "name", ["Nacht7", "Nacht7.night", "Nacht7_hypnogram", "Hypnogram_Nacht7", "Nacht7.STA", "scoring/Nacht7"]
)
def test_a_scoring_without_an_ending_or_with_an_odd_one_is_used(plan, name):
    study = plan({"Nacht7.edf": "", "README": "N1 to N3, REM\n", name: rows()})
    assert used(study) == [name.rpartition("/")[2]]
    assert unused(study) == []


def test_what_has_no_ending_and_is_a_recording_stays_one(plan, folder):
    annotated(folder / "night.edf", ["x"] * 9)
    (folder / "night.edf").rename(folder / "night")
    assert list(plan({}).nights["recording"]) == ["night"]


@pytest.mark.parametrize("flag", ["0", "1"])
def test_epoch_stage_and_flag_without_a_header_are_read(plan, flag):
    lines = [f"{i} {code} {flag if i % 7 == 0 else 0}" for i, code in enumerate(SCORED, start=1)]
    study = plan({"Nacht7.edf": "", "Nacht7.STA": "\n".join(lines)})
    assert used(study) == ["Nacht7.STA"]
    assert stages_of(study) == WHOLE


@pytest.mark.parametrize("separator", [" ", ",", "\t", ""])
@pytest.mark.parametrize("stages", [WHOLE, SCORED])
def test_ten_epochs_a_line_are_asked_about(plan, separator, stages):
    stages = [stage if separator else stage[-1] for stage in stages]  # W, 1, 2, 3, R
    lines = [separator.join(stages[i : i + 10]) for i in range(0, len(stages), 10)]
    study = plan({"Nacht7.edf": "", "Nacht7.txt": "\n".join(lines) + "\n"})
    assert used(study) == [""]
    (problem,) = study.nights["problem"]
    assert problem == (
        "Nacht7.txt: each of its lines holds 10 stages: 10 epochs, or one of each of 10 scorers. "
        "Write one stage a line, or the scorers in columns below their names. "
        "If it is no scoring, write yasa in the column hypnogram of a study file."
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [("Nacht7.pdf", b"%PDF-1.7\nN2\n"), ("Nacht7.rtf", rb"{\rtf1 N2\par N3}"), ("Nacht7.mat", b"MATLAB 5.0\0\0"),
     ("Nacht7.docx", b"PK\3\4\0\0"), ("Nacht7_Schlafprofil.pdf", b"%PDF-1.7\n"), ("Hypnogram_Nacht7.npz", b"PK\3\4\0")],
)  # fmt: skip
def test_a_form_that_is_not_read_is_told_and_only_where_there_is_no_scoring(plan, folder, name, content):
    (folder / name).write_bytes(content)
    study = plan({"Nacht7.edf": ""})
    reason = f"{name}: a form that is not read. If it holds stages, export them as text (.csv)."
    assert unused(study) == [(name, reason)]
    assert list(study.nights["problem"]) == [""]
    assert f"{name} ({reason})" in " ".join(study.notes)
    assert "Nacht7.pdf" not in dict(unused(plan({"Nacht7.csv": rows()})))


def test_a_recording_in_another_form_is_no_scoring_that_is_not_read(plan, folder):
    for name in ("Nacht7.eeg", "Nacht7.zip", "Nacht7.png", "Nacht7.PNT"):
        (folder / name).write_bytes(b"PK\3\4\0\0\0")
    assert unused(plan({"Nacht7.edf": ""})) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Nacht7.txt: the scoring is empty. Export it again."),
        ("Epoche;Stadium\n", "Nacht7.txt: the scoring is empty: there is no row below the names of its columns. "
         "Export it again."),
        ("onset,duration,stage\n", "Nacht7.txt: the scoring is empty: there is no row below the names of its columns. "
         "Export it again."),
        (domino(dict.fromkeys(range(len(NIGHT)), "A")), "Nacht7.txt: every epoch of it is unscored. Name the "
         "right file, its column with [scoring] column, or its codes with [scoring] codes."),
        ("A\n" * 110, "Nacht7.txt: all of its 110 stages are 'A', and that is none "
         'known here. Say what each means in the settings: [scoring] codes = { "A" = "…" }, with W, N1, N2, N3, R or '
         "UNS for …."),
        ("?\n" * 110, "Nacht7.txt: every epoch of it is unscored. Name the right file, its column with [scoring] "
         "column, or its codes with [scoring] codes."),
    ],
)  # fmt: skip
def test_a_scoring_in_which_nothing_is_scored_is_told(plan, text, reason):
    study = plan({"Nacht7.edf": "", "Nacht7.txt": text})
    assert unused(study) == [("Nacht7.txt", reason)]
    assert "0 nights by their scoring, 1 by YASA" in " ".join(study.notes)


@pytest.mark.parametrize("form", ["KS: {}", "{} (KS)", "{}@@KS", "KS - {}"])
def test_a_further_scorer_among_annotations_is_told_and_can_be_chosen(plan, folder, form):
    other = ["Sleep stage " + {"N3": "N2"}.get(stage, stage) for stage in WHOLE]
    labels = [label for a, b in zip(WHOLE, other, strict=True) for label in (f"Sleep stage {a}", form.format(b))]
    marks = [edfio.EdfAnnotation(30 * (i // 2), 30, label) for i, label in enumerate(labels)]
    signal = edfio.EdfSignal(np.zeros(30 * len(NIGHT)), 1, physical_range=(-1, 1))
    edfio.Edf([signal], annotations=marks).write(folder / "Nacht7.edf")
    study = plan({})
    assert used(study) == ["Nacht7.edf"]
    scoring = read_scoring(study.nights["hypnogram"][0])
    assert list(scoring.stages) == WHOLE
    assert scoring.notes == ("KS has scored it, too, and is not used; [scoring] column names the scorer",)
    named = read_scoring(study.nights["hypnogram"][0], check_settings({"scoring": {"column": "KS"}}, "test").scoring)
    assert "N3" not in named.stages


def test_two_named_scorers_among_annotations_are_asked_about_and_one_is_used(plan, folder):
    def write(*scorers):
        marks = [
            edfio.EdfAnnotation(30 * i, 30, f"{who}: Sleep stage {'N2' if who == 'KS' and s == 'N3' else s}")
            for i, s in enumerate(WHOLE)
            for who in scorers
        ]
        signal = edfio.EdfSignal(np.zeros(30 * len(NIGHT)), 1, physical_range=(-1, 1))
        edfio.Edf([signal], annotations=marks).write(folder / "Nacht7.edf")
        return plan({})

    study = write("KS", "MM")
    assert used(study) == [""]
    assert study.nights["problem"][0] == (
        'Nacht7.edf: several hold stages, and they differ: KS, MM. Say which in the settings: [scoring] column = "KS".'
    )
    assert stages_of(write("MM")) == WHOLE


def test_two_scorings_among_annotations_that_nothing_tells_apart_are_asked_about(plan, folder):
    marks = [edfio.EdfAnnotation(30 * i, 30, f"Sleep stage {s}") for i, s in enumerate(WHOLE)]
    marks += [edfio.EdfAnnotation(30 * i, 30, f"Sleep stage {'N2' if s == 'N3' else s}") for i, s in enumerate(WHOLE)]
    signal = edfio.EdfSignal(np.zeros(30 * len(NIGHT)), 1, physical_range=(-1, 1))
    edfio.Edf([signal], annotations=marks).write(folder / "Nacht7.edf")
    study = plan({})
    assert used(study) == [""]
    assert "gives two stages to 12.5 min of time" in study.nights["problem"][0]
    assert study.scorings.staged == 0


def test_a_word_that_is_not_known_among_the_stages_of_a_recording_is_no_night_for_yasa(plan, folder):
    annotated(folder / "Nacht7.edf", ["Sleep stage " + ("Tief" if i == 60 else s) for i, s in enumerate(WHOLE)])
    study = plan({})
    assert "'Sleep stage Tief'" in study.nights["problem"][0] or "1 of its labels" in study.nights["problem"][0]
    assert study.scorings.staged == 0


@pytest.mark.parametrize("stages", [WHOLE, SCORED])
def test_a_night_in_one_line_without_marks_is_a_night(plan, stages):
    study = plan({"Nacht7.edf": "", "Nacht7.txt": "".join(stage[-1] for stage in stages)})
    assert used(study) == ["Nacht7.txt"]
    assert stages_of(study) == WHOLE


# --- dates, rows, units and lights


@pytest.mark.parametrize("form", ["%d/%m/%Y", "%m/%d/%Y", "%d-%m-%y"])
def test_one_date_beside_the_whole_night_counts_whatever_stands_first(lay, form):
    evening = START.replace(day=2, month=1, hour=23, minute=30)
    text = timed(f"{evening:{form}};%H:%M:%S", evening)
    assert (lay(text, evening)[0] == "N3").sum() == 25
    with pytest.raises(ScoringError, match=r"a\.csv: it has the date 2024-0., and .*no overlap".replace("0.,", ".*,")):
        lay(text, evening.replace(day=9))
    hidden = evening.replace(year=1985, month=1, day=1)
    assert (lay(text, hidden)[0] == "N3").sum() == 25


@pytest.mark.parametrize(
    ("missing", "told"), [(1, ()), (2, ("1.0 min between its first and last stage have none: 23:00 to 23:01",))]
)
def test_two_rows_that_are_missing_are_told(lay, missing, told):
    kept = [i for i in range(len(NIGHT)) if not 40 <= i < 40 + missing]
    assert lay(timed("%d.%m.%Y;%H:%M:%S", kept=kept))[2] == told


def test_codes_that_become_unscored_are_told_and_named_in_the_question(lay, plan):
    codes = ["7" if i in (30, 31, 60) else code for i, code in enumerate(SCORED)]
    _, _, notes = lay("\n".join(codes), name="a.txt")
    assert "code 7 (3 of 110 stages) is read as unscored; [scoring] codes says what it means" in notes
    rem = ["7" if code == "5" else code for code in SCORED]
    study = plan({"Nacht7.edf": "", "Nacht7.txt": "\n".join(rem)})
    assert '"3" = "…", "7" = "…"' in study.nights["problem"][0]


@pytest.mark.parametrize(("unit", "seconds"), [("min", 60), ("h", 3600)])
@pytest.mark.parametrize("columns", ["onset;stage", "time;stage", "onset;duration;stage"])
def test_times_in_another_unit_are_asked_about(lay, unit, seconds, columns):
    lasting = f";{30 / seconds:.6g}" if "duration" in columns else ""
    lines = [f"{30 * i / seconds:.6g}{lasting};{stage}" for i, stage in enumerate(WHOLE)]
    text = "\n".join([columns, *lines])
    with pytest.raises(AmbiguousScoringError, match=rf"seem to be in {unit}\. Write .* `onset \[{unit}\]`"):
        lay(text)
    named = text.replace("onset", f"onset [{unit}]").replace("time", f"time [{unit}]")
    named = named.replace("duration", f"duration [{unit}]")
    assert (lay(named)[0] == "N3").sum() == 25


def test_times_in_ms_are_asked_about(lay):
    text = "\n".join(["onset,duration,stage", *(f"{30000 * i},30000,{stage}" for i, stage in enumerate(WHOLE))])
    with pytest.raises(ScoringError, match=r"if they are in ms, write .* `onset \[ms\]`"):
        lay(text)


# --- what looks like a scoring


# Stages stand in them, and nothing tells that they are no night: runs of position codes, a stage at each awakening.
ALIKE = {"position_codes", "blocks", "arousals", "word_pairs", "stimulation", "power_by_stage", "agreement", "dreams"}


def test_tables_that_are_no_scorings_are_no_problem_and_not_told(plan, folder):
    tables = {name: text for name, text in no_scorings().items() if name not in {*ALIKE, "clinic"}}
    assert len(tables) > 30
    study = plan({"S1.edf": ""} | {f"{name}.csv": text for name, text in tables.items()})
    assert unused(study) == []
    night = {f"{name}.edf": "" for name in tables} | {f"{name}.csv": text for name, text in tables.items()}
    assert {
        name: problem for name, problem in zip(tables, plan(night).nights["problem"], strict=False) if problem
    } == {}


@pytest.mark.parametrize("epochs", [48, 60, 99])
def test_a_nap_in_codes_under_the_name_of_its_recording_is_used(plan, epochs):
    nap = ["0"] * 8 + ["1"] * 4 + ["2"] * (epochs - 32) + ["3"] * 8 + ["5"] * 8 + ["0"] * 4
    study = plan({"nap.edf": "", "nap.txt": "\n".join(nap)})
    assert used(study) == ["nap.txt"]
    nap = [code.replace("5", "2") for code in nap]
    assert "could mean several things" in plan({"nap.txt": "\n".join(nap)}).nights["problem"][0]


def test_a_nap_in_codes_under_nearly_the_name_of_its_recording_is_told(plan):
    nap = ["0"] * 10 + ["1"] * 5 + ["2"] * 34 + ["3"] * 22 + ["5"] * 9
    study = plan({"nap.edf": "", "nap_scorer1.txt": "\n".join(nap)})
    assert used(study) == [""]
    assert [(each.path.name, each.why) for each in study.scorings.unused] == [("nap_scorer1.txt", Why.ANOTHER_NAME)]


def test_a_column_of_stages_in_words_that_nobody_knows_is_a_problem(plan):
    words = {"W": "V", "N1": "SL1", "N2": "SL2", "N3": "SLP", "R": "SP"}
    text = "\n".join(
        ["Epoch;Time;Stage", *(f"{i};{t};{words[s]}" for i, (t, s) in enumerate(zip(clock(), WHOLE, strict=True)))]
    )
    study = plan({"P01.edf": "", "P01.csv": text})
    assert used(study) == [""]
    assert "are no stages known here" in study.nights["problem"][0]


@pytest.mark.parametrize(("form", "is_known"), [("[Stage] {}", True), ("{}期", False)])
def test_a_night_among_annotations_in_other_words_is_used_or_asked_about(plan, folder, form, is_known):
    annotated(folder / "P01.edf", [form.format(stage) for stage in WHOLE])
    study = plan({})
    assert used(study) == ["P01.edf" if is_known else ""]
    assert is_known or "may be stages in words that are not known here" in study.nights["problem"][0]


@pytest.mark.parametrize("key", ["{}:\t{}", "{}\t{}", "{}: {}"])
def test_a_profile_of_domino_in_a_workbook_is_read(plan, folder, key):
    head = {"Signal ID": "SchlafProfil\\profil", "Start Time": "01.03.2024 22:40:00", "Signal Type": "Discret"}
    lines = [key.format(*pair) for pair in (head | {"Rate": "30 s"}).items()]
    lines += [f"{time}{',000' * (':' in key)}\t{stage}" for time, stage in zip(clock(), WHOLE, strict=True)]
    sheet = pd.DataFrame([(*line.split("\t"), "")[:2] for line in lines])
    sheet.to_excel(folder / "P01.xlsx", header=False, index=False)
    study = plan({"P01.edf": ""})
    assert used(study) == ["P01.xlsx"]
    assert stages_of(study) == WHOLE


def test_annotations_of_edfbrowser_in_xml_are_read(plan):
    rows = "".join(
        f"<annotation><onset>{START + datetime.timedelta(seconds=30 * i):%Y-%m-%dT%H:%M:%S}.0000000</onset>"
        f"<duration>30.0</duration><description>Sleep stage {stage}</description></annotation>"
        for i, stage in enumerate(WHOLE)
    )
    study = plan({"a1.edf": "", "a1_annotations.xml": f'<?xml version="1.0"?><annotationlist>{rows}</annotationlist>'})
    assert used(study) == ["a1_annotations.xml"]
    assert stages_of(study) == WHOLE
    assert read_scoring(study.nights["hypnogram"][0]).start == pd.Timestamp(START)


def ods(lines):
    """A sheet of LibreOffice, as small as one can be."""
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    rows = ["".join(cell.format(text) for text in line) for line in lines]
    cells = "".join(f"<table:table-row>{row}</table:table-row>" for row in rows)
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    body = f'<office:body><office:spreadsheet><table:table table:name="A">{cells}</table:table></office:spreadsheet>'
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", '<?xml version="1.0"?><manifest/>')
        xml = f'<?xml version="1.0"?><office:document-content {names}>{body}</office:body></office:document-content>'
        archive.writestr("content.xml", xml)
    return file.getvalue()


@pytest.mark.parametrize("ending", ["ods", "xls"])
def test_a_sheet_of_libreoffice_and_an_old_one_of_excel_are_read(plan, folder, ending):
    lines = [("Epoche", "Stadium"), *((i, stage) for i, stage in enumerate(NIGHT, start=1))]
    stored = Path(__file__).with_name("scored_night.xls.gz")  # these lines, as LibreOffice saves them
    content = ods(lines) if ending == "ods" else gzip.decompress(stored.read_bytes())
    (folder / f"Nacht7.{ending}").write_bytes(content)
    study = plan({"Nacht7.edf": ""})
    assert used(study) == [f"Nacht7.{ending}"]
    assert stages_of(study) == WHOLE


# --- what stands above the stages, and how long a list is

OTHER_NIGHT = r"a\.\w+: it has the date 2024-03-08.*, and memory\.edf starts on 2024-03-01.*no overlap"


def epochs(sep="\t", title="Epoch,Time,Stage"):
    table = [
        title.split(","),
        *([str(i), time, stage] for i, (time, stage) in enumerate(zip(clock(), NIGHT, strict=True), 1)),
    ]
    return "".join(sep.join(row) + "\n" for row in table)


@pytest.mark.parametrize(
    ("head", "form", "table", "name"),
    [
        ("Patient:\tX\nRecording Date:\t{}\n\n", "%d/%m/%Y", epochs(), "a.txt"),
        ("# Study date: {}\n", "%Y-%m-%d", epochs(), "a.txt"),
        ("Patient name,Other\nDate,{}\n\n", "%d.%m.%Y", epochs(","), "a.csv"),
        ("Somnologica Event Export\nRecording Date: {} 22:40\n", "%d.%m.%Y", epochs(), "a.txt"),
        ("Aufnahmedatum;{};\n", "%d.%m.%Y", rows(), "a.csv"),  # no clock times
    ],
)
def test_a_date_above_the_stages_is_that_of_the_night(lay, head, form, table, name):
    assert (lay(head.format(f"{START:{form}}") + table, name=name)[0] == "N3").sum() == 25
    with pytest.raises(ScoringError, match=OTHER_NIGHT):
        lay(head.format(f"{START + datetime.timedelta(days=7):{form}}") + table, name=name)
    others = f"Date of birth: 07.05.1980\nPrint date: 01.06.2024\n{table}"
    assert (lay(others, name=name)[0] == "N3").sum() == 25


@pytest.mark.parametrize("text", ["\n".join(NIGHT), rows()])
@pytest.mark.parametrize("line", ["Epoch length: 20 s", "# epoch_s = 20", "Epochenlänge [s];20"])
def test_the_epoch_length_above_the_stages_counts(lay, tmp_path, line, text):
    stages, epoch_s, _ = lay(f"{line}\n{text}", minutes=len(NIGHT) / 3)
    assert (epoch_s, (stages == "N3").sum()) == (20, 25)
    with pytest.raises(AmbiguousScoringError, match=r"head says that an epoch lasts 20 s, and the settings 10 s"):
        read_scoring(tmp_path / "a.csv", check_settings({"scoring": {"epoch_s": 10}}, "test"))
    with pytest.raises(ScoringError, match=r"110 epochs of 20 s are 36\.7 min, memory\.edf lasts 55\.0 min") as error:
        lay(f"{line}\n{text}")
    assert "correct the head of the file" in error.value.remedy


def test_an_epoch_length_above_the_stages_that_their_times_contradict_is_asked_about(lay):
    assert lay(f"Epoch length: 30 s\n{epochs()}", name="a.txt")[1] == 30
    with pytest.raises(AmbiguousScoringError, match="an epoch lasts 20 s, and the times of its rows another one"):
        lay(f"Epoch length: 20 s\n{epochs()}", name="a.txt")


@pytest.mark.parametrize("title", ["Nr,Zeit bis,Stadium", "Epoch,End Time,Stage"])
def test_a_time_at_which_an_epoch_ends_is_no_time_at_which_it_begins(lay, title):
    late = START - datetime.timedelta(seconds=30)
    stages, _, notes = lay(epochs(title=title), late, name="a.txt")
    assert (np.flatnonzero(stages == "N3")[0], len(stages), notes) == (65, 110, ())


@pytest.mark.parametrize(("minutes", "asked"), [(50, False), (41, True), (54, False)])
@pytest.mark.parametrize("text", ["\n".join(NIGHT), rows(), json.dumps(NIGHT)])
def test_a_list_without_times_that_goes_on_long_after_its_recording_is_asked_about(lay, text, minutes, asked):
    name = "a.json" if text.startswith("[") else "a.csv"
    if not asked:
        assert len(lay(text, minutes=minutes, name=name)[0]) == 2 * minutes
        return
    with pytest.raises(AmbiguousScoringError, match=r"says no times and lasts 55\.0 min, memory\.edf lasts 41\.0 min"):
        lay(text, minutes=minutes, name=name)


def test_a_scoring_by_the_clock_of_a_recording_that_hides_its_own_is_refused_unless_both_last_as_long(lay):
    hidden = datetime.datetime(1985, 1, 1)
    with pytest.raises(ScoringError, match=r"memory\.edf does not say when it starts"):
        lay(epochs(), hidden, minutes=75, name="a.txt")
    assert (lay(epochs(), hidden, name="a.txt")[0] == "N3").sum() == 25


def test_all_columns_of_scorers_are_named_as_they_are_written(lay):
    other = dict(zip(NIGHT, [*NIGHT[1:], "Wach"], strict=True)) | {"N1": "N2"}
    table = "".join(f"{i};{s};{other[s]};{s}\n" for i, s in enumerate(NIGHT, 1))
    with pytest.raises(AmbiguousScoringError, match="they differ: Consensus, Scorer_AB, Scorer_CD"):
        lay(f"Epoch;Scorer_AB;Scorer_CD;Consensus\n{table}")


@pytest.mark.parametrize(
    ("title", "lines"),
    [
        ("Time,Event,Stage", [f"22:{m}:00,Spindle,{s}" for m, s in zip((47, 48, 51, 52, 58), ["N2"] * 5, strict=True)]),
        ("time,event,stage", ["22:47:00,Hypopnea,N2", "22:49:30,Hypopnea,REM", "22:58:00,Hypopnea,N2"]),
        ("time,event,stage", [f"22:{m}:00,Hypopnea,{'REM' if m % 5 else 'N2'}" for m in range(20, 50)]),
        ("Time,Stage", ["22:47:03,N2", "22:48:11,N2", "22:51:50,N2", "22:52:07,N3", "22:58:31,N3"]),
        ("Awakening,Time,Stage,Dream recall", ["1,22:55:00,N2,1", "2,22:56:30,N2,1", "3,23:03:30,N3,0"]),
        ("Stage,Minutes,Percent", ["W,10,16", "N1,5,8", "N2,25,42", "N3,10,17", "REM,10,17"]),
        ("stage,swa,sigma", ["N1,20,3", "N2,90,8", "N3,300,5", "REM,30,2"]),
    ],
)  # fmt: skip
def test_events_with_their_stage_and_sums_of_each_stage_are_no_scoring(plan, title, lines):
    study = plan({"E03.edf": "", "E03.csv": "\n".join([title, *lines]) + "\n"})
    assert used(study) == [""]
    assert study.nights["problem"].tolist() == [""]
    assert {why for _, why in unused(study)} <= {Why.NO_NIGHT}
    strong = plan({"E03.edf": "", "E03.csv": "x", "E03_hypnogram.csv": "\n".join([title, *lines]) + "\n"})
    assert used(strong) == [""]
    (problem,) = strong.nights["problem"]  # YASA does not take a night whose scoring this may be
    assert "E03_hypnogram.csv: called a scoring, but its rows are single events or sums" in problem
    study_file = plan({"study.csv": "subject,condition,recording,hypnogram\nE03,a,E03.edf,yasa\n"})
    assert study_file.nights["problem"].tolist() == [""]


def test_a_table_that_blocks_a_night_is_told_with_the_way_past_it(plan):
    positions = "epoch,position\n" + "".join(f"{i + 1},{(0, 1, 2, 3)[i // 30 % 4]}\n" for i in range(110))
    study = plan({"Nacht7.edf": "", "Nacht7.csv": positions})
    (problem,) = study.nights["problem"]
    assert problem.endswith("If it is no scoring, write yasa in the column hypnogram of a study file.")
