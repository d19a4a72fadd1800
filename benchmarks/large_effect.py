"""Does artefact rejection leave a strong drug effect alone? Slow waves of real recordings, made larger by 1.6.

    python benchmarks/large_effect.py DATA [--stage-nap]

Every slow wave (>= 75 µV) of N2 and N3 is multiplied in the 0.5-4 Hz band, from crossing to crossing. The ratio of
SWA, enlarged over recorded, is taken with the artefact rules and without any (limits out of reach). Targets: the two
ratios agree within 3 %, and the rules lose fewer than 1 % more of the slow waves >= 75 µV than in the recording as it
is. Where the recording itself holds a large artefact (the pop on F4 of the nap), the ratio without rules is that of the
pop: it is marked and stands outside the target. What each rule removes of the recordings as they are is printed too.
"""

import argparse
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import yasa

import swa
from benchmarks.scored_cycle import read_stages
from swa.measures import slow_waves
from swa.settings import ArtifactSettings, Settings, WaveCriteria

SIZE = 1.6
OUT_OF_REACH = ArtifactSettings(muscle_factor=1e9, amplitude_uv=1e9, focal_factor=1e9, flat_uv=1e-9)
EXCERPTS = {"1": 100.0, "2": 200.0, "5": 200.0}
EXPERT = {5: "W", 4: "R", 3: "N1", 2: "N2", 1: "N3", 0: "N3"}
NAMES = {"W": "WAKE", "R": "REM"}


def to_hypnogram(stages):
    return yasa.Hypnogram([NAMES.get(stage, stage) for stage in stages], n_stages=5, freq="30s")


def enlarge(signals_uv, stages, rate_hz):
    """Slow waves of N2 and N3 times 1.6, per channel."""
    made = {}
    criteria = WaveCriteria()
    for name, signal in signals_uv.items():
        trace = slow_waves.filter_for_waves(signal, rate_hz, criteria)
        table = slow_waves.detect_in_trace(trace, rate_hz, criteria)
        table = table[slow_waves.select_waves(table, criteria)]
        epoch = (table["negative_peak_s"] / 30).astype(int).clip(upper=len(stages) - 1)
        table = table[np.isin(np.array(stages)[epoch], ["N2", "N3"])]
        extra = np.zeros(len(signal))
        for first, end in np.round(table[["start_s", "end_s"]].to_numpy() * rate_hz).astype(int):
            extra[first:end] = (SIZE - 1) * trace[first:end]
        made[name] = signal + extra
    return made


def analyze(signals_uv, stages, rate_hz, limits):
    raw = mne.io.RawArray(
        np.array(list(signals_uv.values())) * 1e-6,
        mne.create_info(list(signals_uv), rate_hz, "eeg"),
        verbose="error",
    )
    return swa.analyze_night(raw, to_hypnogram(stages), Settings(artifacts=limits))


def marker(night, channel, measure="swa"):
    rows = night.measures.set_index(["channel", "stages", "window", "measure", "variant"])["value"]
    return rows[channel, "NREM", "night", measure, ""]


def recordings(data: Path, *, stage_nap: bool):
    cycle = swa.read_recording(data / "recordings" / "cycle_1ch_100hz.edf")
    group = cycle.read(cycle.of_role("eeg"))
    n = int(cycle.duration_s // 30)
    signals = {group.channels[0].name: group.data_uv[0].astype(float)[: n * 3000]}
    yield "cycle", signals, read_stages(data / "recordings" / "cycle_1ch_100hz_stages.csv", n), 100.0
    for number, rate_hz in EXCERPTS.items():
        lines = (data / "dreams" / f"excerpt{number}.txt").read_text().split("\n")
        signal = np.array([float(line) for line in lines[1:] if line.strip()])
        codes = pd.read_csv(data / "dreams" / f"Hypnogram_excerpt{number}.txt")["[Hypnogram]"].to_numpy()
        stages = [EXPERT.get(int(code), "W") for code in codes[3::6]]
        n = min(len(stages), int(len(signal) / rate_hz / 30))
        label = lines[0].strip("[] \r")
        yield f"DREAMS {number}", {label: signal[: round(n * 30 * rate_hz)]}, stages[:n], rate_hz
    if stage_nap:
        nap = swa.read_recording(data / "recordings" / "nap_10ch_256hz.edf")
        stages = swa.stage_recording(nap)
        short = ["W" if s == "WAKE" else "R" if s == "REM" else str(s) for s in stages.hypno]
        group = nap.read(nap.of_role("eeg"))
        yield (
            "nap",
            {c.name: row.astype(float) for c, row in zip(group.channels, group.data_uv, strict=True)},
            short,
            100.0,
        )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--stage-nap", action="store_true", help="the nap too, whose stages YASA has to find")
    arguments = parser.parse_args()
    shares = []
    print(
        f"{'recording':<11}{'channel':<9}{'waves':>6}{'ratio, rules':>13}{'none':>8}{'off by':>8}"
        f"{'lost':>7}{'as is':>7}{'slow rules':>11}"
    )
    for name, signals, stages, rate_hz in recordings(arguments.data, stage_nap=arguments.stage_nap):
        larger = enlarge(signals, stages, rate_hz)
        nights = {
            (kind, rules): analyze(data, stages, rate_hz, limits)
            for kind, data in (("as is", signals), ("larger", larger))
            for rules, limits in (("rules", ArtifactSettings()), ("none", OUT_OF_REACH))
        }
        for channel in nights["as is", "rules"].summary["channels"]:
            ratio = {
                rules: marker(nights["larger", rules], channel) / marker(nights["as is", rules], channel)
                for rules in ("rules", "none")
            }
            lost = {}
            for kind in ("as is", "larger"):
                table = nights[kind, "rules"].rejection.set_index(["channel", "rule"])
                lost[kind] = table.loc[(channel, "any"), "wave_share"]
                count = table.loc[(channel, "any"), "n_waves"]
                slow = table.loc[[(channel, rule) for rule in ("clipped", "amplitude", "focal")], "wave_share"].sum()
            own = nights["as is", "rules"].rejection
            pop = own[(own["channel"] == channel) & (own["rule"] == "amplitude")]["swa_share"].iloc[0] > 0.5
            print(
                f"{name:<11}{channel:<9}{count:>6}{ratio['rules']:>13.3f}{ratio['none']:>8.3f}"
                f"{ratio['rules'] / ratio['none'] - 1:>+8.1%}{lost['larger']:>7.1%}{lost['as is']:>7.1%}{slow:>11.1%}"
                + ("  (pop)" if pop else "")
            )
        shares.append(nights["as is", "rules"].rejection.assign(recording=name))
    table = pd.concat(shares)
    print(
        "\nRemoved of NREM time / SWA / slow waves, by rule, in the recordings as they are; then SWA and wave density"
        "\nat halved and doubled limits as ratios:"
    )
    for key, rows in table.groupby(["recording", "channel"], sort=False):
        by_rule = rows.set_index("rule")
        cells = [
            f"{rule} {row.nrem_share:.1%}/{row.swa_share:.1%}/{row.wave_share:.1%}"
            for rule, row in by_rule.iterrows()
            if not rule.startswith("limits") and row.nrem_share > 0
        ]
        cells += [
            f"{rule}: {row.swa_ratio:.3f}, {row.wave_density_ratio:.3f}"
            for rule, row in by_rule.iterrows()
            if rule.startswith("limits")
        ]
        print(f"{' '.join(key):<18}" + "; ".join(cells))


if __name__ == "__main__":
    main()
