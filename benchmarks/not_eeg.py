"""What tells EEG in NREM sleep from another signal, and its polarity, on real recordings as they are and spoilt.

    python -m benchmarks.not_eeg DATA

DATA holds `recordings/` and `dreams/`. Of every real EEG channel with NREM: rms of slow-wave activity (`slow_uv`), mean
density at 1-4 Hz over that at 16-30 Hz (`fall`), different values in the middle nine tenths (`levels`), share of the
recording that lies where values pile up at an end (`at_ends`), and how much further large waves go down than up
(`asymmetry`, ln). `false` names the rules of `swa.measures.quality` that say something of it; the target is none. Then
each is spoilt; `found` is the share of channels in which the rule for it says so, with the error of slow-wave activity
and density that the fault makes (median over channels), before the rule. Polarity: minutes drawn again with
replacement, 1,000 times, share of the draws with a wrong verdict.
"""

import argparse
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from numpy.typing import NDArray

import swa
from benchmarks.large_effect import EXPERT, recordings, to_hypnogram
from swa.measures import asymmetry, quality, slow_waves
from swa.recordings.recording import Recording
from swa.settings import Settings
from swa.tables import doubts

Signal = NDArray[np.float64]
TOLD = (doubts.BAD_CHANNEL, doubts.NO_GOOD_CHANNEL, doubts.POLARITY, doubts.CLIPPED_WAVES)
SETTINGS = Settings()


@dataclasses.dataclass(frozen=True)
class Real:
    """One EEG channel and its stages."""

    name: str
    signal_uv: Signal
    stages: list[str]
    rate_hz: float

    def with_signal(self, signal_uv: Signal) -> "Real":
        """The same stages with another signal."""
        return dataclasses.replace(self, signal_uv=signal_uv)


def real_channels(data: Path) -> Iterator[Real]:
    """All of them, at their native rate where the file is read here."""
    for name, signals, stages, rate_hz in recordings(data, stage_nap=True):
        for channel, signal in signals.items():
            yield Real(f"{name} {channel}", signal, stages, rate_hz)
    excerpt = swa.read_recording(data / "recordings" / "dreams_excerpt3_units_UV.edf")
    codes = pd.read_csv(data / "dreams" / "Hypnogram_excerpt3.txt")["[Hypnogram]"].to_numpy()
    stages = [EXPERT.get(int(code), "W") for code in codes[3::6]]
    group = excerpt.read(excerpt.of_role("eeg"))
    for channel, row in zip(group.channels, group.data_uv, strict=True):
        yield Real(f"DREAMS 3 {channel.name}", row[: len(stages) * 3000].astype(float), stages, group.rate_hz)


def all_files(data: Path) -> Iterator[tuple[str, Recording]]:
    for path in sorted((data / "recordings").glob("*.edf")):
        yield path.stem, swa.read_recording(path)


def analyze(real: Real) -> swa.Night:
    info = mne.create_info(["C4-M1"], real.rate_hz, "eeg")
    return swa.analyze_night(
        mne.io.RawArray(real.signal_uv[None] * 1e-6, info, verbose="error"), to_hypnogram(real.stages)
    )


def facts(night: swa.Night) -> dict[str, object]:
    _, reasons = quality.judge_night(night.summary)
    told = [kind.code for kind in TOLD if kind.among(reasons)]
    return {
        "nrem_min": round(night.summary["statistics"]["N2"] + night.summary["statistics"]["N3"]),
        **night.summary["form"]["C4-M1"],
        "clipped": round(night.summary["clipped_waves_share"]["C4-M1"], 3),
        "asymmetry": night.summary["asymmetry"]["C4-M1"],
        "told": ", ".join(told),
    }


def marker(night: swa.Night, measure: str) -> float:
    rows = night.measures.set_index(["stages", "window", "measure", "variant"])["value"]
    return float(rows["NREM", "night", measure, ""])


def asymmetries(real: Real, draws: int = 1000) -> tuple[float, float, Signal]:
    """Of all NREM, minutes of it, and of minutes drawn again."""
    trace = slow_waves.filter_for_waves(real.signal_uv, real.rate_hz, SETTINGS.waves)
    length = round(30 * real.rate_hz)
    epochs = trace[: len(real.stages) * length].reshape(-1, length)[np.isin(real.stages, ["N2", "N3"])][
        :, :: max(1, round(real.rate_hz / 25))
    ]
    rng = np.random.default_rng(0)
    drawn = [
        asymmetry.measure_asymmetry(epochs[rng.integers(0, len(epochs), len(epochs))].ravel()) for _ in range(draws)
    ]
    return asymmetry.measure_asymmetry(epochs.ravel()), len(epochs) / 2, np.array(drawn)


def coarse(step_uv: float) -> Callable[[Signal], Signal]:
    return lambda signal: np.round(signal / step_uv) * step_uv


def rail(percentile: float) -> Callable[[Signal], Signal]:
    """Limits at a percentile of the size of the samples."""

    def spoil(signal: Signal) -> Signal:
        limit = np.percentile(np.abs(signal - np.median(signal)), percentile)
        return np.clip(signal, np.median(signal) - limit, np.median(signal) + limit)

    return spoil


SPOILT: dict[str, Callable[[Signal], Signal]] = {
    "turned round": lambda signal: -signal,
    "24 times too small": lambda signal: signal / 24,
    **{f"{step} µV per step": coarse(step) for step in (1, 2, 5, 10, 20, 50, 100)},
    **{f"rail at percentile {percentile:g}": rail(percentile) for percentile in (99.9, 99.5, 99, 98, 95, 90, 80)},
    "random bytes": lambda signal: np.random.default_rng(0).integers(-128, 128, len(signal)).astype(float),
}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    print("Every EEG channel of every real file: levels, and share flagged as at a limit or where values pile up")
    for name, recording in all_files(data):
        for group in recording.groups("eeg"):
            for channel, levels, clipped in zip(group.channels, group.levels, group.clipped, strict=True):
                print(f"  {name:<28}{channel.name:<12}{levels:>7}{clipped.mean():>9.3%}")
    channels = list(real_channels(data))
    nights = [analyze(real) for real in channels]
    table = pd.DataFrame([{"channel": real.name, **facts(night)} for real, night in zip(channels, nights, strict=True)])
    print("\n" + table.to_string(index=False))
    print(
        "\nPolarity: asymmetry, and of 1,000 draws of its epochs the share below the limit, and turned round above it"
    )
    limit = SETTINGS.quality.asymmetry
    for real in channels:
        value, minutes, drawn = asymmetries(real)
        wrong = (drawn < -limit).mean(), (drawn <= limit).mean()
        print(f"  {real.name:<20}{minutes:>5.0f} min{value:>8.3f}{wrong[0]:>9.1%}{wrong[1]:>9.1%}")
    print("\nSpoilt: levels and clipped waves (median), channels in which it is told, error of slow-wave activity and")
    print("density (median over channels), and what is told")
    for fault, spoil in SPOILT.items():
        found, errors = [], []
        for real, night in zip(channels, nights, strict=True):
            other = analyze(real.with_signal(spoil(real.signal_uv)))
            found.append(facts(other))
            errors.append([marker(other, name) / marker(night, name) - 1 for name in ("swa", "wave_density")])
        told = pd.DataFrame(found)
        levels, clipped = told["levels"].median(), told["clipped"].median()
        power, density = np.nanmedian(errors, axis=0)
        n, kinds = int((told["told"] != table["told"]).sum()), told["told"].value_counts().to_dict()
        print(f"  {fault:<24}{levels:>8.0f}{clipped:>7.1%}{n:>4} of {len(told)}{power:>+9.1%}{density:>+9.1%}  {kinds}")


if __name__ == "__main__":
    main()
