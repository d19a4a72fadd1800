"""Agreement of YASA's automatic staging with the true stages of simulated nights.

    python benchmarks/simulated_staging.py [--nights N]

One row a night: seed, hours, rate, effect, Cohen's kappa without and with age and sex, recall per stage; at the end the
smallest and the median kappa. The simulator does not know the classifier; agreement says that its nights look like
sleep to a judge trained on real ones. Besides N plain seeds, as many nights are taken from the 200 seeds with the
largest and the smallest slow waves, made more so by the effect: there staging is hardest.
"""

from __future__ import annotations

import argparse
import itertools
import warnings
from collections.abc import Iterator

import mne
import numpy as np
import yasa
from numpy.typing import NDArray
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.metrics import cohen_kappa_score

from swa.simulation.simulated_study import NightPlan, SimulatedNight, simulate_night

STAGES = ("W", "N1", "N2", "N3", "R")
CHANNELS = ("C4-M1", "E1-M2", "Chin")
YASA_NAMES = {"WAKE": "W", "REM": "R"}
SETUPS = tuple(itertools.product((1.5, 8.0), (100, 256, 128, 200, 512), (0.8, 1.0, 1.25, 1.6)))


def predict(night: SimulatedNight, metadata: dict[str, int] | None) -> NDArray[np.str_]:
    """Return YASA's stage per 30 s."""
    info = mne.create_info(list(CHANNELS), night.rates_hz["C4-M1"], ["eeg", "eog", "emg"])
    data = np.stack([night.signals_uv[channel] for channel in CHANNELS]).astype(float) * 1e-6
    raw = mne.io.RawArray(data, info, verbose="error")
    staging = yasa.SleepStaging(raw, "C4-M1", eog_name="E1-M2", emg_name="Chin", metadata=metadata)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        predicted = staging.predict()
    return np.array([YASA_NAMES.get(stage, stage) for stage in predicted.hypno.astype(str)])


def find_extreme_seeds(n: int) -> Iterator[tuple[int, float]]:
    """Yield (seed, effect) of the nights with the largest and smallest slow waves, the effect making them more so."""
    ratios = []
    for seed in range(200):
        night = simulate_night(NightPlan(seed=seed, hours=1.5, rate_hz=100, channels=("Chin",)))
        ratios.append(night.trait_ratio * night.night_ratio)
    ordered = np.argsort(ratios)
    for small, large in zip(ordered[: n // 2], ordered[::-1][: n // 2], strict=True):
        yield int(small), 0.8
        yield int(large), 1.6


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=20, help="nights of ordinary seeds; as many extreme ones follow")
    n_nights = parser.parse_args().nights
    nights = [(seed, *SETUPS[(7 * seed) % len(SETUPS)]) for seed in range(n_nights)]
    for place, (seed, effect) in enumerate(find_extreme_seeds(n_nights)):
        nights.append((seed, 8.0 if place % 4 < 2 else 1.5, 100, effect))
    print("seed  hours  rate_hz  effect  kappa  kappa_demo  " + "  ".join(f"recall_{stage}" for stage in STAGES))
    kappas = []
    for seed, hours, rate_hz, effect in nights:
        plan = NightPlan(seed=seed, hours=hours, rate_hz=rate_hz, effect=effect, channels=CHANNELS)
        night = simulate_night(plan)
        plain = predict(night, None)
        demographic = predict(night, {"age": 25 + seed % 40, "male": seed % 2})
        kappas.append([cohen_kappa_score(night.stages, plain), cohen_kappa_score(night.stages, demographic)])
        recalls = [float(np.mean(plain[night.stages == stage] == stage)) for stage in STAGES]
        cells = "  ".join(f"{recall:{len(stage) + 7}.2f}" for recall, stage in zip(recalls, STAGES, strict=True))
        print(
            f"{seed:4d}  {hours:5.1f}  {rate_hz:7d}  {effect:6.2f}  "
            f"{kappas[-1][0]:5.2f}  {kappas[-1][1]:10.2f}  {cells}",
            flush=True,
        )
    smallest, median = np.min(kappas, axis=0), np.median(kappas, axis=0)
    print(f"{len(nights)} nights: kappa min {smallest[0]:.2f}, median {median[0]:.2f}; ", end="")
    print(f"with age and sex min {smallest[1]:.2f}, median {median[1]:.2f}")


if __name__ == "__main__":
    main()
