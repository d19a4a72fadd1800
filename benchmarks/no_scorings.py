"""What looks like a scoring: false alarms on tables that are none, misses on real scorings.

`python -m benchmarks.no_scorings` prints both. The thresholds of `swa.sleep.formats.likeness` and
`swa.sleep.formats.codes` were set by them.
"""

import datetime
import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from swa.errors import ScoringError
from swa.settings import ScoringSettings, Settings
from swa.sleep.formats.document import Document
from swa.sleep.formats.likeness import reads_as_scoring
from swa.sleep.scoring import read_scoring
from swa.study.plan.manifest import plan_study

_START = datetime.datetime(2024, 3, 1, 22, 40)
_RK = {"W": "0", "N1": "1", "N2": "2", "N3": "3", "R": "5", "UNS": "9"}


def _clock(i: int, step_s: float = 30.0, form: str = "%d.%m.%Y %H:%M:%S") -> str:
    return f"{_START + datetime.timedelta(seconds=step_s * i):{form}}"


def _table(titles: str, rows: Iterator[Sequence[object]], mark: str = ";") -> str:
    return (
        "\n".join([*([titles.replace(";", mark)] * bool(titles)), *(mark.join(map(str, row)) for row in rows)]) + "\n"
    )


def no_scorings(seed: int = 1) -> dict[str, str]:
    """Text by name of tables as sleep labs have them beside their recordings, none of them a scoring."""
    rng = np.random.default_rng(seed)

    def draw(items: Sequence[object]) -> object:
        return items[int(rng.integers(len(items)))]

    def runs(items: Sequence[object], n: int, stay: float) -> list[object]:
        found = [draw(items)]
        while len(found) < n:
            found.append(found[-1] if rng.random() < stay else draw(items))
        return found

    stages = ("N1", "N2", "N2", "N2", "N3", "N3", "REM")
    subjects = [f"S{i:02d}" for i in range(1, 31)]
    onset = np.sort(rng.uniform(600, 28000, 400)).round(2)
    return {
        "psqi": _table("subject;" + ";".join(f"item{i}" for i in range(1, 20)),
                       ([s, *rng.integers(0, 4, 19)] for s in subjects)),
        "ess": _table("", (rng.integers(0, 4, 8).tolist() for _ in subjects), " "),
        "questionnaire": _table("", (rng.integers(0, 5, 21).tolist() for _ in range(120)), "\t"),
        "likert": _table("", ([x] for x in rng.integers(0, 5, 150))),
        "kss": _table("Zeit;KSS", ((_clock(60 * i), rng.integers(1, 10)) for i in range(40))),
        "kss_list": _table("", ([x] for x in rng.integers(1, 10, 96))),
        "diary": _table("date;bedtime;lights_out;sol_min;wake;awakenings",
                        ((_clock(2880 * i, form="%d.%m.%Y"), "23:10", "23:25", rng.integers(5, 60), "06:50",
                          rng.integers(0, 5)) for i in range(14))),
        "actigraphy": _table("Datum;Aktivität", ((_clock(i, 60), rng.poisson(8)) for i in range(1440))),
        "actigraphy_state": _table("Line,Date,Time,Activity,White Light,Sleep/Wake,Interval Status".replace(",", ";"),
                                   ((i + 1, _clock(i, form="%d/%m/%Y"), _clock(i, form="%H:%M:%S"), rng.poisson(8),
                                     f"{rng.uniform(0, 9):.2f}", rng.integers(0, 2), draw(("ACTIVE", "REST", "REST-S")))
                                    for i in range(900)), ","),
        "actigraphy_sleep": _table("time;state", ((_clock(i), s)
                                                  for i, s in enumerate(runs(("Wake", "Sleep"), 900, 0.9)))),
        "actigraphy_flags": _table("", ([s] for s in runs((0, 1), 900, 0.9))),
        "actigraphy_letters": _table("", ([s] for s in runs(("W", "S"), 900, 0.9))),
        "spindles": _table("Start;Peak;End;Duration;Amplitude;Frequency;Stage;Channel",
                           ((f"{t}", f"{t + 0.4:.2f}", f"{t + 0.9:.2f}", 0.9, f"{rng.uniform(20, 60):.1f}",
                             f"{rng.uniform(11, 15):.1f}", draw((2, 2, 3)), draw(("C3", "C4"))) for t in onset), ","),
        "slow_waves": _table("Start;NegPeak;MidCrossing;PosPeak;End;Duration;PTP;Slope;Frequency;Stage;Channel",
                             ((f"{t}", f"{t + 0.3:.2f}", f"{t + 0.5:.2f}", f"{t + 0.8:.2f}", f"{t + 1:.2f}", 1.0, 120,
                               400, 1.0, draw(("N2", "N3")), "Fz") for t in onset), ","),
        "respiration": _table("onset;duration;event;stage",
                              ((t, rng.integers(10, 40), draw(("Hypopnea", "Obstructive apnea")), draw(stages))
                               for t in onset[::4]), "\t"),
        "domino_flow": "Signal ID: FlowDR\\flow\nStart Time: 01.03.2024 22:40:00\nUnit: s\nSignal Type: Impuls\n\n"
        + "".join(f"{_clock(i, 90, '%H:%M:%S')},000-{_clock(i + 1, 90, '%H:%M:%S')},000; 12;Hypopnoe;{draw(stages)}\n"
                  for i in range(90)),
        "arousals": _table("Time [hh:mm:ss];Event;Stage", ((_clock(i, 200, "%H:%M:%S"), "AROUSAL", draw(stages))
                                                           for i in range(90)), ","),
        "leg_movements": _table("onset;duration;side", ((t, 1.5, draw("LR")) for t in onset)),
        "position": _table("", ([s] for s in runs(("supine", "left", "right", "prone"), 900, 0.98))),
        "position_codes": _table("", ([s] for s in runs((0, 1, 2, 3), 900, 0.98))),
        "spo2": _table("time;SpO2", ((_clock(i), rng.integers(88, 99)) for i in range(900))),
        "pulse": _table("", ([x] for x in rng.integers(48, 80, 900))),
        "temperature": _table("Uhrzeit;Temperatur", ((_clock(i, 600, "%H:%M"), f"{36.5 + rng.normal(0, 0.2):.2f}")
                                                     for i in range(48))),
        "melatonin": _table("sample;time;pg_ml", ((i, _clock(i, 1800, "%H:%M"), f"{rng.uniform(1, 80):.1f}")
                                                  for i in range(14))),
        "medication": _table("subject;drug;dose_mg;time;route",
                             ((s, draw(("ketamine", "placebo", "zolpidem")), draw((0, 5, 10, 25)), "22:00",
                               draw(("iv", "po"))) for s in subjects)),
        "randomisation": _table("Proband;Nacht 1;Nacht 2", ((s, *draw((("V", "P"), ("P", "V")))) for s in subjects)),
        "participants": _table("participant_id;sex;age;group;hand", ((s, draw("mw"), rng.integers(18, 70), draw((1, 2)),
                                                                      draw("RL")) for s in subjects), "\t"),
        "pvt": _table("", ([x] for x in rng.integers(180, 600, 120))),
        "n_back": _table("trial;stimulus;response", ((i, draw((1, 2, 3, 4)), draw((0, 1))) for i in range(200))),
        "n_back_list": _table("", ([draw((1, 2, 3, 4))] for _ in range(200))),
        "blocks": _table("", ([1 + i // 30 % 4] for i in range(240))),
        "word_pairs": _table("pair;answer", ((i, draw("RW")) for i in range(80))),
        "stimulation": _table("time_s;event;phase;stage", ((t, draw(("click", "sham")), rng.integers(0, 360), "N3")
                                                           for t in onset), ","),
        "triggers": _table("", ((t, draw((1, 2, 3, 4, 8))) for t in onset), "\t"),
        "minutes_by_stage": _table("subject;stage;minutes", ((s, stage, rng.integers(5, 200)) for s in subjects
                                                             for stage in ("W", "N1", "N2", "N3", "REM"))),
        "minutes_wide": _table("subject;TST;N1;N2;N3;REM;SOL", ((s, *rng.integers(5, 400, 6)) for s in subjects)),
        "power_by_stage": _table("stage;band;power", ((stage, band, f"{rng.uniform(0, 9):.3f}")
                                                      for stage in ("N1", "N2", "N3", "REM")
                                                      for band in ("delta", "theta", "alpha", "sigma", "beta")), ","),
        "agreement": _table(";W;N1;N2;N3;REM", ((s, *rng.integers(0, 400, 5)) for s in ("W", "N1", "N2", "N3", "REM"))),
        "dreams": _table("awakening;stage;recall;words", ((i, draw(("N2", "REM", "N3")), draw(("yes", "no")),
                                                           rng.integers(0, 200)) for i in range(1, 9))),
        "channels": _table("name;type;units", ((n, "EEG", "uV") for n in ("F3", "F4", "C3", "C4", "O1", "O2")), "\t"),
        "confounds": _table("csf;white_matter;rot_x", (rng.normal(size=3).round(4).tolist() for _ in range(200)), "\t"),
        "log": "".join(f"{_clock(i, 400, '%H:%M:%S')} {draw(('impedance', 'calibration', 'toilet', 'N2 seen'))}\n"
                       for i in range(40)),
        "letter": "Dear all,\nno REM in night 2, N3 was long.\nBest\nM.\n",
        "clinic": _table("patient;diagnosis;age", ((s, draw(("CKD stage 3", "stage II")), rng.integers(40, 90))
                                                   for s in subjects)),
    }  # fmt: skip


def as_files(stages: Sequence[str]) -> dict[str, str]:
    """A scoring in the forms of labs; those with `broken` have a word for N3, or for a row, that is not known."""
    tief = ["Tief" if s == "N3" else s for s in stages]
    one = [*stages[: len(stages) // 2], "Tief", *stages[len(stages) // 2 + 1 :]]
    return {
        "words": "\n".join(stages),
        "digits": "\n".join(_RK[s] for s in stages),
        "aasm": "\n".join({"R": "4"}.get(s, _RK[s]) for s in stages),
        "epochs": _table("epoch;stage", enumerate(stages, start=1)),
        "clock": _table("time;stage", ((_clock(i), s) for i, s in enumerate(stages))),
        "stretches": _table("onset;duration;stage", ((30 * i, 30, s) for i, s in enumerate(stages)), "\t"),
        "json": json.dumps(list(stages)),
        "broken, a row": "\n".join(one),
        "broken, epochs": _table("epoch;stage", enumerate(one, start=1)),
        "broken, N3": "\n".join(tief),
        "broken, N3 by clock": _table("time;stage", ((_clock(i), s) for i, s in enumerate(tief))),
    }


def real_nights(data: Path) -> list[list[str]]:
    """Stages of the public scorings that lie in a folder."""
    nights = []
    for path in sorted(data.rglob("*")):
        if path.suffix in (".tsv", ".json") and path.name not in ("nights.tsv", "dataset_description.json"):
            try:
                nights.append(read_scoring(path, ScoringSettings(column="stage_hum")).stages.tolist())
            except ScoringError:
                continue
    return nights


def outcome(folder: Path, name: str, text: str) -> str:
    """What becomes of a file beside an only recording: used, asked, told, or nothing."""
    for path in folder.iterdir():
        path.unlink()
    (folder / "S1.edf").write_text("")
    (folder / name).write_text(text)
    study = plan_study(folder, None, Settings())
    if study.nights["hypnogram"].iloc[0]:
        return "used"
    return "asked" if study.nights["problem"].iloc[0] else "told" if study.scorings.unused else ""


def looks(folder: Path, name: str, text: str) -> bool:
    """Whether a text looks like a scoring."""
    (folder / name).write_text(text)
    return reads_as_scoring(Document(path=folder / name), ScoringSettings())


def _misses(nights: Sequence[Sequence[str]], look: Callable[[str], str]) -> None:
    for kind in as_files(["W"] * 200):
        texts = [as_files(night)[kind] for night in nights]
        found = Counter(map(look, texts))
        print(f"  {kind:22} {dict(found)}")


def main() -> None:
    """Print what is taken for a scoring."""
    data = Path(os.environ.get("SWA_SHARED_DATA", "")) / "scorings"
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        print("Tables that are no scorings: looks alike; as S1.csv, S1_x.csv, x.csv beside S1.edf")
        for name, text in no_scorings().items():
            alike = looks(folder, "x.csv", text)
            became = [outcome(folder, called, text) for called in ("S1.csv", "S1_x.csv", "x.csv")]
            if alike or any(became):
                print(f"  {name:22} {alike!s:6} {became}")
        nights = real_nights(data)
        print(f"{len(nights)} real scorings as S1.txt")
        _misses(nights, lambda text: outcome(folder, "S1.json" if text[0] == "[" else "S1.txt", text))
        for minutes in (20, 30, 45):
            rng = np.random.default_rng(minutes)
            naps = []
            for night in nights:
                asleep = next(i for i, stage in enumerate(night) if stage not in ("W", "UNS"))
                begin = max(asleep - int(rng.integers(5, 20)), 0)
                naps.append(night[begin : begin + 2 * minutes])
            print(f"naps of {minutes} min from the same nights")
            _misses(naps, lambda text: outcome(folder, "S1.json" if text[0] == "[" else "S1.txt", text))


if __name__ == "__main__":
    main()
