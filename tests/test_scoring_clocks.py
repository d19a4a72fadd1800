"""Scorings by the clock: nights in which it is changed, recordings without one; stages in unknown words."""

import dataclasses
import datetime

import edfio
import numpy as np
import pytest

from swa.errors import AmbiguousScoringError, ScoringError
from swa.settings import check_settings
from swa.sleep.scoring import read_scoring

STAGES = ["W"] * 20 + ["N1"] * 5 + ["N2"] * 355 + ["N3"] * 100 + ["R"] * 120


def clock_times(start, back_or_on_h, changed_at=None):
    """Times of 600 epochs; the clock is moved by an hour where it comes to `changed_at`."""
    moment, found = start, []
    for _ in STAGES:
        found.append(moment)
        moment += datetime.timedelta(seconds=30)
        if changed_at is not None and moment >= changed_at:
            moment, changed_at = moment + datetime.timedelta(hours=back_or_on_h), None
    return found


def table(moments, form="%H:%M:%S", title="time,stage"):
    return title + "\n" + "".join(f"{moment:{form}},{stage}\n" for moment, stage in zip(moments, STAGES, strict=True))


def domino(moments):
    head = f"Start Time: {moments[0]:%d.%m.%Y %H:%M:%S}\nSignal Type: Discret\nRate: 30 s\n\n"
    return head + "".join(f"{m:%H:%M:%S},000; {stage}\n" for m, stage in zip(moments, STAGES, strict=True))


def remlogic(moments):
    head = "Sleep Stage\tTime [hh:mm:ss]\tEvent\tDuration[s]\n"
    names = {"W": "S0", "N1": "S1", "N2": "S2", "N3": "S3", "R": "REM"}
    rows = [f"x\t{m:%H:%M:%S}\tSLEEP-{names[stage]}\t30\n" for m, stage in zip(moments, STAGES, strict=True)]
    rows.insert(30, f"x\t{moments[29] + datetime.timedelta(seconds=4):%H:%M:%S}\tMCAP-A1\t6\n")
    return head + "".join(rows)


def luna(moments):
    rows = zip(moments, STAGES, strict=True)
    return "class\tinstance\tstart\tstop\n" + "".join(f"{stage}\t.\t{m:%H:%M:%S}\t+30\n" for m, stage in rows)


SPRING = (datetime.datetime(2024, 3, 30, 22, 40, 16), 1, datetime.datetime(2024, 3, 31, 2))
AUTUMN = (datetime.datetime(2024, 10, 26, 22, 40, 16), -1, datetime.datetime(2024, 10, 27, 3))


@pytest.mark.parametrize("night", [SPRING, AUTUMN])
@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.csv", table), ("a.txt", domino), ("b.txt", remlogic), ("a.annot", luna),
        ("b.csv", lambda moments: table(moments, "%Y-%m-%d %H:%M:%S")),
        ("c.csv", lambda moments: table(moments, "%H:%M:%S,30", "start,duration,stage")),
    ],
)  # fmt: skip
def test_the_night_in_which_the_clock_is_changed_goes_on(tmp_path, make_recording, night, name, write):
    (tmp_path / name).write_text(write(clock_times(*night)))
    scoring = read_scoring(tmp_path / name)
    assert scoring.stages.tolist() == STAGES
    recording = make_recording({"C4-M1": np.zeros(600 * 30 * 5)}, rate_hz=5, start=night[0])
    stages, epoch_s, notes = scoring.stages_in(recording)
    assert (stages.tolist(), epoch_s) == (STAGES, 30)
    hour = {1: 2, -1: 3}[night[1]]
    assert notes == (f"the clock of the scoring jumps at {hour}:00, as clocks are changed: put right",)


def test_a_pause_of_an_hour_at_another_time_is_a_pause(tmp_path):
    for changed_at in (datetime.datetime(2024, 3, 31, 1, 40), datetime.datetime(2024, 3, 31, 0, 0)):
        (tmp_path / "a.csv").write_text(table(clock_times(SPRING[0], 1, changed_at)))
        scoring = read_scoring(tmp_path / "a.csv")
        assert (len(scoring.stages), int(np.sum(scoring.stages == "UNS")), scoring.changed_at) == (720, 120, "")
    monday = (datetime.datetime(2024, 3, 31, 22, 40), 1, datetime.datetime(2024, 4, 1, 2))
    (tmp_path / "a.csv").write_text(table(clock_times(*monday), "%Y-%m-%d %H:%M:%S"))
    assert len(read_scoring(tmp_path / "a.csv").stages) == 720


def test_changes_of_stage_that_go_back_in_time_once_are_asked_about(tmp_path):
    rows = [(f"{2 + i // 6}:{10 * (i % 6):02d}:{i:02d}", ("N1", "N2", "N3", "R")[i % 4]) for i in range(24)]
    rows[4:4] = [("3:50:00", "W")]
    (tmp_path / "a.csv").write_text("time,stage\n" + "".join(f"{time},{stage}\n" for time, stage in rows))
    with pytest.raises(AmbiguousScoringError, match="go back once, at row 6: the clock may have been changed"):
        read_scoring(tmp_path / "a.csv")


def test_a_scoring_by_the_clock_needs_one_of_the_recording(tmp_path, make_recording):
    (tmp_path / "a.txt").write_text(domino(clock_times(datetime.datetime(2024, 3, 1, 22, 40), 0)))
    scoring = read_scoring(tmp_path / "a.txt")
    for start in (None, datetime.datetime(1985, 1, 1)):
        longer = make_recording({"C4-M1": np.zeros(640 * 30)}, rate_hz=1, start=start)
        with pytest.raises(ScoringError, match=r"placed by the clock, from 22:40:00 on.*does not say when it starts"):
            scoring.stages_in(longer)
        as_long = make_recording({"C4-M1": np.zeros(601 * 30)}, rate_hz=1, start=start)
        stages, _, notes = scoring.stages_in(as_long)
        assert stages[:600].tolist() == STAGES
        assert notes[0] == "the recording does not say when it starts: its scoring begins with its first sample"
    # An EDF+ says when it starts itself, and its onsets count from there.
    stages, _, notes = dataclasses.replace(scoring, by_clock=False).stages_in(longer)
    assert stages[:600].tolist() == STAGES
    assert "begins with its first sample" in notes[0]


def test_times_from_midnight_on_that_last_as_long_as_the_recording_are_no_clocks(tmp_path, make_recording):
    (tmp_path / "a.csv").write_text(table(clock_times(datetime.datetime(2024, 3, 1), 0)))
    evening = make_recording({"C4-M1": np.zeros(600 * 30)}, rate_hz=1, start=datetime.datetime(2024, 3, 1, 22, 40))
    stages, _, notes = read_scoring(tmp_path / "a.csv").stages_in(evening)
    assert stages.tolist() == STAGES
    assert notes == ("its times from 00:00:00 on last as long as the recording: counted from its first sample",)
    for start in (None, datetime.datetime(2024, 3, 1)):
        other = make_recording({"C4-M1": np.zeros(600 * 30)}, rate_hz=1, start=start)
        stages, _, notes = read_scoring(tmp_path / "a.csv").stages_in(other)
        assert (stages.tolist(), notes) == (STAGES, ())


# --- words


def annotated(path, labels, duration_s=30.0, others=()):
    marks = [edfio.EdfAnnotation(30 * i, duration_s, label) for i, label in enumerate(labels) if label]
    edfio.Edf([], annotations=sorted([*marks, *(edfio.EdfAnnotation(*other) for other in others)])).write(path)
    return path


WAKE = "{0} {0} N1 N2 N2 {0} N3 N2 R {0}"


@pytest.mark.parametrize("duration_s", [30.0, None])
@pytest.mark.parametrize("word", ["Éveil-calme", "Бодр", "OjosCerrados", "Budan"])
def test_words_that_stand_where_stages_do_are_asked_about(tmp_path, word, duration_s):
    path = annotated(tmp_path / "a.edf", WAKE.format(word).split(), duration_s)
    with pytest.raises(AmbiguousScoringError, match=f'\'{word}\' may be stages.*codes = {{ "{word}" = "…" }}'):
        read_scoring(path)
    told = check_settings({"scoring": {"codes": {word: "W"}}})
    assert read_scoring(path, told).stages.tolist() == WAKE.format("W").split()
    left = check_settings({"scoring": {"codes": {word: "UNS"}}})
    assert read_scoring(path, left).stages.tolist()[:6] == ["UNS", "UNS", "N1", "N2", "N2", "UNS"]


def test_words_in_a_column_of_events_are_asked_about(tmp_path):
    rows = "".join(f"{30 * i},30,{label}\n" for i, label in enumerate(WAKE.format("Vak").split()))
    (tmp_path / "a.csv").write_text("onset,duration,description\n" + rows)
    with pytest.raises(AmbiguousScoringError, match="'Vak' may be stages"):
        read_scoring(tmp_path / "a.csv")


@pytest.mark.parametrize(
    "others",
    [
        [(31.4, 6.0, "Arousal"), (95.2, 11.0, "Arousal")],  # no whole epochs
        [(60, 30, "Supine"), (90, 60, "Supine")],  # beside stages
        [(0, 300, "Recording"), (0, 0, "Lights off"), (300, 0, "Lights on")],
        [(150, 0, "Toilet"), (150, 30, "Door")],  # one epoch
    ],
)
def test_other_events_are_left_alone(tmp_path, others):
    labels = WAKE.format("W").split()
    labels[5] = ""
    path = annotated(tmp_path / "a.edf", labels, others=others)
    assert read_scoring(path).stages.tolist() == WAKE.format("W").replace("N2 W", "N2 UNS").split()


def test_codes_of_the_settings_count_behind_a_word_for_stages(tmp_path):
    path = annotated(tmp_path / "a.edf", [f"Sleep stage {code}" for code in "W1234R"])
    assert read_scoring(path).stages.tolist() == ["W", "N1", "N2", "N3", "N3", "R"]
    codes = check_settings({"scoring": {"codes": {"4": "UNS", "1": "W", "Sleep stage 2": "N3"}}})
    assert read_scoring(path, codes).stages.tolist() == ["W", "W", "N3", "N3", "UNS", "R"]
