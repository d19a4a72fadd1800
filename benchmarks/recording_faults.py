"""Which faults of a recording are noticed, how often clean nights are doubted, and what a fault does to the result.

    python benchmarks/recording_faults.py [--nights 20] [--clean 50]

A subject has a clean baseline night and a treatment night (effect × 1.2 on SWA) of 1.5 h, 4 EEG channels, 128 Hz, true
stages; the fault strikes the treatment night. *Detected*: the night or the subject's contrast is not `sound`, or a
channel is left out. *Moved*: by how much the fault changes the ratio of SWA (N2+N3, whole night, mean of ln over the
channels that are left), `bare` without artefact rules and without the trend taken off, `rules` with both. *Withheld*:
contrasts that are `not comparable`. Targets: false alarms on clean nights <= 2 %; the strong faults all detected. The
gain check alone doubts up to 7 % of clean pairs, by its 95 % limits. Nights that were exchanged are last.

*Missed >5%*: nights whose fault nobody noticed and that moved the ratio by more than 5 %. *Believed*: the change by the
rules where the contrast is not withheld.

Twenty nights of each (1.5 h, four channels; medians): two faults go unnoticed and matter. A gain × 1.2 on all
channels is missed in 40 % (moved 44 %), × 1.35 in 5 %: the limit of the check is set so that 5 % of honest pairs are
doubted, and an unflagged pair is told which gain is not excluded. Exchanged nights (49 %) no signal tells: the study
file has to be right, as for mislabelled channels (moved 0.0 %, as both are in the mean; a front and a back one
exchanged are found in 15 %, and were in all while the one-channel rule stood at 5 %: with the gain rule it then
doubted up to 11 % of honest pairs). Else missed: pops at strength 1 (3.6 % bare, 0.1 % with rules), low-pass at 35 Hz
and in 40 % at 25 Hz (0.0), ECG at strength 1 (0.1), mains of 5 µV (0.0), flat for a tenth of the night in 20 % (1.8
%). Clipping is worse with rules (105 % bare, 643 % at strength 3), for they leave out the largest waves: always
withheld. Sweating moves 5, 44 and 249 % and no rule mends it: withheld at strengths 2 and 3, `caution` at 1. Drift at
strength 3 moves 18 % and the rules do not mend it (`power.trend_order` does): `caution`. Movements: 327 % bare, 0.8
%. Clean: 0 of 100 nights and 0 of 50 contrasts doubted.

METHODS' limit of 4 times the 99th percentile pooled over a subject's nights is not built: of four real recordings with
waves × 1.6 and two simulated nights with SWA × 2.56 it takes nothing but 0.3 % of the windows of one (a movement), and
of struck nights at most 0.3 % of the windows where pops and movements are few, none where they are many (they raise the
percentile); what it takes the limit of 500 µV and the muscle rule take as well.
"""

import argparse
import dataclasses
import time

import mne
import numpy as np
import pandas as pd
import yasa
from faults import FAULTS, add_fault

import swa
from swa.comparison.comparability import compare_facts
from swa.comparison.controls.facts import NightFacts
from swa.comparison.controls.reading import control_powers, rejected_shares
from swa.comparison.verdicts import judge_contrasts
from swa.measures import power
from swa.measures.quality import find_bad_channels, judge_night
from swa.settings import PowerSettings, QualitySettings, Settings, SpindleSettings
from swa.simulation.simulated_study import NightPlan, simulate_night
from swa.tables.contrast import Contrast
from swa.tables.reason import in_words

CHANNELS = ("F3-M2", "F4-M1", "C3-M2", "O1-M2")  # four: the fewest that are held against each other
PLAIN = PowerSettings(trend_order=0)
RATE_HZ = 128  # holds the mains
NO_SPINDLES = SpindleSettings(minimum_min=1e6)  # not looked for: they decide nothing here
SHORT = QualitySettings(nrem_min=20)  # nights of 1.5 h
NAMES = {"W": "WAKE", "R": "REM"}
MATTERS = np.log(1.05)  # a fault that moves the contrast by more than this must not go unnoticed
STRUCK = (*((kind, strength) for kind in FAULTS for strength in (1, 2, 3)), ("swapped", 1))


def analyze(night):
    raw = mne.io.RawArray(
        np.array([night.signals_uv[name] for name in CHANNELS]) * 1e-6,
        mne.create_info(list(CHANNELS), RATE_HZ, "eeg"),
        verbose="error",
    )
    stages = yasa.Hypnogram([NAMES.get(stage, stage) for stage in night.stages], n_stages=5, freq="30s")
    return swa.analyze_night(raw, stages, Settings(spindles=NO_SPINDLES))


def bare_swa(night):
    """Ln SWA of N2+N3 per channel, without any protection."""
    codes = np.unique(night.stages, return_inverse=True)[1]
    nrem = np.isin(night.stages, ["N2", "N3"])
    values = []
    for name in CHANNELS:
        spectra = power.compute_window_spectra(night.signals_uv[name], RATE_HZ, PLAIN)
        density, _ = power.average_by_epoch(spectra, power.assign_windows(spectra, codes, 30.0, RATE_HZ), len(codes))
        taken = density[nrem & np.isfinite(density).all(axis=1)].mean(axis=0, dtype=float)
        values.append(np.log(taken @ power.band_weights(spectra.frequencies_hz, PLAIN.swa_hz)))
    return np.array(values)


def facts_of(night, condition):
    minutes = night.waves.analysed_min
    nrem = minutes[minutes["stage"].isin(["N2", "N3"])].groupby("channel")["minutes"].sum()
    return NightFacts(
        subject="S",
        session=condition,
        condition=condition,
        controls=control_powers(night.spectra, Settings().comparability),
        header={},
        nrem_min={str(name): float(value) for name, value in nrem.items()},
        rejected=rejected_shares(night.rejection),
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
    """What is not sound: the treatment night alone, its comparison, the channels left out; whether it is withheld."""
    settings = Settings()
    verdict, reasons = judge_night(treated.summary, settings.artifacts, SHORT)
    bad = {
        name for night in (treated, before) for name in (*find_bad_channels(night.summary), *night.summary["unread"])
    }
    contrast = Contrast(treatment="drug", comparator="baseline")
    records = compare_facts([facts_of(treated, "drug"), facts_of(before, "baseline")], [("S", contrast)], settings)
    left = [name for name in CHANNELS if name not in bad]
    contrasts = pd.DataFrame(
        {"subject": "S", "channel": left, "stages": "NREM", "measure": "swa", "window": "night", "variant": ""}
        | dataclasses.asdict(contrast)
    )
    nights = pd.DataFrame({"subject": "S", "session": ["drug", "baseline"], "condition": ["drug", "baseline"]})
    judged = judge_contrasts(contrasts, records, nights, settings)
    words = judged["verdict"].tolist()
    return (
        verdict != "sound",
        any(word != "sound" for word in words),
        bad,
        not words or words.count("not comparable") > len(words) / 2,
        [in_words(reasons), *judged["verdict_reasons"].unique()],
    )


def make_pair(seed):
    plan = {"hours": 1.5, "rate_hz": RATE_HZ, "channels": CHANNELS, "seed": seed}
    made = [simulate_night(NightPlan(**plan, condition=c, effect=e)) for c, e in (("baseline", 1.0), ("drug", 1.2))]
    return made, [analyze(night) for night in made]


def strike(pair, kind, strength):
    """One fault on one treatment night: a row of numbers."""
    (made_before, made), (before, clean) = pair
    faulty = add_fault(made, kind, strength) if kind != "swapped" else made_before
    treated = analyze(faulty) if kind != "swapped" else before
    before, made_before = (clean, made) if kind == "swapped" else (before, made_before)
    night, contrast, bad, withheld, _ = doubts(treated, before)
    truth = swa_ratio(clean, pair[1][0])
    bare = float((bare_swa(faulty) - bare_swa(made_before)).mean()) - truth
    kept = np.nan if len(bad) == len(CHANNELS) else swa_ratio(treated, before, bad) - truth
    detected = night or contrast or bool(bad)
    harm = not detected and abs(kept) > MATTERS
    return {
        "fault": kind,
        "strength": strength,
        "detected": detected,
        "night": night,
        "contrast": contrast,
        "withheld": withheld,
        "left_out": len(bad),
        "harm": harm,
        "bare": abs(bare),
        "rules": abs(kept),
        "believed": np.nan if withheld else abs(kept),
    }


def fault_table(rows):
    """Shares of the nights, and the median change of the ratio: as recorded, by the rules, and where it is shown."""
    found = pd.DataFrame(rows).groupby(["fault", "strength"], sort=False)
    shares = found[["detected", "night", "contrast", "withheld", "harm"]].mean().map("{:.0%}".format)
    moved = np.expm1(found[["bare", "rules", "believed"]].median()).map(lambda x: "" if np.isnan(x) else f"{x:.1%}")
    table = shares.join(found["left_out"].mean().round(1)).join(moved).reset_index()
    table.insert(3, "missed", (1 - found["detected"].mean().to_numpy()))
    table["missed"] = table["missed"].map("{:.0%}".format)
    return table.rename(columns={"harm": "missed >5%"})


def doubt_clean(number, nights):
    """Clean nights and their contrast that are not sound: nights, contrasts, and why."""
    before, treated = nights
    forth, back = doubts(treated, before), doubts(before, treated)
    doubted = (forth[0] or bool(forth[2])) + (back[0] or bool(back[2]))
    if doubted or forth[1]:
        print(f"clean pair {number} doubted: {'; '.join(text for text in (*forth[4], *back[4]) if text)}", flush=True)
    return doubted, int(forth[1])


def main() -> None:
    """Print the tables: of the faults after every fifth night, of the clean nights at the end."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nights", type=int, default=20, help="treatment nights struck by every fault")
    parser.add_argument("--clean", type=int, default=50, help="clean pairs, those of the faults among them")
    arguments = parser.parse_args()
    began = time.perf_counter()
    rows, alarms = [], []
    for number in range(max(arguments.nights, arguments.clean)):
        pair = make_pair(number)
        if number < arguments.clean:
            alarms.append(doubt_clean(number, pair[1]))
        if number >= arguments.nights:
            continue
        rows += [strike(pair, kind, strength) for kind, strength in STRUCK]
        if (number + 1) % 5 == 0 or number + 1 == arguments.nights:
            print(f"\nafter {number + 1} nights, {time.perf_counter() - began:.0f} s", flush=True)
            print(fault_table(rows).to_string(index=False), flush=True)
    nights, contrasts = np.sum(alarms, axis=0) if alarms else (0, 0)
    print(
        f"\nclean: nights doubted {nights} of {2 * len(alarms)}, contrasts doubted {contrasts} of {len(alarms)}; "
        f"{time.perf_counter() - began:.0f} s"
    )


if __name__ == "__main__":
    main()
