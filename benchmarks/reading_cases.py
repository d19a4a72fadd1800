"""What becomes of labels, scorings, study files and objects of mne: the first table of docs/recordings.md.

    python benchmarks/reading_cases.py [--data ../shared/data] [--write docs/recordings.md]

Each case makes its file or names a real one, and says what must be told. `tests/test_reading_cases.py` runs the same
list; the headers of recordings are in `recording_cases.py`.
"""

import argparse
import datetime
import importlib.util
import io
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from swa.errors import SwaError
from swa.recordings.channels import SignalInfo, assign_channels
from swa.recordings.recording import Recording, read_recording
from swa.settings import ChannelSettings, ScoringSettings, Settings
from swa.sleep.scoring import Scoring, read_scoring
from swa.study.plan.inspection import inspect_study
from swa.study.plan.manifest import plan_study, write_template
from swa.tables.files import write_table

BEGIN, END = "<!-- made by benchmarks/reading_cases.py -->", "<!-- end of what it made -->"
ONE_NIGHT = "W W N1 N2 N2 N3 N3 R R W"  # what the scorings in all forms say
CHANGES = "Time,Stage\n22:40:00,W\n22:41:00,N1\n22:41:30,N2\n22:42:30,N3\n22:43:30,R\n22:44:30,W\n"
LINES = "\n".join(ONE_NIGHT.split())
TABLE = "onset\tduration\tstage\n" + "\n".join(f"{30 * i}\t30\t{s}" for i, s in enumerate(ONE_NIGHT.split())) + "\n"


def _cases():
    """`recording_cases`, which knows how to write recordings."""
    path = Path(__file__).with_name("recording_cases.py")
    spec = importlib.util.spec_from_file_location("recording_cases", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


files = _cases()


@dataclass(frozen=True)
class Case:
    """A case: `run` gets an empty folder and that of the real recordings, and returns what is told."""

    part: str
    name: str
    says: str
    run: Callable[[Path, Path], str]
    file: str = "made"


# --- what is told


def derive(*labels: str, unit: str = "uV", rates: dict[str, float] | None = None) -> Callable[[Path, Path], str]:
    """Role, name and reason of each signal with these labels."""

    def run(_folder: Path, _data: Path) -> str:
        infos = [SignalInfo(label=label, rate_hz=(rates or {}).get(label, 200.0), unit=unit) for label in labels]
        channels = assign_channels(infos, ChannelSettings())
        used = [f"{c.name} ({c.role}, {c.note})" for c in channels if c.role != "ignore"]
        return "; ".join(used + [f"`{c.labels[0]}` not used ({c.note})" for c in channels if c.role == "ignore"])

    return run


def score(name: str, text: str | bytes, **settings: object) -> Callable[[Path, Path], str]:
    """Stages of a scoring."""

    def run(folder: Path, _data: Path) -> str:
        path = folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return _spell(read_scoring(path, ScoringSettings(**settings)))

    return run


def real(name: str) -> Callable[[Path, Path], str]:
    """Stages of a real scoring."""

    def run(_folder: Path, data: Path) -> str:
        return _spell(read_scoring(data / name))

    return run


def _spell(scoring: Scoring) -> str:
    names, counts = np.unique(scoring.stages, return_counts=True)
    clock = "" if scoring.start is None else f", from {scoring.start:%H:%M:%S}"
    if len(scoring.stages) <= 20:
        return f"{' '.join(scoring.stages)} in epochs of {scoring.epoch_s:g} s{clock}"
    found = ", ".join(f"{name} {count}" for name, count in zip(names, counts, strict=True))
    return f"{len(scoring.stages)} epochs of {scoring.epoch_s:g} s{clock}: {found}"


def fit(scoring: str, seconds: int = 300, name: str = "scoring.csv") -> Callable[[Path, Path], str]:
    """Stages of a scoring on the time line of a recording that begins at 22:40."""

    def run(folder: Path, _data: Path) -> str:
        (folder / "night.edf").write_bytes(files.base(seconds=seconds))
        (folder / name).write_text(scoring)
        stages, epoch_s, notes = read_scoring(folder / name).stages_in(read_recording(folder / "night.edf"))
        return "; ".join([f"{' '.join(stages)} in epochs of {epoch_s:g} s", *notes])

    return run


def inspect(contents: dict[str, str | bytes], **settings: object) -> Callable[[Path, Path], str]:
    """What `swa inspect` tells of a folder."""

    def run(folder: Path, _data: Path) -> str:
        for name, content in contents.items():
            path = folder / "study" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        found = inspect_study(folder / "study", settings=Settings(**settings))
        nights = ", ".join(f"{night['subject']} {night['condition']}" for night in found["plan"])
        told = [text for recording in found["recordings"] for text in (*recording["problems"], *recording["notes"])]
        left = [
            f"`{channel['labels'][0]}` not used ({channel['note']})"
            for recording in found["recordings"]
            for channel in recording["channels"]
            if channel["role"] == "ignore" and channel["note"].startswith("role")
        ]
        return "; ".join([f"{found['source']}: {nights}", *dict.fromkeys([*found["notes"], *told, *left])])

    return run


def raw(marks: list[tuple[float, float, str]], bads: tuple[str, ...] = ()) -> Callable[[Path, Path], str]:
    """What becomes of a minute in mne."""

    def run(_folder: Path, _data: Path) -> str:
        import mne

        samples = np.stack([files.brown(np.random.default_rng(i), 6000) for i in range(2)]) * 1e-6
        made = mne.io.RawArray(samples, mne.create_info(["C4-M1", "C3-M2"], 100, "eeg"), verbose="error")
        made.set_annotations(mne.Annotations(*zip(*marks, strict=True)) if marks else mne.Annotations([], [], []))
        made.info["bads"] = list(bads)
        recording = Recording.from_raw(made)
        used = ", ".join(c.name for c in recording.of_role("eeg"))
        pieces = ", ".join(f"{start_s:g}-{end_s:g} s" for start_s, end_s in recording.pieces_s)
        return "; ".join([f"{used}: {pieces}", *recording.notes])

    return run


def joined_by_mne(folder: Path, _data: Path) -> str:
    """An interrupted EDF+D that mne has read."""
    import mne

    (folder / "night.edf").write_bytes(files.interrupt(files.roomy(files.base()), {30: 100}))
    Recording.from_raw(mne.io.read_raw_edf(folder / "night.edf", verbose="error"))
    return "read"


def patient_fields(folder: Path, _data: Path) -> str:
    """A header with a name, seen by `swa inspect`."""
    data = files.edit(files.base(), patient="MRN77 F 07-JUL-1977 Erika_Mustermann")
    (folder / "night.edf").write_bytes(data)
    found = inspect_study(folder / "night.edf")
    leaks = [word for word in ("MRN77", "1977", "Erika", "Mustermann") if word in str(found)]
    filled = found["recordings"][0]["patient_fields_filled"]
    return f"patient fields filled: {filled}; of their text in what is told: {', '.join(leaks) or 'nothing'}"


def lights(folder: Path, _data: Path) -> str:
    """Lights off and on among the stages."""
    (folder / "night.edf").write_bytes(NIGHT)
    marks = TABLE.replace("stage", "trial_type") + "60\t0\tLights off\n240\t0\tLights on\n"
    (folder / "a_events.tsv").write_text(marks)
    off_s, on_s = read_scoring(folder / "a_events.tsv").lights_in(read_recording(folder / "night.edf"))
    return f"lights off at {off_s:g} s, on at {on_s:g} s"


def elsewhere(folder: Path, _data: Path) -> str:
    """A study file that lies in another folder than the recordings."""
    for name in ("recordings", "papers"):
        (folder / name).mkdir()
    (folder / "recordings" / "S1.edf").write_bytes(NIGHT)
    (folder / "papers" / "nights.tsv").write_text(f"{STUDY}1\tbaseline\tS1.edf\t\n")
    found = inspect_study(folder / "recordings", study_file=folder / "papers" / "nights.tsv")
    return f"{found['source']}: 1 {found['plan'][0]['condition']}, {found['recordings'][0]['duration_s'] / 60:g} min"


def template(folder: Path, _data: Path) -> str:
    """The study file to fill in."""
    (folder / "study").mkdir()
    for name in ("a.edf", "b.edf"):
        (folder / "study" / name).write_bytes(NIGHT)
    write_template(plan_study(folder / "study", None, Settings()), folder / "study-template.tsv")
    return (folder / "study-template.tsv").read_text(encoding="utf-8").strip().replace("\n", " ")


def formulas(folder: Path, _data: Path) -> str:
    """A table of ours with cells that a spreadsheet would calculate."""
    write_table(pd.DataFrame({"subject": ["=1+1", "+a", "-b", "@c"]}), folder / "a.tsv")
    return ", ".join((folder / "a.tsv").read_text(encoding="utf-8").split())


def workbook(rows: list[list[str]]) -> bytes:
    """A study file as Excel writes it."""
    import openpyxl

    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _xml(codes: str, epoch_s: int = 30) -> str:
    stages = "".join(f"<SleepStage>{code}</SleepStage>" for code in codes)
    return f"<CMPStudyConfig><EpochLength>{epoch_s}</EpochLength><SleepStages>{stages}</SleepStages></CMPStudyConfig>"


def _nsrr() -> str:
    codes = [(0, 60), (1, 30), (2, 60), (3, 30), (4, 30), (5, 60), (0, 30)]
    starts = np.cumsum([0, *(length for _, length in codes)])
    events = "".join(
        f"<ScoredEvent><EventType>Stages|Stages</EventType><EventConcept>x|{code}</EventConcept><Start>{start}</Start>"
        f"<Duration>{length}</Duration></ScoredEvent>"
        for (code, length), start in zip(codes, starts, strict=False)
    )
    return f"<PSGAnnotation><ScoredEvents>{events}</ScoredEvents></PSGAnnotation>"


def _clocked(row: str) -> str:
    """One row an epoch, with its clock time."""
    return "\n".join(row.format(t=f"22:{40 + i // 2}:{30 * (i % 2):02d}", s=s) for i, s in enumerate(ONE_NIGHT.split()))


def _shifted(text: str, minutes: int) -> str:
    """All its clock times so many minutes later."""
    return re.sub(r"22:(\d\d)", lambda match: f"22:{int(match[1]) + minutes}", text)


def _scored_edf(minutes_of_eeg: int = 0) -> bytes:
    """An EDF+ whose annotations are stages, with or without EEG."""
    import edfio

    noise = files.brown(np.random.default_rng(1), 6000 * max(minutes_of_eeg, 1))
    signal = edfio.EdfSignal(noise, 100, label="C4-M1", physical_dimension="uV", physical_range=(-5000, 5000))
    marks = [edfio.EdfAnnotation(30 * i, 30, f"Sleep stage {s}") for i, s in enumerate(ONE_NIGHT.split())]
    target = io.BytesIO()
    date = edfio.Recording(startdate=datetime.date(2024, 3, 1))
    signals = [signal] * (minutes_of_eeg > 0)
    edfio.Edf(signals, annotations=marks, starttime=datetime.time(22, 40), recording=date).write(target)
    return target.getvalue()


DOMINO = "Start Time: 01.03.2024 22:40:00\nSignal Type: Discret\nRate: 30 s\n\n" + _clocked("{t},000; {s}")
REMLOGIC = "RemLogic Event Export\n\nSleep Stage\tTime [hh:mm:ss]\tEvent\tDuration[s]\n" + _clocked(
    "{s}\t{t}\tSLEEP-{s}\t30"
).replace("SLEEP-W", "SLEEP-S0").replace("SLEEP-R", "SLEEP-REM").replace("SLEEP-N", "SLEEP-S")
POLYMAN = "Date, Time, Recording onset, Duration, Annotation, Linked channel\n" + "\n".join(
    f"01-Mar-2024, 22:{40 + i // 2}:{30 * (i % 2):02d}, {30 * i}, 30, Sleep stage {s},"
    for i, s in enumerate(ONE_NIGHT.split())
)
PHILIPS = (
    "<PatientStudy xmlns='http://www.respironics.com/PatientStudy.xsd'><Acquisition><Sessions><Session><RecordingStart>"
    "2024-03-01T22:40:00</RecordingStart><Duration>300</Duration></Session></Sessions></Acquisition><ScoringData>"
    "<StagingData><UserStaging><NeuroAdultAASMStaging>"
    + "".join(
        f"<Stage Type='{ {'W': 'Wake', 'R': 'REM'}.get(s, s.replace('N', 'NonREM')) }' Start='{30 * i}'/>"
        for i, s in enumerate(ONE_NIGHT.split())
    )
    + "</NeuroAdultAASMStaging></UserStaging></StagingData></ScoringData></PatientStudy>"
)
WONAMBI = (
    "<annotations version='5'><dataset/><rater name='AB'><stages>"
    + "".join(
        f"<epoch><epoch_start>{30 * i}</epoch_start><epoch_end>{30 * i + 30}</epoch_end>"
        f"<stage>{ {'W': 'Wake', 'R': 'REM'}.get(s, s.replace('N', 'NREM')) }</stage></epoch>"
        for i, s in enumerate(ONE_NIGHT.split())
    )
    + "</stages></rater></annotations>"
)
NIGHT, SHORT = files.base(seconds=360), files.base(seconds=60)
ANNOTATED = _scored_edf(minutes_of_eeg=5)
SCORED = "\n".join(["N2"] * 12)
BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "N2"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>'
STUDY = "subject\tcondition\trecording\thypnogram\n"
BIDS = "sub-01/ses-{0}/eeg/sub-01_ses-{0}_task-sleep"
EXPECTED = f"^{ONE_NIGHT} in epochs of 30 s"

CASES = (
    # derivations
    Case("derivations", "`C4` with `M1`", r"^C4-M1 \(eeg, C4 minus contralateral mastoid M1\)", derive("C4", "M1")),
    Case("derivations", "`C4` with `A1` and `A2`", r"C4 minus contralateral mastoid A1", derive("C4", "A1", "A2")),
    Case("derivations", "`C4` with `M2` alone", r"no contralateral mastoid", derive("C4", "M2")),
    Case("derivations", "`Fz-Ref` with `M1-Ref`", r"^Fz-M1 ", derive("Fz-Ref", "M1-Ref")),
    Case("derivations", "`EEG C3-LE`", r"^C3-LE \(eeg, recorded reference LE", derive("EEG C3-LE")),
    Case("derivations", "`C4-M1`", r"^C4-M1 \(eeg, as recorded", derive("C4-M1")),
    Case("derivations", "`C4:M1`", r"^C4-M1 \(eeg", derive("C4:M1")),
    Case("derivations", "`C4M1`", r"^C4-M1 \(eeg", derive("C4M1")),
    Case("derivations", "`EEG C4-A1`", r"^C4-A1 \(eeg", derive("EEG C4-A1")),
    Case("derivations", "`EEG(sec)`", r"^EEG\(sec\) \(eeg, .*does not name the electrode", derive("EEG(sec)")),
    Case("derivations", "`FC5` and `TP10` (10-10)", r"^FC5 .*TP10 ", derive("FC5", "TP10")),
    Case("derivations", "`E1-M2`, `E2-M1`: eyes", r"E1-M2 \(eog.*E2-M1 \(eog", derive("E1-M2", "E2-M1")),
    Case("derivations", "`E1` to `E16`: a net", r"^E1 \(eeg, electrode of a numbered net",
         derive(*(f"E{i}" for i in range(1, 17)))),
    Case("derivations", "`Imp C4`, `C4 Impédance`", r"not used \(impedance\).*not used \(impedance\)",
         derive("Imp C4", "C4 Impédance")),
    Case("derivations", "`Status`", r"not used \(status", derive("Status")),
    Case("derivations", "`C4-M1` in kOhm", r"not used \(its unit is kOhm", derive("C4-M1", unit="kOhm")),
    Case("derivations", "`C4-M1` at 25 Hz", r"EEG needs at least 50 Hz", derive("C4-M1", rates={"C4-M1": 25.0})),
    # scorings
    Case("scorings", "EDF+ annotations of the AASM", EXPECTED, score("a.edf", _scored_edf())),
    Case("scorings", "EDF+ annotations of Rechtschaffen & Kales", r"2880 epochs of 30 s, from 16:13:00",
         real("hypnograms/sleep-edf/SC4001EC-Hypnogram.edf"), "`hypnograms/sleep-edf/SC4001EC-Hypnogram.edf`"),
    Case("scorings", "YASA's csv", EXPECTED, score("a.csv", "Epoch,Stage\n" + "\n".join(
        f"{i},{s}" for i, s in enumerate(ONE_NIGHT.replace("W", "WAKE").replace("R", "REM").split())))),
    Case("scorings", "Profusion XML", EXPECTED, score("a.xml", _xml("0012234550"))),
    Case("scorings", "Profusion XML, epochs of 20 s", r"in epochs of 20 s", score("a.xml", _xml("0012234550", 20))),
    Case("scorings", "NSRR XML", EXPECTED, score("a.xml", _nsrr())),
    Case("scorings", "NSRR XML", r"1364 epochs of 30 s", real("hypnograms/nsrr/learn-nsrr01.xml"),
         "`hypnograms/nsrr/learn-nsrr01.xml`"),
    Case("scorings", "XML with entities of its own", r"attacks use", score("a.xml", BOMB)),
    Case("scorings", "Luna `.eannot`", EXPECTED, score("a.eannot", LINES)),
    Case("scorings", "Luna `.annot`", EXPECTED, score("a.annot", "\n".join(
        f"{s}\t.\t.\te:{i + 1}\t.\t." for i, s in enumerate(ONE_NIGHT.split())))),
    Case("scorings", "Compumedics text", EXPECTED, score("a.txt", "\r\n".join("WW12234RRW"))),
    Case("scorings", "RemLogic event export", EXPECTED, score("a.txt", REMLOGIC)),
    Case("scorings", "DOMINO sleep profile", EXPECTED, score("a.txt", DOMINO)),
    Case("scorings", "BIDS events", EXPECTED, score("a_events.tsv", TABLE.replace("stage", "trial_type"))),
    Case("scorings", "BIDS events whose stage stands in `value`", EXPECTED, score(
        "a_events.tsv", "onset\tduration\ttrial_type\tvalue\n" + "\n".join(
            f"{30 * i}\t30\tsleep_stage\t{s}" for i, s in enumerate(ONE_NIGHT.split())))),
    Case("scorings", "onsets, and no column named stage", r"without a column stage",
         score("a.tsv", "onset\tduration\tcode\n600\t30\t0\n")),
    Case("scorings", "stage changes by the clock", EXPECTED + ", from 22:40:00", score("a.csv", CHANGES)),
    Case("scorings", "stage changes without a header", EXPECTED + ", from 22:40:00",
         score("a.txt", CHANGES.partition("\n")[2].replace(",", "\t"))),
    Case("scorings", "stage changes of a whole night", r"epochs of \d+ s: .*N3",
         real("hypnograms/whole_night_stage_changes.csv"), "`hypnograms/whole_night_stage_changes.csv`"),
    Case("scorings", "one stage a line", EXPECTED, score("a.txt", LINES)),
    Case("scorings", "an empty line among them", r"line 3 is empty", score("a.txt", "W\nN2\n\nN3\nN3\nR\n")),
    Case("scorings", "`?`, movement, artefact", r"^W UNS UNS UNS N2", score("a.txt", "W\n?\nMT\nartefact\nN2")),
    Case("scorings", "codes that could mean several things", r"could mean several things.*\[scoring\] codes",
         real("dreams/Hypnogram_excerpt1.txt"), "`dreams/Hypnogram_excerpt1.txt`"),
    Case("scorings", "a 4 and no 5: REM, or S4", r"could mean several things.*If 4 is REM",
         score("a.txt", "0\n1\n2\n3\n4\n0\n")),
    Case("scorings", "rows that are missing, and in no order", r"^W UNS N2 N3 UNS W in epochs of 30 s",
         score("a.csv", "epoch,stage\n5,W\n0,W\n3,N3\n2,N2\n")),
    Case("scorings", "two rows for one epoch", r"line 4 has the same place in time as line 3",
         score("a.csv", "epoch,stage\n0,W\n1,N1\n1,N2\n")),
    Case("scorings", "two scorers' columns", r"scorer 1, scorer 2.*column = \"scorer 1\"",
         score("a.csv", "epoch,scorer 1,scorer 2\n0,W,W\n1,N1,N2\n")),
    Case("scorings", "Dreem Open Datasets", r"968 epochs of 30 s: N1 79, N2 384, N3 146, R 175, W 184",
         real("scorings/dod_h/scorer_1__0d79f4b1-e74f-5e87-8e42-f9dd7112ada5.json"), "`scorings/dod_h`"),
    Case("scorings", "BOAS (OpenNeuro ds005555)", r"894 epochs of 30 s: N1 43, N2 450, R 178",
         real("scorings/boas_ds005555/sub-42_task-Sleep_acq-psg_events.tsv"), "`scorings/boas_ds005555`"),
    Case("scorings", "BIDS with `Levels` (EESM17, ds004348)", r"epochs of 30 s: N1 25, N2 422, N3 253, R 155, W 71",
         real("scorings/eesm17_ds004348/sub-001_ses-001_task-sleep_acq-scoring_events.tsv"),
         "`scorings/eesm17_ds004348`"),
    Case("scorings", "BIDS without them (Surrey, ds005207)", r"could mean several things",
         real("scorings/surrey_ds005207/sub-001_ses-001_task-sleep_acq-PSGScoring_events.tsv"),
         "`scorings/surrey_ds005207`"),
    Case("scorings", "GSSC csv", EXPECTED, score("a.csv", "Epoch,Start,Stage\n" + "\n".join(
        f"{i + 1},{30 * i},{['W', 'N1', 'N2', 'N3', 'R'].index(s)}" for i, s in enumerate(ONE_NIGHT.split())))),
    Case("scorings", "Polyman text", EXPECTED, score("a.txt", POLYMAN)),
    Case("scorings", "Snooz", EXPECTED, score("a.tsv", "group\tname\tstart_sec\tduration_sec\tchannels\n" + "\n".join(
        f"stage\t{code}\t{30 * i}\t30\t[]" for i, code in enumerate("0012234550")))),
    Case("scorings", "visbrain: stage and end", EXPECTED, score(
        "a.txt", "*Duration_sec\t300.0\n*Datafile\tUnspecified\n"
        "Wake\t60\nN1\t90\nN2\t150\nN3\t210\nREM\t270\nWake\t300\n")),
    Case("scorings", "Elan `.hyp`, a code a second", EXPECTED, score(
        "a.hyp", "time_base 1.0\nsampling_period 0.01\nepoch_nb 300\nepoch_list\n"
        + "\n".join(code for code in "0012233550" for _ in range(30)))),
    Case("scorings", "Philips `.rml`", EXPECTED + ", from 22:40:00", score("a.rml", PHILIPS)),
    Case("scorings", "Wonambi XML", EXPECTED, score("a.xml", WONAMBI)),
    Case("scorings", "French, Spanish, German words", r"^W N2 R W N2 R W N2 R", score(
        "a.txt", "Éveil\nStade 2\nSommeil paradoxal\nVigilia\nFase 2\nSueño REM\nWach\nStadium 2\nREM-Schlaf\n")),
    Case("scorings", "an unknown stage", r"'N9' \(line 2\) is no stage", score("a.txt", "W\nN9\nN9\nN2")),
    Case("scorings", "shorter than the recording", r"^W W N1 .* UNS UNS in .*; 1.0 min of the recording are not scored",
         fit(TABLE, 360)),
    Case("scorings", "longer than the recording", r"1.0 min of the scoring lie outside", fit(TABLE, 240)),
    Case("scorings", "begins 60 s after the recording, by the clock", r"^UNS UNS W W N1",
         fit(_shifted(CHANGES, 1), 420)),
    Case("scorings", "begins 60 s before it, by the clock", r"^N1 N2 N2",
         fit(_shifted(CHANGES, -1), 240)),
    Case("scorings", "lights off and on", r"lights off at 60 s, on at 240 s", lights),
    Case("scorings", "of another night", r"no overlap.*Check that", fit(
        "Time,Stage\n2024-03-05 22:40:00,W\n2024-03-05 22:41:00,N2\n2024-03-05 22:42:00,R\n")),
    Case("scorings", "epochs of 20 s taken for 30 s", r"Epochs of 20 s would fit",
         fit("\n".join(["W", "N2", "N3"] * 10), 600, "a.txt")),
    # beside
    Case("beside", "`S1.txt` beside `S1.edf`", r"1 night by its scoring \(S1.edf by S1.txt\), 0 by YASA",
         inspect({"S1.edf": NIGHT, "S1.txt": SCORED})),
    Case("beside", "`none` or `yasa` in the column hypnogram", r"^study file study.tsv: 1 baseline, 1 drug; "
         r"conditions: baseline \(1\), drug \(1\); order of the nights: not known.*holds the same signals as S1.edf",
         inspect({"S1.edf": NIGHT, "S1.txt": SCORED, "S2.edf": NIGHT, "S2.txt": SCORED,
                  "study.tsv": f"{STUDY}1\tbaseline\tS1.edf\tyasa\n1\tdrug\tS2.edf\tnone\n"})),
    Case("beside", "two that differ", r"S1.txt and S1.xml beside it are scorings that differ",
         inspect({"S1.edf": NIGHT, "S1.txt": SCORED, "S1.xml": _xml("0012234550")})),
    Case("beside", "stages in the recording itself", r"1 night by its scoring \(S1.edf by its annotations\)",
         inspect({"S1.edf": ANNOTATED})),
    Case("beside", "`edf/` with `scoring/`", r"1 night by its scoring \(edf/S1.edf by Hypnogram_S1.txt\)",
         inspect({"edf/S1.edf": NIGHT, "scoring/Hypnogram_S1.txt": SCORED})),
    Case("beside", "a scoring under another name", r"hold stages and are not used: other.txt \(name and folder fit no",
         inspect({"S1.edf": NIGHT, "other.txt": SCORED})),
    Case("beside", "named, and not there", r"hypnogram 'S1.tx' is not there \(did you mean 'S1.txt'\?\)",
         inspect({"S1.edf": NIGHT, "S1.txt": SCORED, "study.tsv": f"{STUDY}1\tbaseline\tS1.edf\tS1.tx\n"})),
    Case("beside", "named, and not readable", r"'N9' \(line 1\) is no stage",
         inspect({"S1.edf": NIGHT, "S1.txt": "N9\nN9\n", "study.tsv": f"{STUDY}1\tbaseline\tS1.edf\tS1.txt\n"})),
    Case("beside", "named, without N2 and N3", r"has no N2 or N3 within S1.edf",
         inspect({"S1.edf": NIGHT, "S1.txt": "W\nW\nR\n", "study.tsv": f"{STUDY}1\tbaseline\tS1.edf\tS1.txt\n"})),
    # BIDS
    Case("BIDS", "subjects, sessions, sessions.tsv, channels.tsv",
         r"^BIDS names: 01 placebo, 01 ketamine.*`EEG C3-M2` not used",
         inspect({"dataset_description.json": '{"Name": "x", "BIDSVersion": "1.9.0"}',
                  "sub-01/sub-01_sessions.tsv": "session_id\tcondition\nses-1\tplacebo\nses-2\tketamine\n",
                  BIDS.format("1") + "_eeg.edf": NIGHT, BIDS.format("2") + "_eeg.edf": NIGHT,
                  BIDS.format("1") + "_channels.tsv": "name\ttype\tunits\tstatus\nEEG C3-M2\tEEG\tuV\tbad\n"})),
    Case("BIDS", "units in channels.tsv where the header has none", r"^BIDS names: 01 recording(?!.*unit)",
         inspect({"dataset_description.json": '{"Name": "x", "BIDSVersion": "1.9.0"}',
                  "sub-01/eeg/sub-01_task-sleep_eeg.edf": files.edit(NIGHT, unit=""),
                  "sub-01/eeg/sub-01_task-sleep_channels.tsv": "name\ttype\tunits\nEEG C4-M1\tEEG\tuV\n"})),
    # the study file
    Case("study file", "wrong rows and columns",
         r"5 problems:.*'condition' is missing \(did you mean.*row 3, subject.*row 2, age",
         inspect({"S1.edf": SHORT, "study.tsv": "subject\tconditon\trecording\tage\tsex\tlights_off\n"
                  "1\ta\tS1.edf\told\tF\t23:00\n\tb\tS2.edf\t40\tq\tlate\n"})),
    Case("study file", "`;`, decimal comma, byte order mark", r"^study file study.csv: 1 baseline",
         inspect({"S1.edf": NIGHT,
                  "study.csv": "\ufeffsubject;condition;recording;serum_mg\n1;baseline;S1.edf;0,85\n"})),
    Case("study file", "`.xlsx`", r"^study file study.xlsx: 1 baseline",
         inspect({"S1.edf": NIGHT, "study.xlsx": workbook([["subject", "condition", "recording"],
                                                            ["1", "baseline", "S1.edf"]])})),
    Case("study file", "a path that leaves both folders", r"outside the folder of the study file",
         inspect({"S1.edf": SHORT, "study.tsv": f"{STUDY}1\tbaseline\t../../x.edf\t\n"})),
    Case("study file", "a recording that is not there", r"'S3.edf' is not there$",
         inspect({"S1.edf": NIGHT, "study.tsv": f"{STUDY}1\tbaseline\tS1.edf\t\n2\tbaseline\tS3.edf\t\n"})),
    Case("study file", "names that tell nothing", r"each recording a subject of its own",
         inspect({"a.edf": NIGHT, "b.edf": NIGHT})),
    Case("study file", "on another drive than the recordings", r"^study file nights.tsv: 1 baseline", elsewhere),
    Case("study file", "a template where names tell nothing", r"^subject\tcondition\trecording a\t\ta.edf", template),
    Case("study file", "cells that would be formulas", r"'=1\+1, '\+a, '-b, '@c$", formulas),
    # mne
    Case("mne", "`BAD_ACQ_SKIP`", r"0-20 s, 35-60 s; not recorded", raw([(20, 15, "BAD_ACQ_SKIP")])),
    Case("mne", "`EDGE boundary` of joined raws", r"0-20 s, 20-60 s; joined", raw([(20, 0, "EDGE boundary")])),
    Case("mne", "`BAD_movement`", r"0-60 s; 5 s marked as bad in mne", raw([(20, 5, "BAD_movement")])),
    Case("mne", "bad channels", r"^C4-M1: 0-60 s$", raw([], ("C3-M2",))),
    Case("mne", "an interrupted EDF+D, read by mne", r"mne has joined the pieces", joined_by_mne),
    # privacy
    Case("privacy", "patient fields", r"filled: True; of their text in what is told: nothing", patient_fields),
)  # fmt: skip


def told_by(case: Case, folder: Path, data: Path) -> str:
    """What is told of a case, a refusal with that word before it."""
    try:
        return case.run(folder, data)
    except SwaError as error:
        return f"refused: {error}"


def table(data: Path) -> str:
    """The cases as a table in Markdown."""
    lines = ["| part | case | file | what is told |", "| --- | --- | --- | --- |"]
    for case in CASES:
        if case.file != "made" and not data.is_dir():
            continue
        with tempfile.TemporaryDirectory() as folder:
            told = told_by(case, Path(folder), data).replace(folder, "")
        if not re.search(case.says, told.removeprefix("refused: "), re.DOTALL):
            raise SystemExit(f"{case.part}, {case.name}: expected {case.says!r}: {told}")
        told = re.sub(r"[ ]*\n[ ]*", " ", told).replace("|", "\\|")
        lines.append(f"| {case.part} | {case.name} | {case.file} | {told} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    made = table(arguments.data)
    print(made)
    print(f"{len(made.splitlines()) - 2} of {len(CASES)} cases, all as expected")
    if arguments.write:
        text = arguments.write.read_text(encoding="utf-8")
        before, after = text.split(BEGIN)[0], text.split(END)[-1]
        arguments.write.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
