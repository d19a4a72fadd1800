"""A lab's own sheet: columns in its language, columns that mean nothing, and nights for adaptation."""

import datetime

import numpy as np
import pytest

from swa.comparison.designs.statement import design_statement
from swa.errors import StudyError
from swa.report.pages import _environment
from swa.settings import ComparisonSettings, Settings
from swa.study.plan.inspection import inspect_study
from swa.study.plan.manifest import plan_study
from swa.study.plan.study_file import read_study_file
from swa.study.problems import CHECK_STEP
from swa.study.study_tables import problems_of_nights

GERMAN = "Proband\tBedingung\tAufnahme\tReihenfolge\tLicht aus\tAlter (Jahre)\tGeschlecht\tAusschluss\tBemerkung"


def plan_rows(write_edf, folder, header, rows, settings=None):
    """Plan rows of a study file; the third cell names the recording, with its day of February 2024 in front."""
    for row in rows:
        name = row.split("\t")[2]
        start = datetime.datetime(2024, 2, int(name[:2]), 22) if name[:2] != "00" else datetime.datetime(1985, 1, 1)
        write_edf(folder / name, {"C4-M1": np.arange(600.0) % (50 + sum(name.encode()) % 97)}, start=start)
    (folder / "study.tsv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return plan_study(folder, None, settings or Settings())


def test_columns_in_german_are_read_and_what_is_not_understood_is_told_once(write_edf, tmp_path):
    rows = ["P1\tPlacebo\t05a.edf\t1\t23:00\t29\tw\t\tmüde", "P1\tKetamin\t09b.edf\t2\t23:10\t29\tw\tFieber\t"]
    header = f"{GERMAN}\tlights_onn\tprimary\tcovariate_mg"
    study = plan_rows(write_edf, tmp_path, header, [f"{row}\t\tswa NREM night F3\t1" for row in rows])
    nights = study.nights
    assert nights["order"].tolist() == [1, 2]
    assert nights["lights_off"].tolist() == ["23:00:00", "23:10:00"]
    assert nights[["age", "sex"]].to_numpy().tolist() == [[29, "F"], [29, "F"]]
    assert nights["exclude"].tolist() == ["", "Fieber"]
    (read,) = [note for note in study.notes if note.startswith("columns are read")]
    assert "'Licht aus' as lights_off" in read
    assert "'Alter (Jahre)' as age" in read
    (carried,) = [note for note in study.notes if "carried along" in note]
    assert carried == "columns carried along unread: Bemerkung, lights_onn (did you mean 'lights_on'?)"


@pytest.mark.parametrize(
    ("header", "cells", "kept"),
    [
        ("age\tAlter", "29\t31", "Alter"),
        ("Gruppe\tgroupe", "a\tb", "Gruppe"),
        ("Reihenfolge", "Placebo zuerst", "Reihenfolge"),
    ],
)
def test_what_could_mean_two_things_is_left_as_it_is_and_told(tmp_path, header, cells, kept):
    file = tmp_path / "study.tsv"
    file.write_text(f"subject\tcondition\trecording\t{header}\nP1\ta\ta.edf\t{cells}\n", encoding="utf-8")
    table = read_study_file(file)
    assert kept in table.rows
    assert not table.problems
    assert not table.read_as


@pytest.mark.parametrize("name", ["Eingewöhnung", "adaptation", "Adaptation night", "habituation", "First night"])
def test_a_condition_called_adaptation_is_a_night_for_adaptation(write_edf, tmp_path, name):
    rows = [f"P1\t{name}\t02a.edf", "P1\tPlacebo\t05b.edf", "P1\tKetamin\t09c.edf"]
    study = plan_rows(write_edf, tmp_path, "subject\tcondition\trecording", rows)
    assert study.nights["adaptation"].tolist() == [True, False, False]
    (told,) = [note for note in study.notes if "adaptation night" in note]
    assert told.startswith(f"row 2: '{name}' is taken as an adaptation night")


def test_a_stated_adaptation_and_a_baseline_of_that_name_stand(write_edf, tmp_path):
    rows = ["P1\tHabituation\t02a.edf\tno", "P1\tPlacebo\t05b.edf\tno", "P1\tKetamin\t09c.edf\tno"]
    study = plan_rows(write_edf, tmp_path, "subject\tcondition\trecording\tadaptation", rows)
    assert not study.nights["adaptation"].any()
    baseline = Settings(comparison=ComparisonSettings(baseline=("habituation",)))
    rows = [row.removesuffix("\tno") for row in rows]
    study = plan_rows(write_edf, tmp_path, "subject\tcondition\trecording", rows, baseline)
    assert "adaptation" not in study.nights


def test_names_of_recordings_tell_adaptation_too(write_edf, tmp_path):
    for day, name in ((2, "S1_adaptation"), (5, "S1_baseline"), (9, "S1_ketamine")):
        start = datetime.datetime(2024, 2, day, 22)
        write_edf(tmp_path / f"{name}.edf", {"C4-M1": np.arange(600.0) % (50 + day)}, start=start)
    study = plan_study(tmp_path, None, Settings())
    assert dict(zip(study.nights["condition"], study.nights["adaptation"], strict=True))["adaptation"]
    assert study.nights["adaptation"].sum() == 1


@pytest.mark.parametrize(("day", "order"), [("09", [0, 1, 2]), ("00", [0, 1, 2]), ("02", [1, 2, 3])])
def test_an_adaptation_night_takes_the_order_from_no_other(write_edf, tmp_path, day, order):
    rows = [f"P1\tadaptation\t{day}a.edf", "P1\tPlacebo\t05b.edf", "P1\tKetamin\t09c.edf"]
    study = plan_rows(write_edf, tmp_path, "subject\tcondition\trecording", rows)
    assert study.nights["order"].fillna(0).tolist() == order
    (told,) = [note for note in study.notes if note.startswith("order of the nights")]
    assert "Placebo, then Ketamin in 1 of 1 subject" in told
    assert "not of" not in told


def test_an_order_that_is_unknown_has_its_one_reason_and_no_sentence_claims_it_for_all(write_edf, tmp_path):
    rows = ["P1\tPlacebo\t05a.edf", "P1\tKetamin\t09b.edf", "P2\tPlacebo\t05c.edf", "P2\tKetamin\t05d.edf"]
    rows += ["P3\tPlacebo\t00e.edf", "P3\tKetamin\t05f.edf"]
    study = plan_rows(write_edf, tmp_path, "subject\tcondition\trecording", rows)
    (told,) = [note for note in study.notes if note.startswith("order of the nights")]
    assert "not of P2 (two nights have the same date)" in told
    assert "not of P3 (a date is 1 January, as of hidden dates" in told
    said = design_statement(study.nights, "Placebo")
    assert "in the same order in every subject whose order is known; of 2 of 3 nothing says it" in said


@pytest.mark.parametrize(("condition", "place"), [("adaptation", "notes"), ("Magnesium", "problems")])
def test_an_equal_start_is_a_problem_of_compared_nights_alone(write_edf, tmp_path, condition, place):
    rows = [f"P1\t{condition}\t09a.edf", "P1\tPlacebo\t05b.edf", "P1\tKetamin\t09c.edf"]
    plan_rows(write_edf, tmp_path, "subject\tcondition\trecording", rows)
    (night,) = [one for one in inspect_study(tmp_path)["recordings"] if one["recording"] == "09c.edf"]
    (told,) = [text for text in night[place] if text.startswith("begins at the same second as 09a.edf")]
    assert "Nobody sleeps two nights at once" in told
    assert not [text for key in ("notes", "problems") if key != place for text in night[key] if "same second" in text]


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("11:00", "row 2: lights_off 11:00 does not fit the recording (22:00 to 01:00), all of it is measured; "
         "did you mean 23:00?"),
        ("2024-02-05T11:00", "did you mean 2024-02-05T23:00?"),
        ("05:00", "row 2: lights_off 05:00 does not fit the recording (22:00 to 01:00), all of it is measured"),
        ("2024-02-04T23:00", "lights_off 2024-02-04T23:00 does not fit the recording (22:00 to 01:00), "
         "all of it is measured"),
    ],
)  # fmt: skip
def test_lights_of_the_other_half_of_the_day_are_told_with_their_row(write_edf, tmp_path, cell, told):
    long = np.tile(np.arange(600.0) % 57, 1800)
    write_edf(tmp_path / "a.edf", {"C4-M1": long}, start=datetime.datetime(2024, 2, 5, 22))
    text = f"subject\tcondition\trecording\tlights_off\nP1\tPlacebo\ta.edf\t{cell}\n"
    (tmp_path / "study.tsv").write_text(text, encoding="utf-8")
    study = plan_study(tmp_path, None, Settings())
    (note,) = [note for note in study.notes if "fit the recording" in note]
    assert note.endswith(told)
    table = problems_of_nights(study, {}, {}, lambda _, make, __: make(), {})
    assert table[["subject", "session", "recording"]].to_numpy().tolist() == [["P1", "Placebo", "a.edf"]]
    assert table["problem"][0].startswith(note.removeprefix("row 2: "))


@pytest.mark.parametrize("cell", ["23:00", "23.00", "00.30", "21:30", "23.00 Uhr"])
def test_lights_that_lie_in_the_night_are_read_and_nothing_is_told(write_edf, tmp_path, cell):
    long = np.tile(np.arange(600.0) % 57, 1800)
    write_edf(tmp_path / "a.edf", {"C4-M1": long}, start=datetime.datetime(2024, 2, 5, 22))
    text = f"subject\tcondition\trecording\tlights_off\tsex\nP1\tPlacebo\ta.edf\t{cell}\tweibl.\n"
    (tmp_path / "study.tsv").write_text(text, encoding="utf-8")
    study = plan_study(tmp_path, None, Settings())
    assert study.nights["lights_off"].tolist() == [f"{cell[:5].replace('.', ':')}:00"]
    assert not [note for note in study.notes if "fit the recording" in note]


def test_a_row_that_points_to_the_recording_of_another_subject_is_told(write_edf, tmp_path):
    rows = []
    for number, (subject, name) in enumerate([
        ("P01", "P01/Nacht 1.edf"), ("P01", "P01/Nacht 2.edf"), ("P02", "P01/Nacht 3.edf"),
        ("P02", "Proband P-01 Ketamin.edf"), ("P02", "P02 Nacht P01.edf"), ("P010", "b.edf"), ("P010", "P010 a.edf"),
    ]):  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_edf(tmp_path / name, {"C4-M1": np.arange(600.0) % (50 + number)})
        rows.append(f"{subject}\tc{number}\t{name}")
    text = "\n".join(["subject\tcondition\trecording", *rows])
    (tmp_path / "study.tsv").write_text(text, encoding="utf-8")
    (note,) = [note for note in plan_study(tmp_path, None, Settings()).notes if "correct the one" in note]
    assert note == (
        "row 4 is of P02, its recording 'P01/Nacht 3.edf' of P01; row 5 is of P02, its recording "
        "'Proband P-01 Ketamin.edf' of P01, by their names; correct the one that is wrong"
    )


def test_names_that_are_numbers_alone_are_of_nobody_else(write_edf, tmp_path):
    study = plan_rows(
        write_edf, tmp_path, "subject\tcondition\trecording", ["1\ta\t05 night 2.edf", "2\ta\t06 night 1.edf"]
    )
    assert not [note for note in study.notes if "correct the one" in note]


@pytest.mark.parametrize(("more", "cells", "told"), [
    ("", ["", "", "", ""], ["P2 has 2 Ketamin nights (rows 4, 5): they are averaged"]),
    ("\tsession", ["\t1", "\t1", "\t2", "\t3"], []),
    ("\tphase", ["\tpre", "\tpre", "\tpre", "\tpost"], []),
    ("\texclude", ["\t", "\t", "\t", "\tFieber"], []),
    ("\tadaptation", ["\t", "\t", "\tja", "\t"], []),
])  # fmt: skip
def test_several_nights_of_a_condition_are_told(write_edf, tmp_path, more, cells, told):
    nights = ["P1\tPlacebo\t05a.edf", "P2\tPlacebo\t06b.edf", "P2\tKetamin\t07c.edf", "P2\tKetamin\t08d.edf"]
    rows = [f"{night}{cell}" for night, cell in zip(nights, cells, strict=True)]
    study = plan_rows(write_edf, tmp_path, f"subject\tcondition\trecording{more}", rows)
    assert [note for note in study.notes if "averaged" in note] == told


@pytest.mark.parametrize(("first", "steps"), [("Eingewöhnung", []), ("Placebo", ["check"])])
def test_nights_that_begin_alike_are_to_be_checked_where_both_are_compared(write_edf, tmp_path, first, steps):
    rows = [f"P1\t{first}\t09a.edf", "P1\tKetamin\t09b.edf", "P1\tBaseline\t10c.edf"]
    study = plan_rows(write_edf, tmp_path, "subject\tcondition\trecording", rows)
    table = problems_of_nights(study, {}, {}, lambda _, make, __: make(), {})
    assert table["step"].tolist() == steps
    assert table["session"].tolist() == ["Ketamin"] * len(steps)


def test_a_night_in_the_result_is_not_listed_as_left_out():
    told = {"subject": "P1", "session": "a", "recording": "a.edf", "problem": "starts alike", "remedy": "look"}
    page = _environment().from_string('{% import "macros.html" as show %}{{ show.to_check(rows) }}')
    assert "To be checked" in page.render(rows=[{**told, "step": CHECK_STEP}])
    assert not page.render(rows=[{**told, "step": "plan"}]).strip()


ENGLISH = "Participant ID\tTreatment\tEDF file\tScoring\tLights out\tAdaptation night\tExcluded\tGender"


def read_sheet(tmp_path, *lines):
    file = tmp_path / "study.tsv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_study_file(file)


def test_english_names_that_mean_one_thing_are_read(tmp_path):
    """A scoring that the sheet named was passed over for another one, and a night that it excluded counted."""
    table = read_sheet(tmp_path, ENGLISH, "P1\tplacebo\ta.edf\tsecond/a.csv\t23:00\tno\twrong drug\tf")
    row = table.rows.iloc[0]
    assert not table.problems
    assert row["subject"] == "P1"
    assert (row["recording"], row["hypnogram"]) == ("a.edf", "second/a.csv")
    assert (row["lights_off"], row["exclude"]) == ("23:00:00", "wrong drug")
    assert "'Scoring' as hypnogram" in table.read_as


@pytest.mark.parametrize("cell", ["KS, AASM", "0.85", "01.03.2024"])
def test_a_scoring_column_that_names_no_files_is_none_of_scorings(tmp_path, cell):
    table = read_sheet(tmp_path, "subject\tcondition\trecording\tScoring", f"P1\tplacebo\ta.edf\t{cell}")
    assert "hypnogram" not in table.rows
    assert "Scoring" in table.rows


@pytest.mark.parametrize(("name", "cell"), [("Include", "no"), ("Usable?", "0"), ("Eingeschlossen", "nein")])
def test_a_column_of_who_counts_is_not_passed_over(tmp_path, name, cell):
    head = f"subject\tcondition\trecording\t{name}"
    table = read_sheet(tmp_path, head, "P1\tplacebo\ta.edf\tyes", f"P1\tdrug\tb.edf\t{cell}")
    (problem,) = table.problems
    assert problem.startswith(f"row 3, {name}: '{cell}', but this column is not read")
    assert not read_sheet(tmp_path, head, "P1\tplacebo\ta.edf\tyes", "P1\tdrug\tb.edf\tyes").problems


@pytest.mark.parametrize(
    "word", ["missed", "-", "–", "fehlt", "Ausgefallen", "no show", "annulé", "cancelado", "not done", "none"]
)
def test_a_word_in_the_place_of_a_recording_is_a_missed_visit(tmp_path, word):
    table = read_sheet(tmp_path, "subject\tcondition\trecording", "P1\ta\ta.edf", f"P1\tb\t{word}")
    assert table.problems == ()
    assert list(table.rows["recording"]) == ["a.edf"]
    assert f"row 3: P1 b has {word!r} for a recording, a missed visit" in table.notes


def test_signs_for_nothing_in_other_columns_count_as_empty(tmp_path):
    head = "subject\tcondition\trecording\thypnogram\tlights_off\tdate\tage"
    table = read_sheet(tmp_path, head, "P1\ta\ta.edf\t-\t–\tfehlt\t-", "P1\tb\tb.edf\tnone\t23:00\t\t30")
    assert table.problems == ()
    assert table.rows.loc[2, ["hypnogram", "lights_off", "date", "age"]].tolist() == [""] * 4
    assert table.rows.loc[3, "hypnogram"] == "none"
    assert "hypnogram (row 2): '-' counts as empty" in table.notes


@pytest.mark.parametrize(("cell", "read"), [
    ("2300", "23:00:00"), ("23", "23:00:00"), ("23.0", "23:00:00"), ("23h15", "23:15:00"), ("11:15 pm", "23:15:00"),
    ("23 Uhr 15", "23:15:00"), ("23 h 15", "23:15:00"), ("11 pm", "23:00:00"), ("23 Uhr", "23:00:00"),
    ("0.96875", "23:15:00"), ("24:00", "00:00:00"), ("930", "09:30:00"), ("11:15PM", "23:15:00"),
])  # fmt: skip
def test_clocks_in_spellings_that_mean_one_thing_are_read(tmp_path, cell, read):
    table = read_sheet(tmp_path, "subject\tcondition\trecording\tlights_off", f"P1\ta\ta.edf\t{cell}")
    assert table.problems == ()
    assert table.rows["lights_off"].tolist() == [read]
    is_told = f"lights_off (row 2): {cell!r} is read as {read}" in table.notes
    assert is_told == (cell != "24:00")


@pytest.mark.parametrize("cell", ["2375", "25", "23.5", "13 pm", "2460", "abends", "24:30"])
def test_clocks_that_are_none_are_refused(tmp_path, cell):
    table = read_sheet(tmp_path, "subject\tcondition\trecording\tlights_off", f"P1\ta\ta.edf\t{cell}")
    assert len(table.problems) == 1


HEADER_CELLS = ("subject", "condition", "recording")


def workbook(folder, sheets):
    """Write a workbook of sheets by title, and read it as a study file."""
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(folder / "study.xlsx")
    return read_study_file(folder / "study.xlsx")


@pytest.mark.parametrize("above", [[], [["Ketamin-Studie"]]])
def test_the_sheet_with_the_columns_of_a_study_is_read_and_told(tmp_path, above):
    nights = [*above, ("Proband", "Bedingung", "Datei"), ("P1", "a", "a.edf")]
    table = workbook(tmp_path, {"Info": [["Leitung", "Müller"]], "Nächte": nights, "Labor": [["x"]]})
    assert table.problems == ()
    assert table.rows["recording"].tolist() == ["a.edf"]
    assert "study.xlsx: the sheet 'Nächte' is read, 'Info', 'Labor' not" in table.notes


def test_two_sheets_with_the_columns_of_a_study_are_asked_about(tmp_path):
    rows = [HEADER_CELLS, ("P1", "a", "a.edf")]
    with pytest.raises(StudyError, match="the sheets 'A' and 'B' all have the columns subject, condition, recording"):
        workbook(tmp_path, {"A": rows, "B": rows})


def test_a_workbook_of_one_sheet_says_nothing_of_sheets(tmp_path):
    assert not [
        note for note in workbook(tmp_path, {"A": [HEADER_CELLS, ("P1", "a", "a.edf")]}).notes if "sheet" in note
    ]


@pytest.mark.parametrize(
    "name", ["Dose time", "Infusion start", "Uhrzeit der Gabe", "Heure de perfusion", "Hora de infusión"]
)
def test_a_dose_with_its_date_is_read_and_without_it_told(write_edf, tmp_path, name):
    head = f"subject\tcondition\trecording\t{name}"
    table = read_sheet(tmp_path, head, "P1\ta\ta.edf\t01.03.2024 09:30", "P1\tb\tb.edf\t")
    assert table.problems == ()
    assert table.rows["dose_start"].tolist() == ["2024-03-01T09:30:00", ""]
    study = plan_rows(write_edf, tmp_path, head, ["P1\tbaseline\t05a.edf\t09:30", "P1\tketamine\t06b.edf\t"])
    (note,) = [note for note in study.notes if note.startswith("columns carried along unread")]
    assert f"{name} (a dose: hours since it are measured where the column dose_start has" in note
