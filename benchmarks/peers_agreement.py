"""Band powers and waves of real recordings against YASA and Luna, in one run.

    python benchmarks/peers_agreement.py DATA

DATA holds `recordings/` (nap, cycle) and `dreams/` (excerpts 1, 2, 5). Every EEG is brought to 100 Hz once; peers get
the same samples. Spectra: whole NREM epochs (nap: its first 18 min; cycle and DREAMS: as scored) laid end to end, Hann
windows, half overlapping, mean over windows. Waves: the whole recording, whatever the stage.

Targets
- Band powers within 2 % of YASA's (`average="mean"`, 4-s windows, so that 0.5 Hz is a bin), mean over recordings:
  Simpson's rule weighs neighbouring bins 2 to 1, so that a single recording differs by up to 5 % from the trapezoid,
  and the slow-oscillation band of three bins always does (printed apart). Within 2 % of Luna's with its sum over bins.
- Equal to 1e-6 with the peer's rule on our density. YASA's is Simpson's rule over the bins inside the band. Luna's is
  the sum over bins from the lower edge up to, without, the upper edge, on windows within 30-s epochs, whose taper is
  the symmetric Hann window and whose mean is left in (ours: the periodic one, mean taken off).
- Preset `yasa` against `yasa.sw_detect`: F1 >= 0.95 (negative peaks within 0.1 s) over all waves. YASA 0.8 compares
  rounded durations and so loses waves at 160 and 800 Hz: ours from the same signal at these rates do not change
  (F1 >= 0.995).
- Our detector with Luna's filter (Kaiser FIR 0.5-4 Hz, ripple 0.01, transition 0.5 Hz) and limits (-40/75 µV, negative
  half 0.25-1 s) against its `SO`: F1 >= 0.90; slopes of matched waves within 1 % (median) when taken on Luna's grid of
  samples.
"""

import argparse
import contextlib
import functools
import io
import os
import sys
import warnings
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import signal as dsp
from scipy.integrate import simpson

import swa
from swa.measures.power import WindowSpectra, band_weights, compute_window_spectra
from swa.measures.slow_waves import detect_in_trace, filter_for_waves, select_waves
from swa.recordings.resampling import resample
from swa.settings import PowerSettings, WaveCriteria

RATE_HZ, EPOCH_S = 100, 30
BANDS_HZ = {
    "slow_oscillation": (0.5, 1.0),
    "swa": (0.5, 4.0),
    "delta": (1.0, 4.0),
    "theta": (4.0, 8.0),
    "alpha": (8.0, 12.0),
    "sigma": (11.0, 16.0),
    "beta": (16.0, 30.0),
}
LUNA_BANDS_HZ = {
    "SLOW": (0.5, 1),
    "DELTA": (1, 4),
    "THETA": (4, 8),
    "ALPHA": (8, 12),
    "SIGMA": (12, 15),
    "BETA": (15, 30),
}
NEAR_S = 0.1
Trace = NDArray[np.float64]


def plain_welch(window_s):
    """As the peers do it: no trend taken off."""
    return PowerSettings(window_s=window_s, trend_order=0)


def load(data: Path) -> dict[str, tuple[Trace, NDArray[np.bool_]]]:
    """Signals at 100 Hz cut to whole epochs, and which epochs are NREM."""
    found = {}
    for name, file in (("nap", "nap_10ch_256hz.edf"), ("cycle", "cycle_1ch_100hz.edf")):
        group = next(swa.read_recording(data / "recordings" / file).groups("eeg"))
        n_epochs = group.data_uv.shape[1] // (EPOCH_S * RATE_HZ)
        if name == "nap":
            nrem = np.arange(n_epochs) < 36
        else:
            changes = pd.read_csv(data / "recordings" / "cycle_1ch_100hz_stages.csv").to_numpy()
            middle = (np.arange(n_epochs) + 0.5) * EPOCH_S
            nrem = np.isin(changes[np.searchsorted(changes[:, 0], middle, side="right") - 1, 1], (1, 2))
        for channel, samples in zip(group.channels, group.data_uv, strict=True):
            found[f"{name} {channel.name}"] = (samples.astype(float), nrem)
    for number, rate_hz in ((1, 100), (2, 200), (5, 200)):
        samples = np.loadtxt(data / "dreams" / f"excerpt{number}.txt", skiprows=1)
        stages = np.loadtxt(data / "dreams" / f"Hypnogram_excerpt{number}.txt", skiprows=1)
        stages = stages[: len(stages) // 6 * 6].reshape(-1, 6)
        found[f"DREAMS {number}"] = (
            resample(samples, rate_hz, RATE_HZ).astype(float),
            np.asarray(np.isin(stages, (0, 1, 2)).all(axis=1)),
        )
    cut = {}
    for name, (samples, nrem) in found.items():
        n_epochs = min(len(samples) // (EPOCH_S * RATE_HZ), len(nrem))
        cut[name] = (samples[: n_epochs * EPOCH_S * RATE_HZ], nrem[:n_epochs])
    return cut


def laid_end_to_end(samples: Trace, nrem: NDArray[np.bool_]) -> Trace:
    return samples.reshape(len(nrem), -1)[nrem].ravel()


def powers_against_yasa(recordings: dict[str, tuple[Trace, NDArray[np.bool_]]], window_s: float) -> pd.DataFrame:
    """Over YASA's mean over windows: our band power, ours by YASA's rule (- 1), YASA's median over windows."""
    import yasa

    rows = []
    for name, (samples, nrem) in recordings.items():
        joined = laid_end_to_end(samples, nrem)
        spectra = compute_window_spectra(joined.astype(np.float32), RATE_HZ, plain_welch(window_s))
        density, hz = spectra.density.mean(axis=0, dtype=float), spectra.frequencies_hz
        theirs = {
            average: yasa.bandpower(
                joined[None],
                sf=RATE_HZ,
                ch_names=["x"],
                win_sec=window_s,
                relative=False,
                bands=[(*band, key) for key, band in BANDS_HZ.items()],
                welch_kwargs={"average": average, "window": "hann"},
            ).iloc[0]
            for average in ("mean", "median")
        }
        for key, (low, high) in BANDS_HZ.items():
            inside = (hz >= low - 1e-9) & (hz <= high + 1e-9)
            peer = float(theirs["mean"][key])
            rows.append(
                {
                    "recording": name,
                    "band": key,
                    "ours": float(density @ band_weights(hz, (low, high))) / peer,
                    "their_rule": float(simpson(density[inside], dx=hz[1])) / peer - 1,
                    "median_rule": float(theirs["median"][key]) / peer,
                }
            )
    return pd.DataFrame(rows)


def powers_against_luna(recordings: dict[str, tuple[Trace, NDArray[np.bool_]]], window_s: float) -> pd.DataFrame:
    """Over Luna's: our band power, the sum over bins on our density, and (- 1) that with Luna's taper too."""
    rows = []
    for name, (samples, nrem) in recordings.items():
        instance, joined = in_luna(laid_end_to_end(samples, nrem))
        instance.silent_proc(f"PSD sig=X spectrum max=45 segment-sec={window_s} segment-inc={window_s / 2} hann")
        theirs = instance.table("PSD", "B_CH").set_index("B")["PSD"]
        whole = compute_window_spectra(joined.astype(np.float32), RATE_HZ, plain_welch(window_s))
        ours = whole.density.mean(axis=0, dtype=float)
        periodic = within_epochs(whole)
        symmetric = luna_density(joined, whole)
        hz = whole.frequencies_hz
        for key, (low, high) in LUNA_BANDS_HZ.items():
            inside = (hz >= low - 1e-9) & (hz < high - 1e-9)
            peer = float(theirs[key])
            rows.append(
                {
                    "recording": name,
                    "band": key.lower(),
                    "ours": float(ours @ band_weights(hz, (low, high))) / peer,
                    "sum_rule": float(periodic[inside].sum() * hz[1]) / peer,
                    "their_rule": float(symmetric[inside].sum() * hz[1]) / peer - 1,
                }
            )
    return pd.DataFrame(rows)


def within_epochs(spectra: WindowSpectra) -> Trace:
    """Mean density over windows that lie within one 30-s epoch."""
    return spectra.density[_one_epoch(spectra)].mean(axis=0, dtype=float)


def luna_density(samples: Trace, spectra: WindowSpectra) -> Trace:
    """The same with Luna's taper: a symmetric Hann window, and the mean of a window left in."""
    taper = np.hanning(spectra.length)
    windows = np.lib.stride_tricks.sliding_window_view(samples, spectra.length)[spectra.starts[_one_epoch(spectra)]]
    power = np.abs(np.fft.rfft(windows * taper, axis=1)) ** 2
    density = 2 * power.mean(axis=0) / (RATE_HZ * np.sum(taper**2))
    return density[: len(spectra.frequencies_hz)]


def _one_epoch(spectra: WindowSpectra) -> NDArray[np.bool_]:
    length = EPOCH_S * RATE_HZ
    return spectra.starts // length == (spectra.starts + spectra.length - 1) // length


@functools.cache
def luna_project():
    import lunapi

    with contextlib.redirect_stdout(io.StringIO()):
        project = lunapi.proj()
    project.silence(True)  # noqa: FBT003
    return project


def in_luna(samples: Trace) -> tuple[Any, Trace]:
    """A Luna instance that holds the samples as X, and the samples as it holds them (16 bits)."""
    project, stderr = luna_project(), os.dup(2)
    with open(os.devnull, "wb") as nowhere:  # Luna writes its log past Python
        os.dup2(nowhere.fileno(), 2)
        try:
            instance = project.empty_inst("x", len(samples) // RATE_HZ, 1)
            instance.insert_signal("X", samples, RATE_HZ)
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
    return instance, instance.data(["X"])[1][:, -1]


def match(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of waves of both whose times are each other's nearest, within `NEAR_S`."""
    if not len(ours) or not len(theirs):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    forth = np.abs(ours[:, None] - theirs).argmin(axis=1)
    back = np.abs(ours[:, None] - theirs).argmin(axis=0)
    mutual = (back[forth] == np.arange(len(ours))) & (np.abs(ours - theirs[forth]) <= NEAR_S)
    return np.flatnonzero(mutual), forth[mutual]


def waves_of(samples: Trace, criteria: WaveCriteria) -> pd.DataFrame:
    table = detect_in_trace(filter_for_waves(samples, RATE_HZ, criteria), RATE_HZ, criteria)
    return table[select_waves(table, criteria)].reset_index(drop=True)


def yasa_waves(samples: Trace, rate_hz: float) -> pd.DataFrame:
    import yasa

    found = yasa.sw_detect(samples, sf=rate_hz, coupling=False, remove_outliers=False, verbose="error")
    return pd.DataFrame({"NegPeak": [], "Slope": []}) if found is None else found.summary()


def waves_against_yasa(recordings: dict[str, tuple[Trace, NDArray[np.bool_]]]) -> tuple[pd.DataFrame, Counter[str]]:
    """Counts and F1 of each recording, and the disagreements by cause."""
    criteria = WaveCriteria.preset("yasa")
    rows, causes = [], Counter[str]()
    for name, (samples, _) in recordings.items():
        ours, theirs = waves_of(samples, criteria), yasa_waves(samples, RATE_HZ)
        mine, their = match(ours["negative_peak_s"].to_numpy(), theirs["NegPeak"].to_numpy())
        slopes = ours["slope_up_uv_s"].to_numpy()[mine] / theirs["Slope"].to_numpy()[their]
        rows.append(
            {
                "recording": name,
                "ours": len(ours),
                "yasa": len(theirs),
                "both": len(mine),
                "slope": float(np.median(slopes)) if len(slopes) else np.nan,
            }
        )
        filtered = filter_for_waves(samples, RATE_HZ, criteria)
        lost = ours.drop(index=list(mine))
        causes.update("ours only: " + why_not_yasa(filtered, wave, criteria) for _, wave in lost.iterrows())
        everything = detect_in_trace(filtered, RATE_HZ, criteria.model_copy(update={"halfwave_s": (0.01, 99.0)}))
        for _, wave in theirs.drop(index=list(their)).iterrows():
            causes["YASA only: " + why_not_ours(everything, wave, criteria)] += 1
    return pd.DataFrame(rows), causes


def why_not_yasa(filtered: Trace, wave: pd.Series, criteria: WaveCriteria) -> str:
    """Why YASA does not count a wave of ours."""
    start, middle, end = (round(wave[key] * RATE_HZ) for key in ("start_s", "midcrossing_s", "end_s"))
    troughs, _ = dsp.find_peaks(-filtered[start:middle], height=criteria.negative_uv)
    if len(troughs) > 1:
        return "two troughs of >= 40 µV in one half-wave (YASA drops both)"
    crests, heights = dsp.find_peaks(filtered[middle:end], height=criteria.positive_uv)
    if len(crests) and heights["peak_heights"][0] < 0.999 * heights["peak_heights"].max():
        return "YASA takes the first positive peak of >= 10 µV, we the largest"
    return _edge(wave, criteria) or "YASA compares durations after rounding (or another cause)"


def why_not_ours(everything: pd.DataFrame, theirs: pd.Series, criteria: WaveCriteria) -> str:
    """Why we do not count a wave of YASA's."""
    inside = everything[(everything["start_s"] < theirs["NegPeak"]) & (theirs["NegPeak"] < everything["midcrossing_s"])]
    if inside.empty:
        return "no half-wave of ours there"
    wave = inside.iloc[0]
    if wave["negative_peak_s"] - theirs["NegPeak"] > NEAR_S or theirs["NegPeak"] - wave["negative_peak_s"] > NEAR_S:
        return "another trough of the same half-wave"
    return _edge(wave, criteria) or "first positive peak within, largest beyond the limits"


def _edge(wave: pd.Series, criteria: WaveCriteria) -> str:
    """Whether a measure is so near its limit that the grid of samples decides."""
    for column, limits, near in (
        ("negative_amplitude_uv", criteria.negative_uv, 0.3),
        ("positive_amplitude_uv", criteria.positive_uv, 0.3),
        ("peak_to_peak_uv", criteria.peak_to_peak_uv, 0.3),
    ):
        if min(abs(wave[column] - limit) for limit in limits) <= near:
            return "within 0.3 µV of an amplitude limit"
    negative, positive = wave["midcrossing_s"] - wave["start_s"], wave["end_s"] - wave["midcrossing_s"]
    for length, limits in ((negative, criteria.halfwave_s), (positive, criteria.positive_s)):
        if min(abs(length - limit) for limit in limits) <= 1.5 / RATE_HZ:
            return "within a sample of a duration limit"
    return ""


def waves_at_other_rates(samples: Trace) -> pd.DataFrame:
    """The same signal given at other native rates: our waves after resampling to 100 Hz, and YASA's at that rate."""
    criteria = WaveCriteria.preset("yasa")
    reference, theirs = waves_of(samples, criteria), yasa_waves(samples, RATE_HZ)
    rows = [{"rate_hz": RATE_HZ, "ours": len(reference), "f1": 1.0, "yasa": len(theirs)}]
    for rate_hz in (160, 256, 800):
        fine = dsp.resample_poly(samples, rate_hz // 4, RATE_HZ // 4)
        ours = waves_of(resample(fine, rate_hz, RATE_HZ).astype(float), criteria)
        both, _ = match(ours["negative_peak_s"].to_numpy(), reference["negative_peak_s"].to_numpy())
        found = len(yasa_waves(fine, rate_hz))
        rows.append(
            {"rate_hz": rate_hz, "ours": len(ours), "f1": f1(len(ours), len(reference), len(both)), "yasa": found}
        )
    return pd.DataFrame(rows)


def waves_against_luna(recordings: dict[str, tuple[Trace, NDArray[np.bool_]]]) -> tuple[pd.DataFrame, Counter[str]]:
    criteria = WaveCriteria()
    n_taps, beta = dsp.kaiserord(-20 * np.log10(0.01), 0.5 / (RATE_HZ / 2))
    taps = dsp.firwin(n_taps | 1, criteria.band_hz, window=("kaiser", beta), pass_zero=False, fs=RATE_HZ)
    rows, causes = [], Counter[str]()
    for name, (samples, _) in recordings.items():
        instance, held = in_luna(samples)
        instance.silent_proc(
            "SO sig=X f-lwr=0.5 f-upr=4 fir-ripple=0.01 fir-tw=0.5 uV-neg=-40 uV-p2p=75 "
            "t-neg-lwr=0.25 t-neg-upr=1 verbose"
        )
        theirs = instance.table("SO", "CH_N").reset_index(drop=True)
        filtered = dsp.oaconvolve(np.pad(held, len(taps) // 2), taps, mode="valid")
        every = detect_in_trace(filtered, RATE_HZ, criteria.model_copy(update={"halfwave_s": (0.01, 99.0)}))
        kept = every["midcrossing_s"].sub(every["start_s"]).between(*criteria.halfwave_s)
        ours = every[kept & select_waves(every, criteria)].reset_index(drop=True)
        # Luna lists starts, not peaks.
        mine, their = match(ours["start_s"].to_numpy(), theirs["START"].to_numpy())
        pairs, other = ours.iloc[mine], theirs.iloc[their]
        on_grid = np.ceil(pairs["midcrossing_s"] * RATE_HZ) - np.round(pairs["negative_peak_s"] * RATE_HZ)
        slope = other["SLOPE"].to_numpy()
        rows.append(
            {
                "recording": name,
                "ours": len(ours),
                "luna": len(theirs),
                "both": len(mine),
                "amplitude": float(np.median(pairs["negative_amplitude_uv"] / -other["AMP_NEG"].to_numpy())),
                "slope": float(np.median(pairs["slope_up_uv_s"] / slope)),
                "slope_on_grid": float(np.median(pairs["negative_amplitude_uv"] / (on_grid / RATE_HZ) / slope)),
            }
        )
        edge_s = len(taps) / 2 / RATE_HZ
        for wave in [
            *ours.drop(index=list(mine)).to_dict("records"),
            *theirs.drop(index=list(their)).to_dict("records"),
        ]:
            side = "Luna only: " if "START" in wave else "ours only: "
            start_s = wave.get("START", wave.get("start_s"))
            at_end = start_s < edge_s or start_s > len(samples) / RATE_HZ - edge_s
            near = every.iloc[(every["start_s"] - start_s).abs().argmin()] if at_end is False else None
            why = "within half a filter of an end" if near is None else _edge(near, criteria) or "another cause"
            causes[side + why] += 1
    return pd.DataFrame(rows), causes


def f1(n_ours: int, n_theirs: int, n_both: int) -> float:
    return 2 * n_both / max(n_ours + n_theirs, 1)


def total_f1(table: pd.DataFrame, peer: str) -> float:
    return f1(int(table["ours"].sum()), int(table[peer].sum()), int(table["both"].sum()))


def show(title: str, table: pd.DataFrame, decimals: int = 4) -> None:
    print(f"\n{title}")
    print(table.to_string(index=False, float_format=lambda value: f"{value:.{decimals}f}"))


def show_causes(causes: Counter[str]) -> None:
    for cause, n in causes.most_common():
        print(f"  {n:4d}  {cause}")


def check_yasa(recordings: dict[str, tuple[Trace, NDArray[np.bool_]]]) -> dict[str, bool]:
    results = {}
    for window_s in (4.0, 5.0):
        table = powers_against_yasa(recordings, window_s)
        by_band = table.groupby("band", sort=False)
        shown = by_band.agg(
            ours_mean=("ours", "mean"),
            ours_lowest=("ours", "min"),
            ours_highest=("ours", "max"),
            their_median_over_mean=("median_rule", "mean"),
        )
        shown["their_rule_error"] = by_band["their_rule"].apply(lambda error: f"{error.abs().max():.1e}")
        show(f"Band power over YASA's, {window_s:g}-s windows (range over recordings)", shown.reset_index())
        results[f"YASA's rule to 1e-6, {window_s:g} s"] = bool(table["their_rule"].abs().max() <= 1e-6)
        if window_s == 4.0:
            judged = shown.drop(index="slow_oscillation")["ours_mean"]
            results["band powers within 2 % of YASA's, mean over recordings"] = bool(judged.sub(1).abs().max() <= 0.02)
            beyond = table[table["ours"].sub(1).abs() > 0.02]
            print(f"{len(beyond)} of {len(table)} cells differ by more than 2 %: Simpson's rule against the trapezoid.")
        else:
            print("With 5-s windows 0.5 Hz is no bin: YASA's bands then begin at 0.6 Hz. A difference of convention.")
    waves, causes = waves_against_yasa(recordings)
    waves["f1"] = [f1(a, b, c) for a, b, c in waves[["ours", "yasa", "both"]].to_numpy()]
    show("Waves, preset `yasa`, against yasa.sw_detect", waves, 3)
    print(f"all: F1 {total_f1(waves, 'yasa'):.4f}; disagreements by cause:")
    show_causes(causes)
    results["YASA waves F1 >= 0.95"] = total_f1(waves, "yasa") >= 0.95
    name = next(name for name in recordings if name.startswith("cycle"))
    rates = waves_at_other_rates(recordings[name][0])
    show(f"The same signal ({name}) given at other rates", rates, 4)
    results["our waves do not change with the rate"] = bool((rates["f1"] >= 0.995).all())
    return results


def check_luna(recordings: dict[str, tuple[Trace, NDArray[np.bool_]]]) -> dict[str, bool]:
    results = {}
    for window_s in (4.0, 5.0):
        table = powers_against_luna(recordings, window_s)
        shown = table.groupby("band", sort=False).agg(
            ours_lowest=("ours", "min"), ours_highest=("ours", "max"), sum_lowest=("sum_rule", "min"),
            sum_highest=("sum_rule", "max"),
        )  # fmt: skip
        shown["their_rule_error"] = table.groupby("band")["their_rule"].apply(lambda error: f"{error.abs().max():.1e}")
        show(
            f"Band power over Luna's, {window_s:g}-s windows (`sum`: its sum over bins on our density)",
            shown.reset_index(),
        )
        results[f"Luna's rule to 1e-6, {window_s:g} s"] = bool(table["their_rule"].abs().max() <= 1e-6)
        results[f"within 2 % of Luna's with its sum over bins, {window_s:g} s"] = bool(
            table["sum_rule"].sub(1).abs().max() <= 0.02
        )
    waves, causes = waves_against_luna(recordings)
    waves["f1"] = [f1(a, b, c) for a, b, c in waves[["ours", "luna", "both"]].to_numpy()]
    show("Waves with Luna's filter and limits against its SO", waves, 3)
    print(f"all: F1 {total_f1(waves, 'luna'):.4f}; disagreements by cause:")
    show_causes(causes)
    results["Luna waves F1 >= 0.90"] = total_f1(waves, "luna") >= 0.90
    results["slopes on Luna's grid within 1 %"] = bool(waves["slope_on_grid"].sub(1).abs().max() <= 0.01)
    return results


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    recordings = load(options.data)
    results: dict[str, bool] = {}
    for peer, module, check in (("YASA", "yasa", check_yasa), ("Luna", "lunapi", check_luna)):
        if find_spec(module):
            results |= check(recordings)
        else:
            print(f"\n{peer}: skipped, `pip install {module}` to compare with it")
    print()
    for name, met in results.items():
        print(f"{'met' if met else 'MISSED':7} {name}")
    return int(not all(results.values()))


if __name__ == "__main__":
    sys.exit(main())
