"""Lines above the stages and rows that have lost their place: neither moves an epoch to another."""

import datetime
import re
from itertools import pairwise

import numpy as np
import pytest

from swa.errors import ScoringError
from swa.settings import ScoringSettings
from swa.sleep.scoring import read_scoring

STAGES = (["W"] * 12 + ["N1"] * 6 + ["N2"] * 40 + ["N3"] * 30 + ["N2"] * 20 + ["R"] * 30 + ["W"] * 12)[:150]
WORDS = {"W": "Wach", "N1": "N1", "N2": "N2", "N3": "N3", "R": "REM"}
BEGIN = datetime.datetime(2001, 1, 6, 22, 58)
HEAD = "Schlafprofil\nPatient: anonym\nDatum: 06.01.2001\nEpochenlänge: 30 s\n\n"
LATE, PAUSE = 10, range(60, 80)  # the first scored epoch, and epochs without a row


@pytest.fixture
def recording(make_recording):
    return make_recording({"C4-M1": np.zeros(150 * 30 * 5)}, rate_hz=5, start=BEGIN)


@pytest.fixture
def read(tmp_path):
    def write_and_read(text, name="night.txt", encoding="utf-8", **options):
        (tmp_path / name).write_text(text, encoding=encoding)
        return read_scoring(tmp_path / name, ScoringSettings(**options))

    return write_and_read


def epochs(*, late=0, pause=()):
    """Number from 1 on, begin and stage of each epoch that has a row."""
    return [
        (i + 1, BEGIN + datetime.timedelta(seconds=30 * i), stage)
        for i, stage in enumerate(STAGES)
        if i >= late and i not in pause
    ]


def expected(*, late=0, pause=()):
    return [stage if i >= late and i not in pause else "UNS" for i, stage in enumerate(STAGES)]


def profile(head=HEAD, form="{1:%H:%M:%S},000; {2}", words=WORDS, **gaps):
    return head + "".join(form.format(n, moment, words[stage]) + "\n" for n, moment, stage in epochs(**gaps))


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8"])
@pytest.mark.parametrize(
    "codes", [{}, {"Patient: anonym": "UNS", "Datum: 06.01.2001": "UNS", "Epochenlänge: 30 s": "UNS"}]
)
@pytest.mark.parametrize("gaps", [{}, {"late": LATE, "pause": PAUSE}])
def test_lines_of_a_head_are_no_epochs_and_clocks_place_the_rows(read, recording, encoding, codes, gaps):
    stages, epoch_s, _ = read(profile(**gaps), encoding=encoding, codes=codes).stages_in(recording)
    assert (stages.tolist(), epoch_s) == (expected(**gaps), 30)


@pytest.mark.parametrize("head", ["Schlafprofil\n", "Epochenlänge: 30 s\n", "Schlafprofil\n\n", "# Hypnogramm\n", ""])
@pytest.mark.parametrize("form", ["{1:%H:%M:%S}; {2}", "{1:%H:%M:%S}\t{2}", "{1:%H:%M:%S} {2}", "{1:%H:%M:%S}   {2}",
                                  "{0};{1:%H:%M:%S};{2}"])  # fmt: skip
def test_one_line_above_rows_without_names_of_columns(read, recording, head, form):
    gaps = {"late": LATE, "pause": PAUSE}
    stages, epoch_s, _ = read(profile(head, form, **gaps)).stages_in(recording)
    assert (stages.tolist(), epoch_s) == (expected(**gaps), 30)


@pytest.mark.parametrize("form", ["{1:%H:%M:%S};{2}", "{1:%H:%M:%S},000; {2}", "{1:%H:%M:%S} {2}"])
@pytest.mark.parametrize("place", [1, 40, 149])
@pytest.mark.parametrize("head", [HEAD, "Schlafprofil\n", "", "Signal: Profil\n"])
def test_a_row_without_its_clock_is_named(read, head, form, place):
    lines = profile(head, form).split("\n")
    line = head.count("\n") + place
    stage = lines[line].rpartition(" " if "; " in form or ";" not in form else ";")[2]
    lines[line] = lines[line].replace(re.match(r"[\d:,]+", lines[line])[0], "??")
    with pytest.raises(ScoringError, match=rf"line {line + 1}\b.*{stage}"):
        read("\n".join(lines))


def test_a_line_below_clocked_rows_is_named(read):
    with pytest.raises(ScoringError, match=r"line 156 \('Ende der Aufnahme'\)"):
        read(profile() + "Ende der Aufnahme\n")


def test_lines_above_a_list_of_stages_are_no_epochs(read, recording):
    text = "Hypnogramm\nPatient: anonym\nDatum: 06.01.2001\n\n" + "\n".join(STAGES)
    for codes in ({}, {"Patient: anonym": "UNS"}):
        assert read(text, codes=codes).stages_in(recording)[0].tolist() == STAGES


def test_the_stage_in_the_first_row_of_a_list_is_kept(read):
    assert read("Stage: W\nStage: N1\nStage: N2\nStage: N2\n").stages.tolist() == ["W", "N1", "N2", "N2"]


def test_unknown_labels_are_named_with_their_lines(read):
    with pytest.raises(ScoringError, match=r"'Tief' \(line 64\), 'Wachsein' \(line 6\)") as error:
        read(profile(words={**WORDS, "N3": "Tief", "W": "Wach"}).replace("Wach", "Wachsein"))
    assert "Patient" not in str(error.value)


FROM_TO = [
    "Von;Bis;Stadium", "Zeit von;Zeit bis;Schlafstadium", "Nr;Von;Bis;Stadium", "From,To,Stage", "De;À;Stade",
    "Début;Fin;Stade", "Heure de début;Heure de fin;Stade", "Desde;Hasta;Fase", "Startzeit;Endzeit;Stadium",
]  # fmt: skip


def stretches(title, time):
    """Rows of the stretches of one stage, some of them missing, with what `time` makes of seconds from the start."""
    mark = ";" if ";" in title else ","
    changes = [0, *(i for i in range(1, 150) if STAGES[i] != STAGES[i - 1]), 150]
    rows = [(n, time(30 * a), time(30 * b), WORDS[STAGES[a]]) for n, (a, b) in enumerate(pairwise(changes), start=1)]
    del rows[1]
    return "\n".join([title, *(mark.join(map(str, row[-len(title.split(mark)) :])) for row in rows)]) + "\n"


@pytest.mark.parametrize("head", [HEAD, ""])
@pytest.mark.parametrize("title", FROM_TO)
@pytest.mark.parametrize("form", ["%H:%M:%S", "%d.%m.%Y %H:%M:%S", ""])
def test_rows_from_a_time_to_another_are_read(read, recording, head, title, form):
    def time(seconds):
        return (BEGIN + datetime.timedelta(seconds=seconds)).strftime(form) if form else seconds

    stages, epoch_s, _ = read(head + stretches(title, time)).stages_in(recording)
    gone = range(12, 18)
    assert (stages.tolist(), epoch_s) == (["UNS" if i in gone else stage for i, stage in enumerate(STAGES)], 30)


@pytest.mark.parametrize("title", ["Von;Bis;Stadium", "start;end;stage"])
@pytest.mark.parametrize("of_seconds", [False, True])
def test_rows_that_end_one_before_the_next_are_asked_about(read, title, of_seconds):
    step = 30 if of_seconds else 1
    rows = "".join(f"{i * step};{(i + 1) * step - 1};{stage}\n" for i, stage in enumerate(STAGES))
    with pytest.raises(ScoringError, match=r"its rows go from 0 to \d+, then from .*: numbers of epochs, or seconds"):
        read(f"{title}\n{rows}")


@pytest.mark.parametrize("head", [HEAD, ""])
@pytest.mark.parametrize("gaps", [{}, {"late": LATE, "pause": PAUSE}])
@pytest.mark.parametrize("title", ["Epoche;Uhrzeit;Schlafstadium\n", ""])
def test_the_number_of_the_epoch_places_it_where_clocks_are_to_the_minute(read, recording, head, title, gaps):
    scoring = read(profile(head + title, "{0};{1:%H:%M};{2}", **gaps))
    stages, epoch_s, _ = scoring.stages_in(recording)
    assert (stages.tolist(), epoch_s) == (expected(**gaps), 30)


def test_clocks_to_the_minute_of_a_recording_that_starts_within_one(read, make_recording):
    start = BEGIN + datetime.timedelta(seconds=17)
    recording = make_recording({"C4-M1": np.zeros(150 * 30 * 5)}, rate_hz=5, start=start)
    rows = "".join(
        f"{n};{moment + datetime.timedelta(seconds=17):%H:%M};{stage}\n" for n, moment, stage in epochs(late=9)
    )
    stages, epoch_s, _ = read("Epoche;Uhrzeit;Stadium\n" + rows).stages_in(recording)
    assert (stages.tolist(), epoch_s) == (expected(late=9), 30)


def test_numbers_and_clocks_that_contradict_each_other_are_named(read):
    text = profile("Epoche;Uhrzeit;Stadium\n", "{0};{1:%H:%M};{2}")
    with pytest.raises(ScoringError, match=r"line 51\b"):
        read(re.sub(r"^50;23:22;", "50;23:40;", text, flags=re.MULTILINE))


@pytest.mark.parametrize("head", ["Epoch length: 20\n", "Epochenlänge: 20 s\n", "Epoch duration (s): 20\n"])
def test_the_epoch_length_of_the_head_is_used(read, head):
    scoring = read(head + "\n".join(STAGES))
    assert (scoring.epoch_s, scoring.stages.tolist()) == (20, STAGES)
