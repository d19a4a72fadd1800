"""The aperiodic fit on spectra of known exponent, beside specparam where it is installed, and on a real recording.

    python -m benchmarks.aperiodic [RECORDING.edf [SCORING]]

`windows` is the number of independent windows that a mean spectrum rests on: 15 are about a minute, 3000 a night.
"""

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from swa.measures.aperiodic import fit_aperiodic

FREQUENCIES = np.arange(0, 45.01, 0.2)
BAND = (1.0, 30.0)
Fit = Callable[[np.ndarray, np.ndarray], float]
ALPHA, SIGMA, BETA = (9.5, 0.35, 1.2), (13.3, 0.5, 1.0), (20.0, 0.15, 3.0)
PEAKS = {
    "none": (),
    "sigma": (SIGMA,),
    "alpha, sigma": (ALPHA, SIGMA),
    "alpha, sigma, broad beta": (ALPHA, SIGMA, BETA),
    "delta 1.5 Hz, sigma": ((1.5, 0.3, 0.5), SIGMA),
    "delta 2.5 Hz, sigma": ((2.5, 0.3, 0.8), SIGMA),
}


def ours(frequencies: np.ndarray, density: np.ndarray) -> float:
    return fit_aperiodic(frequencies, density, BAND).exponent


def specparam() -> Fit | None:
    try:
        from specparam import SpectralModel
    except ImportError:
        return None
    model = SpectralModel(peak_width_limits=(1, 8), max_n_peaks=6, min_peak_height=0.05, verbose=False)

    def fit(frequencies: np.ndarray, density: np.ndarray) -> float:
        model.fit(frequencies, density, list(BAND))
        return float(model.get_params("aperiodic")[1])

    return fit


def known(fits: dict[str, Fit], n_spectra: int) -> pd.DataFrame:
    """Bias, spread and cost of each fit."""
    rows = []
    for name, peaks in PEAKS.items():
        for windows in (15, 150, 3000):
            rng = np.random.default_rng(2020)
            errors: dict[str, list[float]] = {fit: [] for fit in fits}
            cost_s = dict.fromkeys(fits, 0.0)
            for _ in range(n_spectra):
                exponent = rng.uniform(1.5, 3.0)
                density = 10**2.5 / np.maximum(FREQUENCIES, 0.1) ** exponent
                for centre, height, sd in peaks:
                    density = density * 10 ** (height * np.exp(-((FREQUENCIES - centre) ** 2) / 2 / sd**2))
                density = density * rng.gamma(windows, 1 / windows, len(density))
                for fit, run in fits.items():
                    begin = time.perf_counter()
                    errors[fit].append(run(FREQUENCIES, density) - exponent)
                    cost_s[fit] += time.perf_counter() - begin
            row: dict[str, object] = {"peaks": name, "windows": windows}
            for fit, values in errors.items():
                row |= {f"{fit}_bias": np.mean(values), f"{fit}_sd": np.std(values)}
                row[f"{fit}_ms"] = cost_s[fit] / n_spectra * 1e3
            rows.append(row)
    return pd.DataFrame(rows)


def real(path: str, scoring: str | None, fits: dict[str, Fit]) -> pd.DataFrame:
    """Exponents of the stored spectra of a recording."""
    import swa

    recording = swa.read_recording(path)
    hypnogram = swa.read_hypnogram(scoring) if scoring else swa.stage_recording(recording)
    spectra = swa.analyze_night(recording, hypnogram).spectra
    rows = []
    for (channel, stages), part in spectra[spectra["window"] == "night"].groupby(["channel", "stages"]):
        density = part["density_uv2_hz"].to_numpy(float)
        exponents = {fit: run(part["frequency_hz"].to_numpy(float), density) for fit, run in fits.items()}
        rows.append({"channel": channel, "stages": stages, "epochs": part["n_epochs"].iloc[0]} | exponents)
    return pd.DataFrame(rows)


def main() -> None:
    """Print the tables; exit 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording", nargs="?")
    parser.add_argument("scoring", nargs="?")
    parser.add_argument("--spectra", type=int, default=40)
    arguments = parser.parse_args()
    fits: dict[str, Fit] = {"ours": ours}
    peer = specparam()
    if peer is None:
        print("specparam is not installed: no peer")
    else:
        fits["specparam"] = peer
    table = known(fits, arguments.spectra)
    print("Error of the exponent on known spectra, ms per fit")
    print(table.to_string(index=False, float_format=lambda value: f"{value:.3f}"))
    if arguments.recording:
        print(f"\nExponents of {arguments.recording}")
        found = real(arguments.recording, arguments.scoring, fits)
        print(found.to_string(index=False, float_format=lambda value: f"{value:.3f}"))
    night = table[(table["windows"] == 3000) & ~table["peaks"].str.contains("beta")]
    good = bool(night["ours_bias"].abs().max() <= 0.02 and table["ours_ms"].max() <= 10)
    print("\nExponent of a night within 0.02 (but for a broad beta peak), at most 10 ms a fit:", good)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
