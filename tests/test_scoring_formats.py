"""Every form of scoring that labs have: what is read from it, and what is refused with a sentence."""

import dataclasses
import datetime
import io
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from swa.errors import AmbiguousScoringError, ScoringError
from swa.settings import ScoringSettings
from swa.sleep.formats.codes import STAGE_BY_WORD, lights_of, plain_word
from swa.sleep.formats.document import Document
from swa.sleep.formats.edf import read_edf
from swa.sleep.formats.registry import FORMATS
from swa.sleep.scoring import (
    epoch_length_s,
    fit_to_recording,
    make_hypnogram,
    read_hypnogram,
    read_scoring,
    stages_of,
)

START = datetime.datetime(2024, 3, 1, 22, 40)
LABELS = ["W", "W", "N1", "N2", "N2", "N3", "N3", "R", "R", "W"]


@pytest.fixture
def read(tmp_path):
    def write_and_read(text, name, **options):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_scoring(path, ScoringSettings(**options))

    return write_and_read


@pytest.fixture
def recording(make_recording):
    """Ten minutes from 22:40."""
    return make_recording({"C4-M1": np.zeros(60_000)}, start=START)


def spell(scoring):
    return " ".join(scoring.stages)


def profusion(codes, epoch_s=30):
    stages = "".join(f"<SleepStage>{code}</SleepStage>" for code in codes)
    return f"<CMPStudyConfig><EpochLength>{epoch_s}</EpochLength><SleepStages>{stages}</SleepStages></CMPStudyConfig>"


def nsrr(events, clock="00.00.00 22.40.00"):
    first = ("", "Recording Start Time", 0, 600)
    rows = "".join(
        f"<ScoredEvent><EventType>{kind}</EventType><EventConcept>{concept}</EventConcept><Start>{start}</Start>"
        f"<Duration>{duration}</Duration>" + (f"<ClockTime>{clock}</ClockTime>" if not kind else "") + "</ScoredEvent>"
        for kind, concept, start, duration in (first, *events)
    )
    return f"<PSGAnnotation><EpochLength>30</EpochLength><ScoredEvents>{rows}</ScoredEvents></PSGAnnotation>"


NSRR_EVENTS = [
    ("Stages|Stages", "Wake|0", 0, 60), ("Stages|Stages", "Stage 1 sleep|1", 60, 30),
    ("Stages|Stages", "Stage 2 sleep|2", 90, 60), ("Arousals|Arousals", "Arousal|Arousal ()", 95, 9),
    ("Stages|Stages", "Stage 3 sleep|3", 150, 30), ("Stages|Stages", "Stage 4 sleep|4", 180, 30),
    ("Stages|Stages", "REM sleep|5", 210, 60), ("Stages|Stages", "Wake|0", 270, 30),
]  # fmt: skip
LUNA_XML = (
    "<Annotations><Instances>"
    + "".join(
        f"<Instance><Class>{label}</Class><Name>.</Name><Start>{30 * i}</Start><Duration>30</Duration></Instance>"
        for i, label in enumerate(LABELS)
    )
    + "</Instances></Annotations>"
)
DOMINO = "\n".join(
    [
        "Signal ID: SchlafProfil\\profil", "Start Time: 01.03.2024 22:40:00", "Unit: ", "Signal Type: Discret",
        "Events list: N3,N2,N1,Rem,Wach,Artefakt", "Rate: 30 s", "",
        *(f"22:{40 + i // 2}:{30 * (i % 2):02d},000; {label}" for i, label in enumerate(
            ["Wach", "Wake", "N1", "N2", "N2", "N3", "N3", "Rem", "REM", "Wach"]
        )),
    ]
)  # fmt: skip
REMLOGIC = "\n".join(
    [
        "RemLogic Event Export", "Patient:\tMax Mustermann", "Patient ID:", "Recording Date:\t01/03/2024", "",
        "Events Included:", "SLEEP-S0", "MCAP-A1", "",
        "Sleep Stage\tPosition\tTime [hh:mm:ss]\tEvent\tDuration[s]\tLocation",
        *(f"{stage}\tUnknown Position\t22:{40 + i // 2}:{30 * (i % 2):02d}\tSLEEP-{event}\t30\tROC-LOC"
          for i, (stage, event) in enumerate(zip(
              ["W", "W", "S1", "S2", "S2", "S3", "S4", "R", "R", "W"],
              ["S0", "S0", "S1", "S2", "S2", "S3", "S4", "REM", "REM", "S0"], strict=True))),
        "S2\tLeft\t22:41:45\tMCAP-A1\t6\tEEG-Fp2-F4",
    ]
)  # fmt: skip
ANNOT = "# N2 | a stage\nclass\tinstance\tchannel\tstart\tstop\tmeta\n" + "\n".join(
    [
        "W\t.\t.\t0\t60\t.", "N1\t.\t.\te:3\t.\t.", "arousal\t.\tC3\t95\t97\t.", "N2\t.\t.\t90\t+60\t.",
        "N3\t.\t.\t0+00:02:30\t0+00:03:30\t.", "R\t.\t.\te:8\te:9\t.", "W\t.\t.\t270\t...\t.",
    ]
)  # fmt: skip
BIDS = "onset\tduration\ttrial_type\n" + "\n".join(
    [f"{30 * i}\t30\tSleep stage {label}" for i, label in enumerate(LABELS)] + ["12\tn/a\tbutton", "15\t2\tarousal"]
)
WONAMBI = (
    "<annotations version='5'><dataset><filename>a.edf</filename><start_time>2024-03-01T22:40:00</start_time></dataset>"
    "<rater name='AB'><bookmarks/><events/><stages>"
    + "".join(
        f"<epoch id='{i}'><epoch_start>{30 * i}</epoch_start><epoch_end>{30 * i + 30}</epoch_end><stage>{stage}</stage>"
        "<quality>Good</quality></epoch>"
        for i, stage in enumerate(["Wake", "Wake", "NREM1", "NREM2", "NREM2", "NREM3", "NREM3", "REM", "REM", "Wake"])
    )
    + "</stages></rater><rater name='empty'><stages><epoch><epoch_start>0</epoch_start><epoch_end>30</epoch_end>"
    "<stage>Unknown</stage></epoch></stages></rater></annotations>"
)
PHILIPS = (
    "<?xml version='1.0'?><PatientStudy xmlns='http://www.respironics.com/PatientStudy.xsd'><Acquisition><Sessions>"
    "<Session><RecordingStart>2024-03-01T22:40:00</RecordingStart><Duration>300</Duration></Session></Sessions>"
    "</Acquisition><ScoringData><StagingData><MachineStaging><NeuroAdultAASMStaging><Stage Type='Wake' Start='0'/>"
    "</NeuroAdultAASMStaging></MachineStaging><UserStaging><NeuroAdultAASMStaging>"
    + "".join(
        f"<Stage Type='{stage}' Start='{start}'/>"
        for stage, start in (
            ("Wake", 0), ("NonREM1", 60), ("NonREM2", 90), ("NonREM3", 150), ("REM", 210), ("Wake", 270)
        )
    )
    + "</NeuroAdultAASMStaging></UserStaging></StagingData></ScoringData></PatientStudy>"
)  # fmt: skip
POLYMAN = "\n".join(
    f"01-Mar-2024, 22:{40 + start // 60}:{start % 60:02d}, {start}, {duration}, {label},"
    for start, duration, label in (
        (0, 60, "Sleep stage W"), (60, 30, "Sleep stage N1"), (90, 60, "Sleep stage N2"), (95, 3, "EEG arousal"),
        (150, 60, "Sleep stage N3"), (210, 60, "Sleep stage R"), (270, 30, "Sleep stage W"),
    )
)  # fmt: skip


def saved(labels):
    file = io.BytesIO()
    np.save(file, np.array(labels))
    return file.getvalue()


FORMS = {
    "profusion.xml": profusion([0, 0, 1, 2, 2, 3, 4, 5, 5, 0]),
    "nsrr.xml": nsrr(NSRR_EVENTS),
    "luna.xml": LUNA_XML,
    "Schlafprofil.txt": DOMINO,
    "remlogic.txt": REMLOGIC,
    "remlogic_16.txt": REMLOGIC.encode("utf-16"),
    "night.annot": ANNOT,
    "night.eannot": "wake\nwake\nN1\nN2\nN2\nN3\nN3\nREM\nREM\nwake\n",
    "events.tsv": BIDS,
    "yasa.csv": "Epoch,Stage\n" + "\n".join(f"{i},{label}" for i, label in enumerate(LABELS)),
    "yasa_events.csv": "epoch,onset,duration,value,description\n"
    + "\n".join(f"{i},{30 * i},30.0,0,{label}" for i, label in enumerate(LABELS)),
    "compumedics.txt": "W\nW\n1\n2\n2\n3\n4\nR\nR\nW\n",
    "changes.csv": "Time,Stage\n0,5\n60,3\n90,2\n150,1\n210,4\n270,5\n300,5\n",
    "clock_changes.csv": "Time;Stage\n22:40:00;W\n22:41:00;N1\n22:41:30;N2\n22:42:30;N3\n22:43:30;R\n22:44:30;W\n",
    "lines.txt": "\n".join(LABELS),
    "old_mac.txt": "\r".join(LABELS),
    "words.txt": "WAKE\nSleep stage: W\nNREM1\nNREM 2\nSTAGE2\nstage 3\nNREM stage 4\nREM\nSleep stage REM\nWach\n",
    "clocks.txt": "22:40:00\tW\n22:41:00\tN1\n22:41:30\tN2\n22:42:30\tN3\n22:43:30\tR\n22:44:30\tW\n",
    "start_time.csv": "Start Time,Stage\n10:40:00 PM,W\n10:41:00 PM,N1\n10:41:30 PM,N2\n10:42:30 PM,N3\n10:43:30 PM,R\n"
    "10:44:30 PM,W\n",
    "dates.csv": "Nr,When,What\n"
    + "\n".join(f"{i},01/03/2024 22:{40 + i // 2}:{30 * (i % 2):02d},{label}" for i, label in enumerate(LABELS)),
    "events.csv": "Start Time,Duration [s],Event\n22:42:05,3,Arousal\n"
    + "\n".join(f"22:{40 + i // 2}:{30 * (i % 2):02d},30,{label}" for i, label in enumerate(LABELS)),
    "values.tsv": "onset\tduration\ttrial_type\tvalue\n"
    + "\n".join(f"{30 * i}\t30\tsleep_stage\t{label}" for i, label in enumerate(LABELS)),
    "sleep_words.tsv": "onset\tduration\ttrial_type\n"
    + "\n".join(
        f"{30 * i}\t30\tsleep_{ {'W': 'wake', 'R': 'REM'}.get(label, label) }" for i, label in enumerate(LABELS)
    ),
    "luna_dates.annot": "class\tinstance\tchannel\tstart\tstop\tmeta\n"
    + "\n".join(
        f"{label}\t.\t.\t2024-03-01-22:{40 + i // 2}:{30 * (i % 2):02d}\t+30\t." for i, label in enumerate(LABELS)
    ),
    "0d79f4b1-e74f-5e87-8e42-f9dd7112ada5.json": "[0, 0, 1, 2, 2, 3, 3, 4, 4, 0]",  # Dreem Open Datasets
    "array.npy": saved(LABELS),
    "visbrain.txt": "*Duration_sec\t300.0\n*Datafile\tUnspecified\n"
    "Wake\t60\nN1\t90\nN2\t150\nN3\t210\nREM\t270\nWake\t300\n",
    "elan.hyp": "time_base 1.000000\nsampling_period 0.010000\nepoch_nb 300\nepoch_list\n"
    + "\n".join(code for code in "0012233550" for _ in range(30)),
    "words.json": '["W", "W", "N1", "N2", "N2", "N3", "N3", "R", "R", "W"]',
    "gssc.csv": "Epoch,Start,Stage\n"
    + "\n".join(f"{i + 1},{30 * i},{['W', 'N1', 'N2', 'N3', 'R'].index(label)}" for i, label in enumerate(LABELS)),
    "usleep.ids": "0,60,W\n60,30,N1\n90,60,N2\n150,60,N3\n210,60,REM\n270,30,W\n",
    "usleep.tsv": "Wake\nWake\nN1\nN2\nN2\nN3\nN3\nREM\nREM\nWake\n",
    "sleeptrip.csv": "epoch,start,end,stage\n"
    + "\n".join(f"{i + 1},{30 * i},{30 * i + 30},{label}" for i, label in enumerate(LABELS)),
    "wonambi.xml": WONAMBI,
    "philips.rml": PHILIPS,
    "polyman.txt": "Date, Time, Recording onset, Duration, Annotation, Linked channel\n" + POLYMAN,
    "polyman_bare.txt": POLYMAN,
    "snooz.tsv": "group\tname\tstart_sec\tduration_sec\tchannels\n"
    + "\n".join(f"stage\t{code}\t{30.0 * i}\t30.0\t[]" for i, code in enumerate([0, 0, 1, 2, 2, 3, 4, 5, 5, 0]))
    + "\nspindle\ta7\t95.5\t0.8\t['C3']\n",
    "nsrr_sdo.xml": nsrr(
        [
            ("", f"SDO:{concept}", start, duration)
            for concept, start, duration in (
                ("WakeState", 0, 60),
                ("NonRapidEyeMovementSleep-N1", 60, 30),
                ("NonRapidEyeMovementSleep-N2", 90, 60),
                ("NonRapidEyeMovementSleep-N3", 150, 30),
                ("NonRapidEyeMovementSleep-N4", 180, 30),
                ("RapidEyeMovementSleep", 210, 60),
                ("WakeState", 270, 30),
            )
        ]
    ),
    "stretches.txt": "N3\t150\t60\nW\t0\t60\nN1\t60\t30\nN2\t90\t60\nR\t210\t60\nW\t270\t30\n",
    "french.txt": "Éveil\nÉveil\nStade N1\nStade 2\nStade N2\nStade 3\nSommeil lent profond\nSommeil paradoxal\n"
    "REM\nÉveillé\n",
    "spanish.txt": "Vigilia\nDespierto\nFase 1\nEtapa N2\nFase 2\nFase 3\nFase 4\nSueño REM\nFase REM\nVigilia\n",
    "vendors.txt": "Stage - W\nsleep-wake\nNonREM1\nStage - N2\nsleep-n2\nNREM 3\nStage 4 sleep\nREM sleep\n"
    "Stage - R\nWK\n",
    "compumedics_table.csv": "Epoch,Time,Stage\n"
    + "\n".join(f"{i + 1},22:{40 + i // 2}:{30 * (i % 2):02d},{label}" for i, label in enumerate(LABELS)),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_stages(read, recording, name):
    scoring = read(FORMS[name], name)
    assert spell(scoring) == "W W N1 N2 N2 N3 N3 R R W"
    assert scoring.epoch_s == 30
    assert scoring.certain
    fitted, notes = fit_to_recording(scoring.hypnogram, recording)
    assert " ".join(stages_of(fitted)) == "W W N1 N2 N2 N3 N3 R R W" + " UNS" * 10
    assert notes == ("5.0 min of the recording are not scored",)


def test_a_list_of_events_need_not_be_in_order_of_time(read, recording):
    scoring = read("onset,duration,trial_type\n60,30,N2\n0,60,W\n", "a.csv")
    assert spell(scoring) == "W W N2"


@pytest.mark.parametrize("column", ["code", "note", "marker"])
def test_onsets_are_never_passed_over_because_the_stages_have_another_name(read, column):
    """Read as one stage a line, a scoring from 600 s on would begin with the recording."""
    with pytest.raises(ScoringError, match=rf"without a column stage \(found onset, duration, {column}\)"):
        read(f"onset,duration,{column}\n600,30,0\n630,30,2\n", "a.csv")


@pytest.mark.parametrize("column", ["stage_hum", "staging", "majority", "Consensus", "Scorer 1"])
def test_names_that_data_sets_have_for_their_stages(read, column):
    rows = f"60,30,0\n90,30,1\n120,30,2\n150,30,{4 if column == 'stage_hum' else 5}\n"
    assert spell(read(f"onset,duration,{column}\n{rows}", "a.csv")) == "UNS UNS W N1 N2 R"


def test_a_text_that_is_no_scoring_is_not_told_about_an_empty_line(read):
    with pytest.raises(ScoringError, match="known here"):
        read("Dear colleague,\nall went\nwell.\n\nThe other day\nwas a day.\n", "a.md")


def test_clock_times_with_numbers_that_may_be_several_things_are_refused(read):
    with pytest.raises(ScoringError, match="several things"):
        read("Time,Stage\n22:40:00,0\n22:40:30,1\n22:41:00,2\n", "a.csv")


def test_one_table_of_forms_and_each_is_used(tmp_path):
    used = set()
    for name, text in FORMS.items():
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        used.add(next(form.name for form in FORMATS if form.fits(Document(path=path))))
    assert used == {form.name for form in FORMATS} - {"EDF+ scoring", "recording of BrainVision, EEGLAB, EGI or FIF"}


# --- XML


def test_profusion_epochs_of_20_s_movement_and_unscored(read):
    scoring = read(profusion([0, 6, 2, 9], epoch_s=20), "a.xml")
    assert spell(scoring) == "W UNS N2 UNS"
    assert scoring.epoch_s == 20


def test_codes_of_the_settings_have_the_last_word_on_those_of_profusion(read):
    assert spell(read(profusion([0, 5, 2]), "a.xml", codes={"0": "N3", "5": "W"})) == "N3 W N2"
    assert spell(read(profusion([0, 7]), "a.xml", codes={"7": "UNS"})) == "W UNS"


BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "N2"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>'
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'


@pytest.mark.parametrize("text", [BOMB, OUTSIDE])
def test_entities_are_refused(read, text):
    with pytest.raises(ScoringError, match=r"a\.xml: this XML defines entities.*not read"):
        read(text, "a.xml")


@pytest.mark.parametrize(
    "text",
    ["<a><b></a>", "<a/>", "<?xml version='1.0' encoding='klingon'?><a/>", "", "W\nN2\n", profusion([]),
     profusion([7]), nsrr([]), "<Annotations><Instances/></Annotations>", profusion([2], 0),
     profusion([2], "soon"), profusion([2], "1e300")],
)  # fmt: skip
def test_other_xml_is_an_error(read, text):
    with pytest.raises(ScoringError, match=r"a\.xml: ") as error:
        read(text, "a.xml")
    assert error.value.remedy


# --- text exports


def test_domino_with_am_and_pm_or_slashes_in_its_date_is_laid_by_its_clock(read, recording):
    for date in ("11/18/2021 8:39:30 PM", "17/11/2010 23:57:00"):
        scoring = read(DOMINO.replace("01.03.2024 22:40:00", date), "a.txt")
        assert scoring.start.year == 1970
        fitted, _ = fit_to_recording(scoring.hypnogram, recording)
        assert list(stages_of(fitted)[:3]) == ["W", "W", "N1"]


def test_a_domino_file_of_events_is_no_scoring(read):
    text = "Signal ID: FlowD\\flow\nStart Time: 01.03.2024 22:40:00\nUnit: s\nSignal Type: Impuls\n\n"
    with pytest.raises(ScoringError, match="no sleep profile") as error:
        read(text + "22:41:31,513-22:41:42,736; 11;Hypopnea\n", "a.txt")
    assert "Schlafprofil" in error.value.remedy


def test_domino_artefact_and_movement_are_unscored(read):
    text = DOMINO.replace("22:40:00,000; Wach", "22:40:00,000; A").replace("; N1", "; Artefakt")
    assert spell(read(text.replace("30,000; Wake", "30,000; Movement"), "a.txt")).startswith("UNS UNS UNS N2")


def test_remlogic_goes_on_over_midnight_and_keeps_gaps(read):
    rows = ["23:59:00\tSLEEP-S2\t30", "23:59:30\tSLEEP-S2\t30", "00:00:30\tSLEEP-REM\t30", "00:01:00\tSLEEP-MT\t30"]
    scoring = read("Time [hh:mm:ss]\tEvent\tDuration[s]\n" + "\n".join(rows), "a.txt")
    assert spell(scoring) == "N2 N2 UNS R UNS"
    assert str(scoring.start.time()) == "23:59:00"


def test_remlogic_with_dates_in_french(read):
    rows = ["2024-03-01T22:50:00.000000\tSLEEP-S2\t30", "2024-03-02T00:50:00.000000\tSLEEP-S3\t30"]
    scoring = read("Heure [hh:mm:ss]\tEvénement\tDurée[s]\n" + "\n".join(rows), "a.txt")
    assert scoring.start == pd.Timestamp("2024-03-01 22:50")
    assert len(scoring.stages) == 241


def test_errors_of_a_remlogic_export_tell_no_name(read):
    with pytest.raises(ScoringError) as error:
        read(REMLOGIC.replace("22:40:30", "soon"), "a.txt")
    assert "Mustermann" not in str(error.value)


@pytest.mark.parametrize("stop", ["5", "x", "nan"])
def test_a_row_of_luna_that_cannot_be_read_is_an_error(read, stop):
    with pytest.raises(ScoringError, match=r"a\.annot"):
        read(f"N2\t10\t{stop}\n", "a.annot")


def test_luna_clock_times_with_durations_and_ellipsis(read):
    scoring = read("W 22:40:00 ...\nN2 22:41:00 +60\nN3 22:42:00 22:43:00\nSleepStage R 22:43:00 22:43:30\n", "a.annot")
    assert spell(scoring) == "W W N2 N2 N3 N3 R"
    assert str(scoring.start.time()) == "22:40:00"


def test_luna_times_of_two_kinds_are_refused(read):
    with pytest.raises(ScoringError, match="clock times, others"):
        read("W 22:40:00 +30\nN2 30 60\n", "a.annot")


def test_words_for_wake_leave_4_to_deep_sleep(read):
    assert spell(read("W\n1\n2\n3\n4\n", "a.txt")) == "W N1 N2 N3 N3"


def test_dreams_says_which_settings(read):
    with pytest.raises(ScoringError, match="DREAMS") as error:
        read("[hypnogram_excerpt1]\n5\n5\n2\n1\n0\n-1\n", "a.txt")
    codes = dict(re.findall(r'"(-?\d)" = "(\w+)"', error.value.remedy))
    assert "epoch_s = 5" in error.value.remedy
    scoring = read("[hypnogram_excerpt1]\n5\n5\n2\n1\n0\n-1\n-3\n", "a.txt", codes=codes, epoch_s=5)
    assert spell(scoring) == "W W N2 N3 N3 UNS UNS"


def test_an_empty_line_among_stages_is_refused_because_it_would_shift_the_night(read):
    with pytest.raises(ScoringError, match="line 4 is empty"):
        read("W\nW\nN1\n\nN2\nN2\n", "a.txt")
    assert spell(read("W\n\nN1\n\nN2\n", "a.txt")) == "W N1 N2"
    assert spell(read("[Hypnogram]\n\nW\nN1\n", "a.txt")) == "W N1"


def test_two_scorers_in_one_file_are_refused(read):
    rows = [f"{30 * i},30,{stage}" for stage in ("N2", "N3") for i in range(20)]
    with pytest.raises(ScoringError, match="line 22 has the same place in time as line 2"):
        read("onset,duration,stage\n" + "\n".join(rows), "a.csv")
    overlapping = ["onset,duration,stage", *(f"{30 * i},600,{stage}" for i, stage in enumerate(["N2", "N3"] * 10))]
    with pytest.raises(ScoringError, match=r"two stages to \d+\.\d min"):
        read("\n".join(overlapping), "a.csv")


def test_absurd_times_take_no_memory(read):
    with pytest.raises(ScoringError, match="days after its start"):
        read("onset,duration,stage\n0,30,W\n1e12,30,N2\n", "a.csv")


def test_columns_start_and_end(read):
    assert spell(read("stage,start,end\nW,0,60\nN2,60,90\n", "a.csv")) == "W W N2"
    assert spell(read("start,end,stage\n23:59:30,00:00:30,W\n00:00:30,00:01:00,N2\n", "a.csv")) == "W W N2"


# --- EDF+


@pytest.fixture
def edf_scoring(tmp_path):
    def write(annotations, name="scoring.edf"):
        import edfio

        marks = [edfio.EdfAnnotation(*annotation) for annotation in annotations]
        date = edfio.Recording(startdate=START.date())
        edfio.Edf([], annotations=marks, starttime=START.time(), recording=date).write(tmp_path / name)
        return tmp_path / name

    return write


def test_edf_stages_without_durations_last_until_the_next(edf_scoring):
    marks = [(0, None, "Sleep stage W"), (60, None, "Sleep stage N2"), (75, 3, "Arousal"), (150, None, "Sleep stage R")]
    assert spell(read_scoring(edf_scoring(marks))) == "W W N2 N2 N2 R"


def test_an_unknown_stage_of_edf_is_an_error_and_can_be_named(edf_scoring):
    path = edf_scoring([(0, 30, "Sleep stage W"), (30, 30, "Sleep stage N")])
    with pytest.raises(ScoringError, match="'Sleep stage N' is no stage"):
        read_scoring(path)
    assert spell(read_scoring(path, ScoringSettings(codes={"Sleep stage N": "N2"}))) == "W N2"


def test_labels_of_edf_that_only_the_settings_know(edf_scoring):
    path = edf_scoring([(0, 30, "Wachphase"), (30, 30, "Tiefphase"), (45, 3, "Arousal"), (60, 30, "2")])
    with pytest.raises(ScoringError, match="none of its 4 annotations"):
        read_scoring(path)
    codes = {"Wachphase": "W", "Tiefphase": "N3", "2": "N2"}
    assert spell(read_scoring(path, ScoringSettings(codes=codes))) == "W N3 N2"


def test_latin_1_events_of_an_edf_do_not_hide_its_stages(edf_scoring):
    marks = [(0, 30, "Sleep stage W"), (10, 1, "Gerausch Aerger"), (30, 60, "Sleep stage N2"), (60, 0, "Lights on")]
    path = edf_scoring(marks)
    path.write_bytes(path.read_bytes().replace(b"Gerausch Aerger", "Geräusch  Ärger".encode("latin-1")))
    scoring = read_scoring(path)
    assert spell(scoring) == "W N2 N2"
    assert scoring.lights_on_s == 60


def test_annotations_are_read_as_edfio_reads_them(shared_data):
    """An independent reader of the same bytes."""
    import edfio

    for path in sorted((shared_data / "hypnograms" / "sleep-edf").glob("*.edf")):
        marks = read_edf(Document(path=path), ScoringSettings())
        expected = edfio.read_edf(path).annotations
        assert [(a.onset, a.duration or 0, a.text) for a in expected] == list(
            zip(marks.onsets_s, marks.ends_s - marks.onsets_s, marks.labels, strict=True)
        )


# --- words and raters


@pytest.mark.parametrize(
    ("word", "stage"),
    [("Stage - N2", "N2"), ("sleep-n2", "N2"), ("NonREM2", "N2"), ("Éveil", "W"), ("Vigilia", "W"), ("Veglia", "W"),
     ("Wachzustand", "W"), ("Schlafstadium 2", "N2"), ("Stadium N3", "N3"), ("Sonno REM", "R"), ("Stadio 1", "N1"),
     ("Estágio N2", "N2"), ("Vigília", "W"), ("Wakker", "W"), ("Vaken", "W"), ("Vågen", "W"), ("Uyanık", "W"),
     ("Evre 2", "N2"), ("Bdělost", "W"), ("Czuwanie", "W"), ("覚醒", "W"), ("レム睡眠", "R"), ("清醒", "W"),
     ("Бодрствование", "W"), ("Стадия 2", "N2"), ("Stage III", "N3"), ("Sommeil paradoxal", "R"), ("NotScored", "UNS"),
     ("N2 sleep", "N2"), ("SRO:Stage34Sleep", "N3"), ("S0", "W"), ("STAGE2", "N2")],
)  # fmt: skip
def test_words_of_the_vendors(word, stage):
    assert STAGE_BY_WORD[plain_word(word)] == stage


@pytest.mark.parametrize("word", ["2 sleep", "deep", "light", "N5", "spindle", "iii", "Sleep", "REM onset", "W2"])
def test_words_that_are_no_stages(word):
    assert plain_word(word) not in STAGE_BY_WORD


def test_several_raters_of_wonambi_are_asked_about(read):
    text = WONAMBI.replace("<stage>Unknown", "<stage>NREM2")
    with pytest.raises(AmbiguousScoringError, match="AB, empty"):
        read(text, "a.xml")
    assert spell(read(text, "a.xml", column="empty")) == "N2"


def test_philips_without_a_scoring_by_people_has_that_of_the_machine(read):
    text = re.sub("<UserStaging>.*</UserStaging>", "", PHILIPS)
    assert spell(read(text, "a.rml")) == " ".join(["W"] * 10)
    with pytest.raises(ScoringError, match="nobody has staged"):
        read(re.sub("<MachineStaging>.*</UserStaging>", "", PHILIPS), "a.rml")


@pytest.mark.parametrize("text", ["{}", "[[0]]", '{"a": 1}', "[", '"N2"', "[]"])
def test_other_json_is_an_error(read, text):
    with pytest.raises(ScoringError, match=r"a\.json: "):
        read(text, "a.json")


# --- lights


@pytest.mark.parametrize(
    ("label", "light"),
    [("Lights off@@EEG F4-A1", "off"), ("Lights on@@SaO2", "on"), ("LIGHTS-OFF", "off"), ("lights_out", "off"),
     ("LightsOn", "on"), ("Licht aus", "off"), ("Licht an", "on"), ("light only", ""), ("N2", ""), ("", "")],
)  # fmt: skip
def test_lights(label, light):
    assert lights_of(label) == light


def test_lights_of_an_edf_scoring_stand_on_the_line_of_the_recording(edf_scoring, recording):
    marks = [(0, 300, "Sleep stage W"), (60, 0, "Lights off@@EEG F4-A1"), (240, 0, "Lights on@@EEG F4-A1")]
    scoring = read_scoring(edf_scoring(marks))
    assert (scoring.lights_off_s, scoring.lights_on_s) == (60, 240)
    assert scoring.lights_in(recording) == (60, 240)


def test_lights_move_with_the_clock(read, make_recording):
    text = REMLOGIC + "\n\t\t22:40:30\tLIGHTS-OFF\t0\t\n\t\t22:44:30\tLIGHTS-ON\t0\t".replace("\t\t", "W\tLeft\t")
    scoring = read(text.replace("\n\t\t", "\nW\tLeft\t"), "a.txt")
    later = make_recording({"C4-M1": np.zeros(60_000)}, start=START - datetime.timedelta(minutes=2))
    assert scoring.lights_in(later) == (150, 390)


def test_no_lights(read, recording):
    assert read("W\nN2\n", "a.txt").lights_in(recording) == (None, None)


# --- the clock


def at(text, clock, epoch_s=30.0):
    return make_hypnogram(text.split(), epoch_s, start=None if clock is None else pd.Timestamp(clock))


@pytest.mark.parametrize(("clock", "first"), [("22:41", 2), ("22:38", -4), ("22:49:30", 19)])
def test_a_time_of_day_is_one_of_the_night(recording, clock, first):
    fitted, _ = fit_to_recording(at("N2 " * 6, f"1970-01-02 {clock}"), recording)
    scored = np.flatnonzero(stages_of(fitted) == "N2")
    assert scored[0] == max(first, 0)
    assert scored[-1] == min(first + 5, 19)


def test_a_time_of_day_after_midnight(make_recording):
    recording = make_recording({"C4-M1": np.zeros(100 * 3 * 3600)}, start=START)
    fitted, _ = fit_to_recording(at("N2 N2", "1970-01-02 00:40"), recording)
    assert np.flatnonzero(stages_of(fitted) == "N2").tolist() == [240, 241]


def test_a_blanked_date_leaves_the_time_of_day(make_recording):
    start = datetime.datetime(1985, 1, 1, 22, 40)
    fitted, _ = fit_to_recording(at("N2", "2024-03-01 22:41"), make_recording({"C4-M1": np.zeros(30_000)}, start=start))
    assert np.flatnonzero(stages_of(fitted) == "N2").tolist() == [2]


def test_a_hidden_date_leaves_the_clock(recording):
    hidden = dataclasses.replace(recording, start=None, clock=datetime.time(22, 40))
    for day in ("2024-03-01", "1970-01-02"):
        fitted, _ = fit_to_recording(at("N2", f"{day} 22:41"), hidden)
        assert np.flatnonzero(stages_of(fitted) == "N2").tolist() == [2]


def test_a_blanked_clock_tells_nothing(make_recording):
    start = datetime.datetime(1985, 1, 1)
    fitted, _ = fit_to_recording(at("N2", "2024-03-01 22:41"), make_recording({"C4-M1": np.zeros(30_000)}, start=start))
    assert np.flatnonzero(stages_of(fitted) == "N2").tolist() == [0]


def test_epochs_of_another_length_are_found_out(recording):
    with pytest.raises(ScoringError, match=r"60\.0 min, memory\.edf lasts 10\.0 min.*epoch_s = 5"):
        fit_to_recording(at("N2 " * 120, None), recording)


def test_a_truncated_recording_keeps_its_scoring(recording):
    fitted, notes = fit_to_recording(at("N2 " * 100, None), recording)
    assert (stages_of(fitted) == "N2").all()
    assert notes == ("40.0 min of the scoring lie outside the recording and are left out",)


# --- real scorings, counted apart from our code


def read_annotation_lists(path):
    """Onset, duration and text of every annotation, straight from the bytes of an EDF+ without signals."""
    content = path.read_bytes()
    body = content[int(content[184:192]) :]
    found = re.findall(rb"\+(\d+(?:\.\d+)?)\x15(\d+(?:\.\d+)?)\x14([^\x14\x00]+)\x14", body)
    return [(float(onset), float(duration), text.decode()) for onset, duration, text in found]


def count_minutes(spans):
    """Sleep statistics in min of (onset, duration, stage) in s, stages in letters; by sums, without epochs."""
    asleep = [(onset, duration) for onset, duration, stage in spans if stage in "1234R"]
    first, last = min(onset for onset, _ in asleep), max(onset + duration for onset, duration in asleep)
    within = [span for span in spans if first <= span[0] < last]
    total = {stage: sum(d for _, d, s in spans if s == stage) / 60 for stage in "W1234RM?"}
    sleep = sum(total[stage] for stage in "1234R")
    length = max(onset + duration for onset, duration, _ in spans) / 60
    return {
        "TIB": length, "SPT": (last - first) / 60, "TST": sleep, "SE": 100 * sleep / length, "SOL": first / 60,
        "WASO": sum(d for _, d, s in within if s == "W") / 60,
        "N1": total["1"], "N2": total["2"], "N3": total["3"] + total["4"], "REM": total["R"], "WAKE": total["W"],
        "Lat_REM": min(onset for onset, _, stage in spans if stage == "R") / 60,
    }  # fmt: skip


SLEEP_EDF = [
    "SC4001EC", "SC4002EC", "SC4011EH", "SC4012EC", "SC4021EH", "SC4022EJ", "SC4031EC", "SC4032EP", "SC4041EC",
    "SC4042EC",
]  # fmt: skip


@pytest.mark.parametrize("name", SLEEP_EDF)
def test_sleep_statistics_of_sleep_edf_equal_an_independent_count(shared_data, name):
    path = shared_data / "hypnograms" / "sleep-edf" / f"{name}-Hypnogram.edf"
    letters = {"Movement time": "M"} | {f"Sleep stage {letter}": letter for letter in "W1234R?"}
    expected = count_minutes([(onset, d, letters[text]) for onset, d, text in read_annotation_lists(path)])
    hypnogram = read_hypnogram(path)
    found = hypnogram.sleep_statistics()
    assert epoch_length_s(hypnogram) == 30
    assert {key: found[key] for key in expected} == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(("name", "n_epochs"), [("learn-nsrr01", 1364), ("learn-nsrr02", 1195)])
def test_sleep_statistics_of_the_nsrr_equal_an_independent_count(shared_data, name, n_epochs):
    path = shared_data / "hypnograms" / "nsrr" / f"{name}.xml"
    codes = re.findall(r"<SleepStage>(\d)</SleepStage>", path.read_text())
    assert len(codes) == n_epochs
    letters = {"0": "W", "1": "1", "2": "2", "3": "3", "4": "4", "5": "R", "6": "M", "9": "?"}
    expected = count_minutes([(30.0 * i, 30.0, letters[code]) for i, code in enumerate(codes)])
    found = read_hypnogram(path).sleep_statistics()
    assert {key: found[key] for key in expected} == pytest.approx(expected, abs=1e-3)


def test_the_real_dreams_scoring_whose_epoch_is_forgotten_is_refused(shared_data, make_recording):
    codes = {"5": "W", "4": "R", "3": "N1", "2": "N2", "1": "N3", "0": "N3", "-1": "UNS", "-2": "UNS", "-3": "UNS"}
    path = shared_data / "dreams" / "Hypnogram_excerpt1.txt"
    recording = make_recording({"C3-A1": np.zeros(180_000)})
    with pytest.raises(ScoringError, match=r"epoch_s = 5"):
        fit_to_recording(read_hypnogram(path, ScoringSettings(codes=codes)), recording)
    fitted, notes = fit_to_recording(read_hypnogram(path, ScoringSettings(codes=codes, epoch_s=5)), recording)
    assert (len(fitted.hypno), notes) == (360, ())


# --- anything


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from([*FORMS, "a.edf"]),
    cuts=st.lists(st.tuples(st.integers(0, 2000), st.binary(max_size=6)), min_size=1, max_size=4),
)
def test_damaged_scorings_are_read_or_refused_with_a_sentence(tmp_path, name, cuts):
    text = FORMS.get(name, "0       " * 40)
    content = text if isinstance(text, bytes) else text.encode()
    for place, inserted in cuts:
        place %= len(content) + 1
        content = content[:place] + inserted + content[place + len(inserted) :]
    path = tmp_path / name
    path.write_bytes(content)
    stages, told = [], ScoringError("", "nothing to do")
    try:
        stages = read_scoring(path).stages
    except ScoringError as error:
        told = error
    assert set(stages) <= set(STAGE_BY_WORD.values())
    assert told.remedy
    assert "mustermann" not in str(told).lower()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (saved(LABELS).replace(b"<", b"(", 1), "damaged"),  # the header's parser ends in an error of its own
        (saved(LABELS)[:-3], "damaged"),
        (saved(LABELS).replace(b"(10,)", b"(9999999999999,)").replace(b" " * 12, b"", 1), "damaged"),
        (b"PK\x03\x04" + bytes(60), "damaged"),
        (saved(LABELS)[:-6] + b"\xd5" + saved(LABELS)[-5:], "damaged"),  # no such character
        (saved(np.zeros(10, dtype=complex)), "complex128"),
        (saved(np.zeros(10, dtype="datetime64[s]")), "datetime64"),
        (saved(np.zeros((10, 2))), "2 dimensions"),
    ],
)
def test_an_array_that_holds_no_stages_is_refused_with_what_it_is(tmp_path, content, said):
    path = tmp_path / "night.npy"
    path.write_bytes(content)
    with pytest.raises(ScoringError, match=said):
        read_scoring(path)


def test_an_edf_scoring_counts_from_its_own_start_whatever_its_first_stage(edf_scoring, make_recording):
    """The recording hides its clock: the first stage at 120 s stays there."""
    scoring = read_scoring(edf_scoring([(120, 60, "Sleep stage W"), (180, 60, "Sleep stage N2")]))
    hidden = dataclasses.replace(make_recording({"C4-M1": np.zeros(36_000)}), start=None, clock=None)
    stages, epoch_s, notes = scoring.stages_in(hidden)
    assert epoch_s == 30
    assert " ".join(stages) == "UNS UNS UNS UNS W W N2 N2 UNS UNS UNS UNS"
    begins = "the recording does not say when it starts: its scoring begins with its first sample"
    assert notes == (begins, "2.0 min of the recording are not scored")


@pytest.mark.parametrize("codes", ["0 1 2 3 2 5 0 1 2", "0 1 2 3 4 3 2 5", "5 1 2 0 2 3 5", "1 2 3 0"])
def test_stage_changes_in_the_codes_of_rechtschaffen_and_kales_are_not_read_the_other_way_round(tmp_path, codes):
    path = tmp_path / "night.csv"
    path.write_text("Time,Stage\n" + "\n".join(f"{30 * i},{code}" for i, code in enumerate(codes.split())))
    with pytest.raises(ScoringError, match="could mean several things"):
        read_scoring(path)


@pytest.mark.parametrize("codes", ["5 3 2 1 2 4 5", "0 5 3 2 1 2 4 5 0"])
def test_stage_changes_that_begin_awake_count_depth_upwards(tmp_path, codes):
    path = tmp_path / "night.csv"
    path.write_text("Time,Stage\n" + "\n".join(f"{30 * i},{code}" for i, code in enumerate(codes.split())))
    stages = [str(stage) for stage in read_scoring(path).hypnogram.hypno]
    assert [stage for stage in stages if stage not in ("UNS", "ART")][:4] == ["WAKE", "N1", "N2", "N3"]
