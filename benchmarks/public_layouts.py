"""Public data sets as they are downloaded: what a run makes of their folders, the last table of docs/recordings.md.

    python benchmarks/public_layouts.py [--write docs/recordings.md]

Each layout is made small: the real names, labels, rates and forms of scoring, signals that are empty, the stages of one
made night of 55 min with 35 min of N2 and N3. `tests/test_public_layouts.py` runs the same list: what each must tell
stands beside it, and no scoring may be lost without a word.
"""

import argparse
import base64
import datetime
import json
import re
import sys
import tempfile
import tomllib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import edfio
import numpy as np

from swa.errors import SwaError
from swa.settings import check_settings
from swa.study.plan.inspection import inspect_study

BEGIN, END = "<!-- made by benchmarks/public_layouts.py -->", "<!-- end of the public data sets -->"
RK_NIGHT = "W*10 S1*4 S2*40 S3*18 S4*12 REM*20 W*6"
NIGHT = [stage for part in RK_NIGHT.split() for stage, _, count in [part.partition("*")] for _ in range(int(count))]
STAGES = ("W", "S1", "S2", "S3", "S4", "REM")
WRITE = Callable[[Path], None]


# --- files


# The first nights of ST-subjects.xls (PhysioNet) as Excel 97 has them: nothing here writes such a workbook.
ST_SUBJECTS = base64.b85decode(
    b"c-rk)TSydP6#nM6u8WuT7HA-Ykd+x>y;z`=QA&YkH;M>qS4Y=$cV*q6d??F&Oah;ZAOw5p#p<OC71Ub~fl&`Z5NJL{U=#*DsMGn+%x=48;6h"
    b"2pd^2<AT>f*;f1k^%iGs<|du3BtgnB4gu(IJv(Mfb=Cj>vpZdrm&+`V*JE>;z?y)=*>4UcnQW{EKr<2?l#ch%=afe&<@KrdRN5mR45?BY5EB"
    b"vFStq7rV9CJ&`tt3sx2OpBP_;gV07?qtmsrgc<yQaX+aqou0WnZ?KC3by4z#C^a%?^siV61)(z_`+4mE~}v-))nYkWrlJ!2V<ZCZ89TfOvpa"
    b"mA|pbf9pUgKifNq3@XgYJ*~Ef=rn~x;)k`4#_jG;MZ}eUozs33ySp^1Qo#OQ|MDuySYOmo#A=8Z4%%K}TXJ0M?4xI^}HrwL*W<Ahp674h3<^"
    b"ruffi^Q3)gxV<p?E%U*bE2y&E7!R*3hbGi77xsr%BVNxn@h_Rtm=^JrbknJ%a7iqa7V0mA#$#)3%dbUS>H&+mX+F0WUT`Rc!9|m)Fg~R^udV"
    b"2DqyBgJzv*94uTE9^{<I7LBP0UBw=om|o(jYnd-&T1+MBUfEjWFpYy;<}zC=DbF^>8)JP6zk&FnPX`{B4^0~zi63v8>MtIDYmB0T9(?WOFOE"
    b"S}OV!f#YXXmq#9eYWrT0urf7zhCvLAMjSkBWlAM-psp#BiBC50p@DQQk$32%v8p6)HNx8jtSxNp^@B$K2iB@x+^lvI+kl9HBY^Eft<RbG_!D"
    b"au)AmoLEA6yC%2S7foVs?;AJN9yUEG0w|A(uf?~LbiLzesgv&oim2Wqb!j};ix{Q!zsKknMdI~M;LY<CD|6+F7oVV*m=|?@~9lOkm<f9+oPu"
    b"B`OJCLwDzc+XZ!GU?eO%BQ7;$bzUU-+6#aw`E?l^9;lhOr7ykgn3#81iIpEhI&3S3ha{lYg)3xCKCi!o15K%hf^kumR5xU24E~ELg2AY(JB`"
    b"wn@@xM^uC}oe)cWRL9(Vg-9rH?KtwLQyr^#8dflxhBjOzQcU^Zx+TI}FD"
)


def stages(words: str) -> list[str]:
    """The night in other words, those of W, S1, S2, S3, S4 and REM, separated by commas."""
    said = dict(zip(STAGES, words.split(","), strict=True))
    return [said[stage] for stage in NIGHT]


AASM = stages("W,N1,N2,N3,N3,R")
SLEEP_STAGES = stages("Sleep stage W,Sleep stage N1,Sleep stage N2,Sleep stage N3,Sleep stage N3,Sleep stage R")
RK_STAGES = stages("Sleep stage W,Sleep stage 1,Sleep stage 2,Sleep stage 3,Sleep stage 4,Sleep stage R")


def evening(night: int) -> datetime.datetime:
    """22:40 of a night."""
    return datetime.datetime(2001, 1, 2, 22, 40) + datetime.timedelta(days=night)


def start_of(path: Path, night: int | None) -> datetime.datetime:
    """A start of its own for each recording whose scoring has no clock."""
    return evening(100 + zlib.crc32(path.name.encode()) % 5000 if night is None else night)


def recording(
    labels: str, rate_hz: int = 100, *, night: int | None = None, unit: str = "uV", minutes: float = 55
) -> WRITE:
    """An EDF with these labels, separated by commas, and no samples but zeros: a file of holes."""

    def write(path: Path) -> None:
        names = labels.split(",")
        moment, seconds = start_of(path, night), round(minutes * 60)
        fields = [
            ("0", 8), ("X X X X", 80), (f"Startdate {moment:%d-%b-%Y} X X X", 80),
            (f"{moment:%d.%m.%y}", 8), (f"{moment:%H.%M.%S}", 8), (str(256 * (1 + len(names))), 8), ("", 44),
            (str(seconds), 8), ("1", 8), (str(len(names)), 4),
        ]  # fmt: skip
        columns: list[tuple[list[str], int]] = [
            (names, 16), ([""] * len(names), 80), ([unit] * len(names), 8), (["-3200"] * len(names), 8),
            (["3200"] * len(names), 8), (["-32768"] * len(names), 8), (["32767"] * len(names), 8),
            ([""] * len(names), 80), ([str(rate_hz)] * len(names), 8), ([""] * len(names), 32),
        ]  # fmt: skip
        fields += [(cell, width) for cells, width in columns for cell in cells]
        head = "".join(cell[:width].ljust(width) for cell, width in fields).encode("ascii")
        with path.open("wb") as file:
            file.write(head)
            file.truncate(len(head) + 2 * rate_hz * len(names) * seconds)

    return write


def annotations(words: list[str], night: int, epoch_s: int = 30, *, other: str = "", labels: str = "") -> WRITE:
    """An EDF+ of annotations, each an epoch, and of flat signals where there are labels."""

    def write(path: Path) -> None:
        marks = [edfio.EdfAnnotation(i * epoch_s, epoch_s, word) for i, word in enumerate(words)]
        marks += [edfio.EdfAnnotation(60, 0, other)] if other else []
        flat = np.zeros(len(words) * epoch_s * 100)
        signals = [
            edfio.EdfSignal(flat, 100, label=label, physical_dimension="uV", physical_range=(-3200, 3200))
            for label in labels.split(",") if label
        ]  # fmt: skip
        moment = evening(night)
        day = edfio.Recording(startdate=moment.date())
        edfio.Edf(signals, annotations=sorted(marks), starttime=moment.time(), recording=day).write(path)

    return write


def eeglab(labels: str, rate_hz: int = 100, events: list[str] | None = None) -> WRITE:
    """An EEGLAB header with its samples in a file of holes beside it."""

    def write(path: Path) -> None:
        from scipy.io import savemat

        names, n = labels.split(","), 55 * 60 * rate_hz
        places = np.zeros(len(names), [("labels", object), *((name, object) for name in "XYZ")])
        places["labels"] = names
        for name in "XYZ":
            places[name] = [np.zeros((0, 0))] * len(names)
        marks = np.zeros(len(events or []), [("type", object), ("latency", object), ("duration", object)])
        for i, word in enumerate(events or []):
            marks[i] = (word, 1.0 + i * 30 * rate_hz, 30.0 * rate_hz)
        eeg = {
            "setname": path.stem, "nbchan": float(len(names)), "trials": 1.0, "pnts": float(n), "srate": float(rate_hz),
            "xmin": 0.0, "xmax": (n - 1) / rate_hz, "data": f"{path.stem}.fdt", "chanlocs": places,
            "event": marks if events else np.zeros((0, 0)), "icawinv": np.zeros((0, 0)), "icaact": np.zeros((0, 0)),
            "icaweights": np.zeros((0, 0)), "icasphere": np.zeros((0, 0)), "epoch": np.zeros((0, 0)),
        }  # fmt: skip
        savemat(path, {"EEG": eeg}, appendmat=False)
        with path.with_suffix(".fdt").open("wb") as file:
            file.truncate(4 * n * len(names))

    return write


def brainvision(labels: str, words: list[str], rate_hz: int = 100) -> WRITE:
    """A BrainVision header whose markers are stages."""

    def write(path: Path) -> None:
        names = labels.split(",")
        channels = "\n".join(f"Ch{i}={label},,1,µV" for i, label in enumerate(names, 1))
        files = f"Codepage=UTF-8\nDataFile={path.stem}.eeg\n"
        path.write_text(
            "Brain Vision Data Exchange Header File Version 1.0\n\n[Common Infos]\n"
            f"{files}MarkerFile={path.stem}.vmrk\nDataFormat=BINARY\nDataOrientation=MULTIPLEXED\n"
            f"NumberOfChannels={len(names)}\nSamplingInterval={1e6 / rate_hz:g}\n\n[Binary Infos]\n"
            f"BinaryFormat=INT_16\n\n[Channel Infos]\n{channels}\n",
            encoding="utf-8",
        )
        marks = "".join(
            f"Mk{i}=Comment,{word},{1 + (i - 2) * 30 * rate_hz},{30 * rate_hz},0\n" for i, word in enumerate(words, 2)
        )
        path.with_suffix(".vmrk").write_text(
            f"Brain Vision Data Exchange Marker File, Version 1.0\n\n[Common Infos]\n{files}\n[Marker Infos]\n"
            f"Mk1=New Segment,,1,1,0,20240301224000000000\n{marks}",
            encoding="utf-8",
        )
        with path.with_suffix(".eeg").open("wb") as file:
            file.truncate(2 * len(words) * 30 * rate_hz * len(names))

    return write


def table(header: str, row: str, words: list[str], night: int = 0, epoch_s: int = 30) -> str:
    """A line an epoch: `{i}` counts from 0, `{n}` from 1, `{t}` is the onset in s, `{clock}` its time, `{s}` the stage.

    `header` stands above them, where there is one.
    """
    start = evening(night)
    lines = [
        row.format(i=i, n=i + 1, t=i * epoch_s, clock=start + datetime.timedelta(seconds=i * epoch_s), s=word)
        for i, word in enumerate(words)
    ]
    return "\n".join([header] * bool(header) + lines) + "\n"


def nsrr_xml() -> str:
    """NSRR's XML: a stretch of one stage an event."""
    concepts = dict(zip(STAGES, ("Wake|0", *(f"Stage {n} sleep|{n}" for n in "1234"), "REM sleep|5"), strict=True))
    events = "".join(
        f"<ScoredEvent><EventType>Stages|Stages</EventType><EventConcept>{concepts[stage]}</EventConcept>"
        f"<Start>{30 * i}.0</Start><Duration>30.0</Duration></ScoredEvent>\n"
        for i, stage in enumerate(NIGHT)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<PSGAnnotation>\n'
        "<SoftwareVersion>Compumedics</SoftwareVersion><EpochLength>30</EpochLength>\n<ScoredEvents>\n<ScoredEvent>"
        "<EventType/><EventConcept>Recording Start Time</EventConcept><Start>0</Start><Duration>3300.0</Duration>"
        f"</ScoredEvent>\n{events}</ScoredEvents>\n</PSGAnnotation>\n"
    )


def profusion_xml() -> str:
    """Compumedics Profusion's XML: a code an epoch."""
    codes = "".join(f"<SleepStage>{code}</SleepStage>" for code in stages("0,1,2,3,4,5"))
    return (
        '<?xml version="1.0"?>\n<CMPStudyConfig><EpochLength>30</EpochLength><ScoredEvents/>'
        f"<SleepStages>{codes}</SleepStages></CMPStudyConfig>\n"
    )


def domino(words: list[str], night: int) -> str:
    """DOMINO's sleep profile (`Schlafprofil.txt` has the same lines above it, in German words)."""
    start = evening(night)
    clocks = [start + datetime.timedelta(seconds=30 * i) for i in range(len(words))]
    rows = "".join(f"{clock:%H:%M:%S},000; {word}\n" for clock, word in zip(clocks, words, strict=True))
    return (
        f"Signal ID: SchlafProfil\\profil\nStart Time: {start:%d.%m.%Y %H:%M:%S}\nUnit: \nSignal Type: Discret\n"
        f"Events list: N4,N3,N2,N1,REM,Wach,Bewegung\nRate: 30 s\n\n{rows}"
    )


def remlogic(night: int) -> str:
    """RemLogic's event export, with an event that is no stage."""
    start, codes = evening(night), stages("W,S1,S2,S3,S4,R")
    names = {"W": "SLEEP-S0", "R": "SLEEP-REM"}
    rows = [
        f"{code}\tUnknown Position\t{start + datetime.timedelta(seconds=30 * i):%H:%M:%S}\t"
        f"{names.get(code, f'SLEEP-{code}')}"
        f"\t30\tROC-LOC"
        for i, code in enumerate(codes)
    ]
    arousal = f"S2\tUnknown Position\t{start + datetime.timedelta(minutes=10, seconds=4):%H:%M:%S}\tMCAP-A1\t6\tC4-A1"
    rows.insert(21, arousal)
    return (
        f"RemLogic Event Export\nPatient:\tX\nPatient ID:\tn1\nRecording Date:\t{start:%d/%m/%Y}\n\n"
        "Events Included:\n\n"
        "SLEEP-S0\nSLEEP-S1\nSLEEP-S2\nSLEEP-S3\nSLEEP-S4\nSLEEP-REM\nMCAP-A1\n\n"
        "Sleep Stage\tPosition\tTime [hh:mm:ss]\tEvent\tDuration[s]\tLocation\n" + "\n".join(rows) + "\n"
    )


# --- layouts


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A public data set, or the folder of a program, and what a user of it would expect.

    `kind` is ``used``, ``compared``, or ``told`` (a sentence says what to do); `nights`, `scored` and `eeg` are the
    subjects with their sessions, how many nights are read by their scoring, and the channels; `told` is an expression
    of what must be said.
    """

    name: str
    files: Mapping[str, WRITE | str | bytes]
    kind: str = "used"
    nights: str = ""
    scored: int = 0
    minutes: float = 35.0
    eeg: str = ""
    told: str = ""
    settings: str = ""
    study: str = ""

    @property
    def command(self) -> str:
        """What the user types."""
        options = [f"--study {self.study}"] * bool(self.study) + ["--settings own.toml"] * bool(self.settings)
        return " ".join(["swa run FOLDER", *options])


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What `swa inspect` has told, as `Layout` expects it."""

    nights: str = ""
    scored: int = 0
    minutes: frozenset[str] = frozenset()
    eeg: str = ""
    told: str = ""
    lost: tuple[str, ...] = ()  # recordings whose scoring is neither used nor spoken of


def inspect(layout: Layout, folder: Path) -> Outcome:
    """Make a layout in an empty folder and look at it; a refusal is told."""
    root = folder / "data"
    for name, content in layout.files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if callable(content):
            content(path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    settings = check_settings(tomllib.loads(layout.settings)) if layout.settings else None
    try:
        found = inspect_study(root, study_file=root / layout.study if layout.study else None, settings=settings)
    except SwaError as error:
        return Outcome(told=str(error).replace(str(root), "FOLDER"))
    return _outcome(found)


def _outcome(found: Mapping[str, Any]) -> Outcome:
    nights: dict[str, list[str]] = {}
    for night in found["plan"]:
        names = dict.fromkeys([night["session"], night["condition"]])
        nights.setdefault(night["subject"], []).append(": ".join(name for name in names if name != "recording"))
    unused = {Path(each["file"]).name: each["why"] for each in found["scorings"]["unused"]}
    problems = [problem for each in found["recordings"] for problem in each["problems"]]
    unsure = [note for note in found["notes"] if "could stand behind" in note]
    scored = {
        each["recording"]: note
        for each in found["recordings"]
        for note in each["notes"]
        if note.startswith("scored by")
    }
    lost = [
        each["recording"] for each in found["recordings"] if each["recording"] not in scored and not each["problems"]
    ]
    channels = [c["name"] for each in found["recordings"] for c in each["channels"] if c["role"] == "eeg"]
    told = [*unsure, *problems, *(f"{name} is not used: {why}" for name, why in unused.items())]
    return Outcome(
        nights="; ".join(
            f"{subject} ({', '.join(sessions)})" if any(sessions) else subject for subject, sessions in nights.items()
        ),
        scored=len(scored),
        minutes=frozenset(re.findall(r": ([\d.]+) min", " ".join(scored.values()))),
        eeg=", ".join(dict.fromkeys(channels)),
        told="; ".join(dict.fromkeys(told)),
        lost=() if unused else tuple(lost),
    )


SLEEP_EDF = "EEG Fpz-Cz,EEG Pz-Oz,EOG horizontal,Resp oro-nasal,EMG submental,Temp rectal,Event marker"
SHHS = "SaO2,H.R.,EEG(sec),ECG,EMG,EOG(L),EOG(R),EEG,THOR RES,ABDO RES,POSITION,LIGHT,OX stat"
MESA = "EKG,EOG-L,EOG-R,EMG,EEG1,EEG2,EEG3,Pres,Flow,Snore,Thor,Abdo,Leg,Therm,Pos,SpO2,HR,Pleth"
MROS = "C3,C4,A1,A2,LOC,ROC,ECG L,ECG R,L Chin,R Chin,Leg L,Leg R,Airflow,Thoracic,Abdominal,SAO2"
CFS = "C3,C4,M1,M2,LOC,ROC,ECG2,ECG1,EMG1,EMG2,EMG3,L Leg,R Leg,AIRFLOW,THOR EFFORT,ABDO EFFORT,SNORE,PULSE,SpO2"
CHAT = "E1,E2,F3,F4,C3,C4,T3,T4,O1,O2,M1,M2,ECG1,ECG2,Lchin,Cchin,Rchin,Lleg1,Rleg1,Airflow,Chest,ABD,SAO2"
PSG = "F3-M2,F4-M1,C3-M2,C4-M1,O1-M2,O2-M1,E1-M2,E2-M1,Chin1-Chin2,ECG"
MASS = (
    "EEG Fp1-CLE,EEG F3-CLE,EEG C3-CLE,EEG C4-CLE,EEG O1-CLE,EEG A2-CLE,EOG Left Horiz,"
    "EOG Right Horiz,EMG Chin1,ECG ECGI"
)
ISRUC = "LOC-A2,ROC-A1,F3-A2,C3-A2,O1-A2,F4-A1,C4-A1,O2-A1,X1,X2,X3,X4,X5,X6,DC3,X7,X8,SaO2,DC8"
HMC = "EEG F4-M1,EEG C4-M1,EEG O2-M1,EEG C3-M2,EMG chin,EOG E1-M2,EOG E2-M2,ECG"
CAP = (
    "Fp2-F4,F4-C4,C4-P4,P4-O2,F8-T4,F7-T3,Fp1-F3,F3-C3,C3-P3,P3-O1,C4-A1,ROC-LOC,EMG1-EMG2,"
    "ECG1-ECG2,DX1-DX2,SX1-SX2,SAO2,HR,PLETH"
)
BOAS = "PSG_F3,PSG_F4,PSG_C3,PSG_C4,PSG_O1,PSG_O2,PSG_EOGL,PSG_EOGR,PSG_EMG,PSG_THER"
ANPHY = "Fp1,Fp2,F3,F4,C3,C4,P3,P4,O1,O2,F7,F8,T3,T4,Fz,Cz,Pz,M1,M2,LOC,ROC,CHIN1,CHIN2,ECG1"
UCDDB = "Lefteye,RightEye,EMG,C3A2,C4A1,ECG,SpO2,Sound,Flow,Sum,ribcage,abdo,BodyPos,Pulse"
DREAMS = "FP1-A2,CZ-A1,O1-A2,FP2-A1,CZ2-A1,O2-A1,EOG1-A2,EOG2-A1,EMG1,ECG"
WSC = "F3_M2,Fz_AVG,C3_M2,Pz_Cz,O1_M2,E1,E2,cchin_l,ECG,thorax,abdomen,nas_pres,spo2,position,snore"
DOMINO = "C3:A2,C4:A1,F4:A1,O2:A1,EOG1:A2,EOG2:A2,EMG,ECG 2,PLMl,Puls,SPO2,Pleth,Flow Th,Thorax,Lage,Licht,Batterie"
EAR = "ELA,ELB,ELC,ELE,ELI,ELT,ERA,ERB,ERC,ERE,ERI,ERT"
BIDS = {"dataset_description.json": '{"Name": "x", "BIDSVersion": "1.8.0"}'}


def sleep_edf(name: str, scorer: str, night: int) -> dict[str, WRITE | str]:
    """One night of Sleep-EDF."""
    return {
        f"{name}0-PSG.edf": recording(SLEEP_EDF, night=night),
        f"{name}{scorer}-Hypnogram.edf": annotations(RK_STAGES, night),
    }


def nsrr(part: str, name: str, labels: str, rate_hz: int) -> dict[str, WRITE | str]:
    """One night of the NSRR with both of its scorings."""
    root, below = "polysomnography", f"{part}/" if part else ""
    return {
        f"{root}/edfs/{below}{name}.edf": recording(labels, rate_hz),
        f"{root}/annotations-events-nsrr/{below}{name}-nsrr.xml": nsrr_xml(),
        f"{root}/annotations-events-profusion/{below}{name}-profusion.xml": profusion_xml(),
    }


def dreams(subject: int, night: int) -> dict[str, WRITE | str]:
    """One night of the DREAMS Subjects with both of its scorings, in epochs of 5 s."""
    aasm, rk = ([code for code in stages(codes) for _ in range(6)] for codes in ("5,3,2,1,1,4", "5,3,2,1,0,4"))
    return {
        f"subject{subject}.edf": recording(DREAMS, 200, night=night),
        f"HypnogramAASM_subject{subject}.txt": "[HypnogramAASM]\n" + "\n".join(aasm) + "\n",
        f"HypnogramR&K_subject{subject}.txt": "[HypnogramR&K]\n" + "\n".join(rk) + "\n",
    }


def isruc(folder: str, name: str, ending: str = "rec") -> dict[str, WRITE | str]:
    """One night of ISRUC with the scorings of two experts, who differ in an epoch."""
    first = stages("0,1,2,3,3,5")
    second = [*first[:13], "2", *first[14:]]
    return {
        f"{folder}/{name}.{ending}": recording(ISRUC, 200),
        f"{folder}/{name}_1.txt": "\n".join(first) + "\n",
        f"{folder}/{name}_2.txt": "\n".join(second) + "\n",
    }


LAYOUTS = [
    Layout(
        name="Sleep-EDF SC",
        kind="used",
        files=sleep_edf("SC4001E", "C", 1) | sleep_edf("SC4002E", "C", 2) | sleep_edf("SC4011E", "H", 3),
        nights="SC400 (1, 2); SC401 (1)",
        scored=3,
        eeg="Fpz-Cz, Pz-Oz",
    ),
    Layout(
        name="Sleep-EDF ST",
        kind="compared",
        study="ST-subjects.xls",
        files=sleep_edf("ST7011J", "P", 50)
        | sleep_edf("ST7012J", "P", 51)
        | sleep_edf("ST7021J", "M", 52)
        | sleep_edf("ST7022J", "M", 53)
        | {"ST-subjects.xls": zlib.decompress(ST_SUBJECTS)},
        nights="ST701 (1: placebo, 2: temazepam); ST702 (2: placebo, 1: temazepam)",
        scored=4,
        eeg="Fpz-Cz, Pz-Oz",
    ),
    Layout(
        name="SHHS",
        kind="compared",
        files=nsrr("shhs1", "shhs1-200001", SHHS, 125) | nsrr("shhs2", "shhs2-200001", SHHS, 125),
        nights="200001 (visit1, visit2)",
        scored=2,
        eeg="C3-A2, C4-A1",
    ),
    Layout(
        name="MESA",
        files=nsrr("", "mesa-sleep-0001", MESA, 256) | nsrr("", "mesa-sleep-0002", MESA, 256),
        nights="0001; 0002",
        scored=2,
        eeg="Fz-Cz, Cz-Oz, C4-M1",
    ),
    Layout(
        name="MrOS",
        kind="compared",
        files=nsrr("visit1", "mros-visit1-aa0001", MROS, 256) | nsrr("visit2", "mros-visit2-aa0001", MROS, 256),
        nights="aa0001 (visit1, visit2)",
        scored=2,
        eeg="C3-A2, C4-A1",
    ),
    Layout(
        name="CFS",
        files=nsrr("", "cfs-visit5-800002", CFS, 256) | nsrr("", "cfs-visit5-800003", CFS, 256),
        nights="800002; 800003",
        scored=2,
        eeg="C3-M2, C4-M1",
    ),
    Layout(
        name="CHAT",
        kind="compared",
        files=nsrr("baseline", "chat-baseline-300001", CHAT, 200) | nsrr("followup", "chat-followup-300001", CHAT, 200),
        nights="300001 (baseline, followup)",
        scored=2,
        eeg="F3-M2, F4-M1, C3-M2, C4-M1, T3-M2, T4-M1, O1-M2, O2-M1",
    ),
    Layout(name="SOF", files=nsrr("", "sof-visit-8-00001", MROS, 128), nights="00001", scored=1, eeg="C3-A2, C4-A1"),
    Layout(
        name="CCSHS", files=nsrr("", "ccshs-trec-1800001", MROS, 128), nights="1800001", scored=1, eeg="C3-A2, C4-A1"
    ),
    Layout(
        name="HomePAP",
        files=nsrr("lab/full", "homepap-lab-full-1600001", CHAT, 200),
        nights="1600001",
        scored=1,
        eeg="F3-M2, F4-M1, C3-M2, C4-M1, T3-M2, T4-M1, O1-M2, O2-M1",
    ),
    Layout(
        name="ABC",
        kind="compared",
        files=nsrr("baseline", "abc-baseline-900001", CHAT, 256) | nsrr("month09", "abc-month09-900001", CHAT, 256),
        nights="900001 (baseline, month09)",
        scored=2,
        eeg="F3-M2, F4-M1, C3-M2, C4-M1, T3-M2, T4-M1, O1-M2, O2-M1",
    ),
    Layout(
        name="WSC (Twin)",
        files={
            "polysomnography/wsc-visit1-10119-nsrr.edf": recording(WSC, 200, night=4),
            "polysomnography/wsc-visit1-10119-nsrr.allscore.txt": table(
                "22:39:58.00\tSTART RECORDING", "{clock:%H:%M:%S}.00\tSTAGE - {s}", stages("W,N1,N2,N3,N3,R"), 4
            ),
        },
        nights="10119 (visit1)",
        scored=1,
        eeg="F3-M2, Fz-AVG, C3-M2, Pz-Cz, O1-M2",
    ),
    Layout(
        name="WSC (Gamma)",
        kind="told",
        files={
            "polysomnography/wsc-visit1-10120-nsrr.edf": recording(
                "L OCC,R OCC,L CENT,R CENT,L EOG,R EOG,CHIN EMG,ECG", night=4
            ),
            "polysomnography/wsc-visit1-10120-nsrr.stg.txt": table(
                "Epoch\tUser-Defined Stage\tCAP-Defined Stage", "{n}\t{s}\t{s}", stages("0,1,2,3,4,5")
            ),
        },
        nights="10120 (visit1)",
        told=(
            r"no EEG channel was recognised among its 8 signals.*\[channels\] roles.*stg\.txt is "
            r"not used: its name is not quite that"
        ),
    ),
    Layout(
        name="NCHSDB",
        files={
            "sleep_data/10000_17728.edf": recording(
                "Patient Event,EOG LOC-M2,EOG ROC-M1,EMG Chin1-Chin2,EEG F3-M2,EEG F4-M1,"
                "EEG C3-M2,EEG C4-M1,EEG O1-M2,EEG O2-M1,EEG CZ-O1,EMG LLeg-RLeg,ECG EKG2-EKG,Snore",
                256,
            ),
            "sleep_data/10000_17728.tsv": table("onset\tduration\tdescription", "{t}.0\t30.0\t{s}", SLEEP_STAGES)
            + "100.5\t12.0\tObstructive Hypopnea\n",
        },
        nights="10000_17728",
        scored=1,
        eeg="F3-M2, F4-M1, C3-M2, C4-M1, O1-M2, O2-M1, Cz-O1",
    ),
    Layout(
        name="STAGES",
        files={
            "original/STAGES PSGs/BOGN/BOGN00004.edf": recording(
                "EEG_C3-A2,EEG_C4-A1,EEG_O1-A2,EEG_O2-A1,EOG_LOC-A2,EMG_Chin", 200, night=5
            ),
            "original/STAGES PSGs/BOGN/BOGN00004.csv": table(
                "Start Time,Duration (seconds),Event",
                "{clock:%H:%M:%S},30, {s}",
                stages("Wake,Stage1,Stage2,Stage3,Stage3,REM"),
                5,
            )
            + "22:52:13,0, Custom User Event 4\n",
        },
        nights="BOGN00004",
        scored=1,
        eeg="C3-A2, C4-A1, O1-A2, O2-A1",
    ),
    Layout(
        name="HSP (BDSP, S0001)",
        files={
            f"bids/S0001/sub-S0001111189359/ses-{ses}/eeg/sub-S0001111189359_ses-{ses}_task-psg_{what}": content
            for ses in (1, 2)
            for what, content in {
                "eeg.edf": recording(PSG, 200, night=5 + ses),
                "annotations.csv": table(
                    "epoch,time,duration,event", "{n},{clock:%H:%M:%S},30,Sleep_stage_{s}", AASM, 5 + ses
                )
                + "13,22:46:10,12,Hypopnea\n",
            }.items()
        },
        nights="S0001111189359 (1, 2)",
        scored=2,
        eeg="F3-M2, F4-M1, C3-M2, C4-M1, O1-M2, O2-M1",
    ),
    Layout(
        name="MASS SS1, SS3",
        files={
            "01-03-0001 PSG.edf": recording(MASS, 256, night=7),
            "01-03-0001 Base.edf": annotations(SLEEP_STAGES, 7),
            "01-03-0002 PSG.edf": recording(MASS, 256, night=8),
            "01-03-0002 Base.edf": annotations(SLEEP_STAGES, 8),
        },
        nights="01-03-0001; 01-03-0002",
        scored=2,
        eeg="Fp1-A2, F3-A2, C3-A2, C4-CLE, O1-A2",
    ),
    Layout(
        name="MASS SS2, SS4, SS5",
        files={
            "01-02-0001 PSG.edf": recording(MASS, 256, night=7, minutes=110 / 3),
            "01-02-0001 Base.edf": annotations(
                stages("Sleep stage W,Sleep stage 1,Sleep stage 2,Sleep stage 3,Sleep stage 4,Sleep stage R"), 7, 20
            ),
        },
        nights="01-02-0001",
        scored=1,
        minutes=23.3,
        eeg="Fp1-A2, F3-A2, C3-A2, C4-CLE, O1-A2",
    ),
    Layout(
        name="ISRUC I",
        files=isruc("1", "1") | isruc("2", "2"),
        settings='scoring.column = "1"',
        nights="1; 2",
        scored=2,
        eeg="F3-A2, C3-A2, O1-A2, F4-A1, C4-A1, O2-A1",
        told=r"1_2\.txt is not used: another scoring",
    ),
    Layout(
        name="ISRUC I without settings",
        kind="told",
        files=isruc("1", "1") | isruc("2", "2"),
        nights="1; 2",
        eeg="F3-A2, C3-A2, O1-A2, F4-A1, C4-A1, O2-A1",
        told=r"1_1\.txt and 1_2\.txt .* differ; name one in the column hypnogram",
    ),
    Layout(
        name="ISRUC II",
        files=isruc("1/1", "1") | isruc("1/2", "2") | isruc("2/1", "1") | isruc("2/2", "2"),
        settings='scoring.column = "1"',
        nights="1 (1, 2); 2 (1, 2)",
        scored=4,
        eeg="F3-A2, C3-A2, O1-A2, F4-A1, C4-A1, O2-A1",
        told=r"1_2\.txt is not used: another scoring",
    ),
    Layout(
        name="HMC",
        files={
            "recordings/SN001.edf": recording(HMC, 256, night=9),
            "recordings/SN001_sleepscoring.edf": annotations(SLEEP_STAGES, 9, other="Lights off@@EEG F4-A1"),
            "recordings/SN001_sleepscoring.txt": table(
                "Date, Time, Recording onset, Duration, Annotation, Linked channel",
                "{clock:%Y-%m-%d}, {clock:%H:%M:%S}, {t}.0000, 30, {s}, ",
                SLEEP_STAGES,
                9,
            ),
        },
        nights="SN001",
        scored=1,
        eeg="F4-M1, C4-M1, O2-M1, C3-M2",
    ),
    Layout(
        name="CAP",
        files={
            "n1.edf": recording(CAP, 512, night=10),
            "n1.txt": remlogic(10),
            "n1.edf.st": "x",
            "nfle1.edf": recording(CAP, 512, night=11),
            "nfle1.txt": remlogic(11),
        },
        nights="n1; nfle1",
        scored=2,
        eeg="Fp2-F4, F4-C4, C4-P4, P4-O2, F8-T4, F7-T3, Fp1-F3, F3-C3, C3-P3, P3-O1, C4-A1",
    ),
    Layout(
        name="DREAMS Subjects",
        files=dreams(1, 12) | dreams(2, 13),
        nights="subject1; subject2",
        scored=2,
        eeg="Fp1-A2, Cz-A1, O1-A2, Fp2-A1, O2-A1",
    ),
    Layout(
        name="DOD-H as HDF5",
        kind="told",
        files={
            "dod_h/095d6e40-5f19-55b6-a0ec-6e0ad3793da0.h5": "x",
            "scorers/095d6e40-5f19-55b6-a0ec-6e0ad3793da0.json": "[0, 1, 2]",
        },
        told=r"holds 1 \.h5, 1 \.json.*export yours as EDF",
    ),
    Layout(
        name="DOD-H, DOD-O as EDF",
        files={
            "095d6e40-5f19-55b6-a0ec-6e0ad3793da0.edf": recording(
                "C3_M2,C4_M1,F3_F4,F3_M2,F3_O1,F4_M1,F4_O2,FP1_F3,FP1_M2,FP1_O1,FP2_F4,FP2_M1,FP2_O2,O1_M2,O2_M1,EOG1,EOG2,EMG,ECG",
                250,
            ),
            "095d6e40-5f19-55b6-a0ec-6e0ad3793da0.json": json.dumps([int(code) for code in stages("0,1,2,3,3,4")]),
        },
        nights="095d6e40-5f19-55b6-a0ec-6e0ad3793da0",
        scored=1,
        eeg=(
            "C3-M2, C4-M1, F3-F4, F3-M2, F3-O1, F4-M1, F4-O2, Fp1-F3, Fp1-M2, Fp1-O1, Fp2-F4, "
            "Fp2-M1, Fp2-O2, O1-M2, O2-M1"
        ),
    ),
    Layout(
        name="BOAS (ds005555)",
        kind="told",
        files=BIDS
        | {
            f"sub-{sub}/eeg/sub-{sub}_task-Sleep_acq-{what}": content
            for sub in (1, 2)
            for what, content in {
                "psg_eeg.edf": recording(BOAS, 256, night=13 + sub),
                "headband_eeg.edf": recording("HB_1,HB_2,HB_PULSE,HB_IMU_1", 256, night=13 + sub),
                "psg_events.tsv": table(
                    "onset\tduration\tbegsample\tendsample\tstage_hum\tstage_ai",
                    "{t}\t30\t0\t0\t{s}\t2",
                    stages("0,1,2,3,3,4"),
                ),
                "headband_events.tsv": table(
                    "onset\tduration\tbegsample\tendsample\tstage_hum\tstage_ai",
                    "{t}\t30\t0\t0\t{s}\t2",
                    stages("0,1,2,3,3,4"),
                ),
            }.items()
        },
        nights="1 (headband, psg); 2 (headband, psg)",
        scored=4,
        eeg="F3, F4, C3, C4, O1, O2",
        told=r"begins at the same second as .*acq-headband.*leave one out \(--exclude\)",
    ),
    Layout(
        name="EESM17 (ds004348)",
        files=BIDS
        | {
            "sub-001/ses-001/eeg/sub-001_ses-001_task-sleep_eeg.set": eeglab(
                "ELA,ELB,ELC,F3,C3,O1,F4,C4,O2,M1,M2,EOGr,EOGl,EMG"
            ),
            "sub-001/ses-001/eeg/sub-001_ses-001_task-sleep_acq-scoring_events.tsv": table(
                "onset\tduration\tstaging", "{t}\t0\t{s}", stages("1,3,4,5,5,2")
            ),
            "sub-001/ses-001/eeg/sub-001_ses-001_task-sleep_acq-scoring_events.json": json.dumps(
                {"staging": {"Levels": {"1": "Wake", "2": "REM", "3": "N1", "4": "N2", "5": "N3", "8": "Unscored"}}}
            ),
        },
        nights="001 (001)",
        scored=1,
        eeg="F3-M2, C3-M2, O1-M2, F4-M1, C4-M1, O2-M1",
    ),
    Layout(
        name="EESM19 (ds005178)",
        kind="told",
        files=BIDS
        | {
            f"sub-001/ses-{ses}/eeg/sub-001_ses-{ses}_task-sleep_acq-{what}": content
            for ses in ("001", "002")
            for what, content in {
                "earEEG_eeg.set": eeglab(EAR),
                "PSG_eeg.set": eeglab("F3,C3,O1,F4,C4,O2,M1,M2,EOGr,EOGl,EMG"),
                "scoring_events.tsv": table("onset\tduration\tstaging", "{t}\t0\t{s}", stages("1,3,4,5,5,2")),
                "scoring_events.json": json.dumps(
                    {"staging": {"Levels": {"1": "Wake", "2": "REM", "3": "N1", "4": "N2", "5": "N3", "8": "Unscored"}}}
                ),
            }.items()
        },
        nights="001 (001 task-sleep acq-earEEG, 001 task-sleep acq-PSG, "
        "002 task-sleep acq-earEEG, 002 task-sleep acq-PSG)",
        scored=4,
        eeg="F3-M2, C3-M2, O1-M2, F4-M1, C4-M1, O2-M1",
        told=r"could stand behind ses- \(001, 002\) or acq- \(earEEG, PSG\).*a study file",
    ),
    Layout(
        name="Surrey (ds005207)",
        files=BIDS
        | {
            "sub-001/ses-001/eeg/sub-001_ses-001_task-sleep_acq-PSG_eeg.set": eeglab(
                "F3,C3,O1,F4,C4,O2,A1,A2,EOGl,EOGr,EMG"
            ),
            "sub-001/ses-001/eeg/sub-001_ses-001_task-sleep_acq-PSGScoring_events.tsv": table(
                "onset\tduration\tstaging", "{t}\t0\t{s}", stages("1,3,4,5,5,2")
            ),
        },
        settings='scoring.codes = { "1" = "W", "2" = "R", "3" = "N1", "4" = "N2", "5" = "N3" }',
        nights="001 (001)",
        scored=1,
        eeg="F3-A2, C3-A2, O1-A2, F4-A1, C4-A1, O2-A1",
    ),
    Layout(
        name="ANPHY-Sleep",
        files={
            "EPCTL01/EPCTL01.edf": recording(ANPHY, 1000),
            "EPCTL01/EPCTL01.txt": table("", "{s}\t{t}\t30", ["L", *AASM[1:]]),
        },
        nights="EPCTL01",
        scored=1,
        eeg=(
            "Fp1-M2, Fp2-M1, F3-M2, F4-M1, C3-M2, C4-M1, P3-M2, P4-M1, O1-M2, O2-M1, F7-M2, "
            "F8-M1, T3-M2, T4-M1, Fz-M1, Cz-M1, Pz-M1"
        ),
    ),
    Layout(
        name="UCDDB (St. Vincent's)",
        kind="used",
        files={
            "ucddb002.rec": recording(UCDDB, 128),
            "ucddb002_stage.txt": "\n".join(stages("0,2,3,4,5,1")) + "\n",
            "ucddb002_respevt.txt": "Time  Type  PB/CS\n00:10:22 HYP-C\n",
            "ucddb002_lifecard.edf": recording("chan 1,chan 2,chan 3", 128),
            "SubjectDetails.xls": "x",
        },
        nights="ucddb002",
        scored=1,
        eeg="C3-A2, C4-A1",
    ),
    Layout(
        name="PhysioNet 2018",
        kind="told",
        files={f"training/tr03-0005/tr03-0005.{ending}": "x" for ending in ("mat", "hea", "arousal")},
        told=r"holds 1 \.arousal, 1 \.hea, 1 \.mat.*export yours as EDF",
    ),
    Layout(
        name="DOMINO export",
        files={
            f"S0{n}/{name}": content
            for n in (1, 2)
            for name, content in {
                "S1.edf": recording("C3:A2,C4:A1,F4:A1,O2:A1,EOG1:A1,EMG1,EKG,SPO2", 256, night=20 + n),
                "Sleep profile.txt": domino(stages("Wake,N1,N2,N3,N3,REM"), 20 + n),
            }.items()
        },
        nights="S01/S1; S02/S1",
        scored=2,
        eeg="C3-A2, C4-A1, F4-A1, O2-A1",
    ),
    Layout(
        name="DOMINO export, two conditions, German",
        kind="compared",
        files={
            f"VP0{n}/{folder}/{name}": content
            for n in (1, 2)
            for night, word in enumerate(("Placebo", "Verum"), 22 + 2 * n)
            for folder in [f"VP0{n}_{word}"]
            for name, content in {
                f"VP0{n}_{word}.edf": recording(DOMINO, 256, night=night),
                "Analysedaten/Schlafprofil.txt": domino(stages("Wach,N1,N2,N3,N3,Rem"), night),
                "Analysedaten/Flow Events.txt": "Signal ID: FlowD\\flow\nUnit: s\nSignal Type: Impuls\n\n"
                "22:41:31,513-22:41:42,736; 11;Hypopnoe\n",
            }.items()
        },
        nights="VP01 (Placebo, Verum); VP02 (Placebo, Verum)",
        scored=4,
        eeg="C3-A2, C4-A1, F4-A1, O2-A1",
    ),
    Layout(
        name="Compumedics Profusion export",
        files={"S01.edf": recording("C3-M2,C4-M1,F3-M2,E1-M2,EMG", 256), "S01.edf.XML": profusion_xml()},
        nights="S01",
        scored=1,
        eeg="C3-M2, C4-M1, F3-M2",
    ),
    Layout(
        name="RemLogic export",
        files={
            "S01_placebo.edf": recording(HMC, 200, night=30),
            "S01_placebo.txt": remlogic(30),
            "S01_drug.edf": recording(HMC, 200, night=31),
            "S01_drug.txt": remlogic(31),
        },
        kind="compared",
        nights="S01 (drug, placebo)",
        scored=2,
        eeg="F4-M1, C4-M1, O2-M1, C3-M2",
    ),
    Layout(
        name="ZMax (Hypnodyne)",
        files={
            f"night{n}/{name}.edf": recording(name, 256, night=40 + n)
            for n in (1, 2)
            for name in ("BODY TEMP", "dX", "dY", "dZ", "EEG L", "EEG R", "LIGHT", "NOISE", "OXY_IR_AC")
        }
        | {f"night{n}/hypnogram.txt": "\n".join(AASM) for n in (1, 2)},
        nights="night1; night2",
        scored=2,
        eeg="EEG L, EEG R",
    ),
    Layout(
        name="YASA",
        files={
            "night1.edf": recording(PSG),
            "night1_hypno.csv": table("Epoch,Stage", "{i},{s}", stages("WAKE,N1,N2,N3,N3,REM")),
        },
        nights="night1",
        scored=1,
        eeg="F3-M2, F4-M1, C3-M2, C4-M1, O1-M2, O2-M1",
    ),
    Layout(
        name="Luna",
        files={
            "edfs/id1.edf": recording(PSG),
            "annots/id1.annot": table(
                "# NREM2 | stage\nclass\tinstance\tchannel\tstart\tstop\tmeta", "{s}\t.\t.\t{t}\t...\t.", AASM
            ),
            "edfs/id2.edf": recording(PSG),
            "annots/id2.eannot": "\n".join(stages("W,N1,N2,N3,N3,R")) + "\n",
        },
        nights="id1; id2",
        scored=2,
        eeg="F3-M2, F4-M1, C3-M2, C4-M1, O1-M2, O2-M1",
    ),
    Layout(
        name="DeepSleepNet",
        kind="told",
        files={"data/eeg_fpz_cz/SC4001E0.npz": "x"},
        told=r"holds 1 \.npz.*export yours as EDF",
    ),
    Layout(
        name="BrainVision with stages",
        files={"S01.vhdr": brainvision("C3,C4,M1,M2", SLEEP_STAGES)},
        nights="S01",
        scored=1,
        eeg="C3-M2, C4-M1",
    ),
    Layout(
        name="EEGLAB with stages",
        files={"S01.set": eeglab("C3,C4,M1,M2", events=SLEEP_STAGES)},
        nights="S01",
        scored=1,
        eeg="C3-M2, C4-M1",
    ),
    Layout(
        name="stages in the EDF+",
        files={"S01.edf": annotations(SLEEP_STAGES, 41, labels="C3-M2,C4-M1")},
        nights="S01",
        scored=1,
        eeg="C3-M2, C4-M1",
    ),
]


def row(layout: Layout, outcome: Outcome) -> str:
    """A row of the table of the documentation."""
    names = [f"`{name}`" for name in layout.files]
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    command = f"`{layout.command}`" + (f" with `{layout.settings}` in it" if layout.settings else "")
    scored = f"{outcome.nights}: {outcome.scored} scored; EEG {outcome.eeg}" if outcome.nights else ""
    told = outcome.told if len(outcome.told) < 400 else f"{outcome.told[:380]} …"
    return f"| {layout.name} | {shown} | {command} | {layout.kind} | {'; '.join(filter(None, [scored, told]))} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    lines = ["| data set | its files | command | | outcome |", "| --- | --- | --- | --- | --- |"]
    for layout in LAYOUTS:
        with tempfile.TemporaryDirectory() as folder:
            lines.append(row(layout, inspect(layout, Path(folder))))
    made = "\n".join(lines)
    print(made)
    kinds = [layout.kind for layout in LAYOUTS]
    print(f"{len(kinds)} layouts: {', '.join(f'{kinds.count(kind)} {kind}' for kind in ('compared', 'used', 'told'))}")
    if arguments.write:
        text = arguments.write.read_text(encoding="utf-8")
        before, after = text.split(BEGIN)[0], text.split(END)[-1]
        arguments.write.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
