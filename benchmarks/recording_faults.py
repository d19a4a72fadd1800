"""Which faults of a recording are noticed, how often clean nights are doubted, and what a fault does to the result.

    python benchmarks/recording_faults.py [--nights 3] [--clean 20]

A subject has a clean baseline night and a treatment night (effect × 1.2 on SWA) of 1.5 h, 5 EEG channels, 100 Hz, true
stages; the fault strikes the treatment night. *Detected*: the night or the subject's contrast is not `sound`, or a
channel is left out. *Moved*: by how much the fault changes the ratio of SWA (N2+N3, whole night, mean of ln over the
channels that are left), without any artefact rule and with all of it. Targets: false alarms on clean pairs <= 2 % of
nights; the strong faults all detected. The gain check alone doubts up to 7 % of clean pairs, by its 95 % limits.
"""

import argparse
import time

import mne
import numpy as np
import yasa

import swa
from swa.comparison.comparability import NightFacts, compare_facts, control_powers
from swa.comparison.verdicts import judge_contrasts
from swa.measures.quality import find_bad_channels, judge_night
from swa.recordings.simulate import NightPlan, simulate_night
from swa.recordings.simulated_faults import FAULTS, add_fault
from swa.settings import ArtifactSettings, QualitySettings, Settings

CHANNELS = ("F3-M2", "F4-M1", "C3-M2", "C4-M1", "O1-M2")
OUT_OF_REACH = ArtifactSettings(
    muscle_factor=1e9, amplitude_uv=1e9, focal_factor=1e9, flat_uv=1e-9, clipped_samples=10**6
)
SHORT = QualitySettings(nrem_min=20)  # nights of 1.5 h
NAMES = {"W": "WAKE", "R": "REM"}


def analyze(night, limits=None):
    raw = mne.io.RawArray(
        np.array([night.signals_uv[name] for name in CHANNELS]) * 1e-6,
        mne.create_info(list(CHANNELS), 100.0, "eeg"),
        verbose="error",
    )
    stages = yasa.Hypnogram([NAMES.get(stage, stage) for stage in night.stages], n_stages=5, freq="30s")
    return swa.analyze_night(raw, stages, Settings(artifacts=limits or ArtifactSettings()))


def facts_of(night, condition):
    from swa.comparison.comparability import _rejected

    minutes = night.waves.analysed_min
    nrem = minutes[minutes["stage"].isin(["N2", "N3"])].groupby("channel")["minutes"].sum()
    return NightFacts(
        subject="S",
        session=condition,
        condition=condition,
        controls=control_powers(night.spectra, Settings().comparability),
        header={},
        nrem_min={str(name): float(value) for name, value in nrem.items()},
        rejected=_rejected(night.rejection),
        clipped=night.summary["clipped_waves_share"],
        below_band={name: share for name, share in night.summary["below_band_share"].items() if share is not None},
    )


def swa_ratio(treated, before, dropped=()):
    values = []
    for night in (treated, before):
        rows = night.measures
        rows = rows[(rows["stages"] == "NREM") & (rows["window"] == "night") & (rows["measure"] == "swa")]
        values.append(np.log(rows[~rows["channel"].isin(dropped)].set_index("channel")["value"]))
    return float((values[0] - values[1]).mean())


def doubts(treated, before):
    """What is not sound: by the treatment night alone, by its comparison, and the channels left out."""
    import pandas as pd

    settings = Settings()
    verdict, reasons = judge_night(treated.summary, settings.artifacts, SHORT)
    bad = {*find_bad_channels(treated.summary), *find_bad_channels(before.summary)}
    table = compare_facts([facts_of(treated, "drug"), facts_of(before, "baseline")], [("S", "drug:baseline")], settings)
    contrasts = pd.DataFrame(
        {"subject": "S", "contrast": "drug:baseline", "channel": CHANNELS, "measure": "swa", "window": "night"}
    )
    nights = pd.DataFrame({"subject": "S", "session": ["drug", "baseline"], "condition": ["drug", "baseline"]})
    judged = judge_contrasts(contrasts, table, nights, settings.comparability)
    return (
        verdict != "sound",
        (judged["verdict"] != "sound").any(),
        bad,
        [*reasons, *judged["verdict_reasons"].unique()],
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nights", type=int, default=3)
    parser.add_argument("--clean", type=int, default=20)
    arguments = parser.parse_args()
    began = time.perf_counter()
    pairs, night_alarms, contrast_alarms = [], 0, 0
    for seed in range(max(arguments.clean, arguments.nights)):
        plan = {"hours": 1.5, "rate_hz": 100, "channels": CHANNELS, "seed": seed}
        made = [simulate_night(NightPlan(**plan, condition=c, effect=e)) for c, e in (("baseline", 1.0), ("drug", 1.2))]
        before, treated = (analyze(night) for night in made)
        alarm = doubts(treated, before)
        night_alarms += alarm[0]
        contrast_alarms += alarm[1]
        if alarm[0] or alarm[1]:
            print(f"clean pair {seed} doubted: {'; '.join(text for text in alarm[3] if text)}", flush=True)
        if seed < arguments.nights:
            pairs.append((made[1], before, analyze(made[0], OUT_OF_REACH), swa_ratio(treated, before)))
    n = max(arguments.clean, arguments.nights)
    print(f"{time.perf_counter() - began:.0f} s", flush=True)
    print(f"{n} clean pairs: treatment nights doubted {night_alarms}, contrasts doubted {contrast_alarms}")
    print(f"{'fault':<12}{'strength':>9}{'detected':>10}{'night':>7}{'contrast':>9}{'left out':>9}", end="")
    print(f"{'moved: bare':>13}{'rules':>8}")
    for kind in FAULTS:
        for strength in (1, 2, 3):
            rows = []
            for made, before, before_bare, truth in pairs:
                faulty = add_fault(made, kind, strength)
                treated = analyze(faulty)
                night, contrast, bad, _ = doubts(treated, before)
                bare = swa_ratio(analyze(faulty, OUT_OF_REACH), before_bare) - truth
                rows.append(
                    (
                        night or contrast or bool(bad),
                        night,
                        contrast,
                        len(bad),
                        bare,
                        swa_ratio(treated, before, bad) - truth,
                    )
                )
            values = np.array(rows, float)
            detected, night, contrast, left = values[:, :4].mean(axis=0)
            bare, kept = (np.expm1(np.abs(values[:, i])).mean() for i in (4, 5))
            print(
                f"{kind:<12}{strength:>9}{detected:>10.0%}{night:>7.0%}{contrast:>9.0%}{left:>9.1f}"
                f"{bare:>13.1%}{kept:>8.1%}",
                flush=True,
            )
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
