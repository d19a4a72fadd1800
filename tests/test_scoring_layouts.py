"""Layouts of lab exports in three languages: each row in its place, or a sentence that says why not."""

import datetime

import numpy as np
import pytest

from swa.errors import ScoringError
from swa.sleep.scoring import read_scoring

STAGES = ["W"] * 12 + ["N1"] * 6 + ["N2"] * 40 + ["N3"] * 30 + ["N2"] * 20 + ["R"] * 30 + ["W"] * 12
BEGIN = datetime.datetime(2001, 1, 6, 22, 58)
ROWS = [i for i in range(150) if i >= 10 and i not in range(60, 80)]  # scored late, with a pause
TRUE = [stage if i in ROWS else "UNS" for i, stage in enumerate(STAGES)]
GERMAN = {"W": "Wach", "R": "REM"}
FRENCH = {"W": "Éveil", "R": "REM"}
ALICE = {"W": "WK", "R": "REM"}
EMBLA = {"W": "S0", "N1": "S1", "N2": "S2", "N3": "S3", "R": "REM"}

# Head, and row of {n} (from 1 on), {t} begin, {e} end, {s} stage.
READ = {
    "Alice": ("Epoch Number,Start Time,Sleep Stage\n", "{n},{t:%I:%M:%S %p},{s}", ALICE),
    "Alice, head": ("Patient Name: x\nStudy Date: 1/6/2001\n\nEpoch Number,Start Time,Sleep Stage\n",
                    "{n},{t:%I:%M:%S %p},{s}", ALICE),
    "DOMINO": ("Signal ID: SchlafProfil\\profil\nStart Time: 1/6/2001 10:58:00 PM\nUnit: \nSignal Type: Discret\n"
               "Events list: N3,N2,N1,Rem,Wake\nRate: 30 s\n\n", "{t:%H:%M:%S},000; {s}", GERMAN),
    "DOMINO, title": ("Schlafprofil\nSignal ID: x\nUnit: \n\n", "{t:%H:%M:%S},000; {s}", GERMAN),
    "RemLogic": ("RemLogic Event Export\nPatient:\tx\nRecording Date:\t06/01/2001\n\nEvents Included:\nSLEEP-S0\n\n"
                 "Sleep Stage\tPosition\tTime [hh:mm:ss]\tEvent\tDuration[s]\tLocation\n",
                 "x\tLeft\t{t:%H:%M:%S}\tSLEEP-{s}\t30\tROC-LOC", EMBLA),
    "Somnologica": ("Somnologica Event Export\nPatient: x\n\nTime\tEvent\tDuration[s]\n", "{t:%H:%M:%S}\tStage {s}\t30",
                    {}),
    "Noxturnal": ("Start Time,End Time,Event\n", "{t:%Y-%m-%d %H:%M:%S},{e:%Y-%m-%d %H:%M:%S},Sleep Stage {s}", {}),
    "Noxturnal, German": ("Beginn;Ende;Stadium\n", "{t:%d.%m.%Y %H:%M:%S};{e:%d.%m.%Y %H:%M:%S};{s}", GERMAN),
    "French": ("Hypnogramme\nNom : x\nDurée d'époque : 30 s\n\nÉpoque;Heure;Stade\n", "{n};{t:%H:%M:%S};{s}", FRENCH),
    "French, no names": ("Hypnogramme\nNom : x\nDate : 06/01/2001\n\n", "{t:%H:%M:%S}\t{s}", FRENCH),
    "date apart": ("Datum;Zeit;Stadium\n", "{t:%d.%m.%Y};{t:%H:%M:%S};{s}", GERMAN),
    "date apart, no names": ("Schlafprofil\n", "{t:%d.%m.%Y};{t:%H:%M:%S};{s}", GERMAN),
    "date and time": ("Profil: x\n", "{t:%d.%m.%Y %H:%M:%S};{s}", GERMAN),
    "blanks": ("Profil: x\nEpoche 30 s\n", "{t:%d.%m.%Y %H:%M:%S} {s}", GERMAN),
    "stage first": ("Schlafprofil\nPatient: x\n", "{s};{t:%H:%M:%S}", GERMAN),
    "unknown names": ("Patient: x\nUhr;Befund\n", "{t:%H:%M:%S};{s}", GERMAN),
    "pairs": ("Patient;x\nBeginn;06.01.2001\nEnde;07.01.2001\n", "{t:%H:%M:%S};{s}", GERMAN),
    "pairs with clocks": ("Patient;x\nLicht aus;22:58:00\nLicht an;00:13:00\n", "{t:%H:%M:%S};{s}", GERMAN),
    "begin above names": ("Patient;x\nBeginn;22:58\nZeit;Stadium\n", "{t:%H:%M:%S};{s}", GERMAN),
    "epoch in words": ("Schlafprofil\n", "Epoche {n};{t:%H:%M:%S};{s}", GERMAN),
    "printed": ("Sleep staging report\nPatient: x\n\nEpoch  Time      Stage\n", "{n:<5}  {t:%H:%M:%S}  {s}", {}),
    "quoted": ('"Patient","x"\n"Epoch","Time","Stage"\n', '"{n}","{t:%H:%M:%S}","{s}"', {}),
    "ISO": ("Profil: x\n", "{t:%Y-%m-%dT%H:%M:%S},{s}", {}),
    "duration": ("Zeit;Dauer;Stadium\n", "{t:%H:%M:%S},000;30,0;{s}", GERMAN),
    "lights": ("Zeit;Stadium\n22:58:10;Licht aus\n", "{t:%H:%M:%S};{s}", GERMAN),
}  # fmt: skip

REFUSED = {
    "begin and end in one": ("Profil\n\n", "{t:%H:%M:%S}-{e:%H:%M:%S}; {s}", "", "line 3 has '23:03:00-23:03:30'"),
    "points": ("Profil: x\n", "{t:%H.%M.%S};{s}", "", "line 2 has '23.03.00'"),
    "French hours": ("Époque;Heure;Stade\n", "{n};{t:%Hh%M};{s}", "", "'23h03' in line 2"),
    "units below names": ("Zeit;Stadium\n[hh:mm:ss];[-]\n", "{t:%H:%M:%S};{s}", "", r"line 2 \('\[hh:mm:ss\] \[-\]'\)"),
    "sum below": ("Zeit;Stadium\n", "{t:%H:%M:%S};{s}", "Summe;120\n", r"line 122 \('Summe 120'\)"),
    "minutes alone": ("Zeit;Stadium\n", "{t:%H:%M};{s}", "", "line 3 has the same place in time as line 2"),
    "another length": ("Epochenlänge: 20 s\n", "{t:%H:%M:%S};{s}", "", "an epoch lasts 20 s"),
    "codes": ("Schlafprofil\nPatient: x\n", "{t:%H:%M:%S};1", "", "its column 1 could say"),
    "begin and end": ("Schlafprofil\n", "{t:%H:%M:%S};{e:%H:%M:%S};{s}", "", "its column 1 could say"),
    "two lines of titles": ("Schlafprofil\nLabor Nord\n", "{s}", "", "line 2"),
}


def write(path, head, row, words=None, below=""):
    rows = [
        row.format(
            n=i + 1,
            t=BEGIN + datetime.timedelta(seconds=30 * i),
            e=BEGIN + datetime.timedelta(seconds=30 * i + 30),
            s=(words or {}).get(STAGES[i], STAGES[i]),
        )
        for i in ROWS
    ]
    path.write_text(head + "\n".join(rows) + "\n" + below, encoding="utf-8")
    return path


@pytest.mark.parametrize("layout", READ)
def test_each_row_lies_in_its_place(tmp_path, make_recording, layout):
    recording = make_recording({"C4-M1": np.zeros(150 * 30 * 5)}, rate_hz=5, start=BEGIN)
    stages, epoch_s, _ = read_scoring(write(tmp_path / "night.txt", *READ[layout])).stages_in(recording)
    assert (stages.tolist(), epoch_s) == (TRUE, 30)


@pytest.mark.parametrize("layout", REFUSED)
def test_what_has_no_certain_place_is_refused_with_its_line(tmp_path, layout):
    head, row, below, told = REFUSED[layout]
    with pytest.raises(ScoringError, match=told):
        read_scoring(write(tmp_path / "night.txt", head, row, None, below))
