"""Process S in NREM: the exponential fall of slow-wave activity over the cycles of a subject's nights."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.settings import HomeostasisSettings

HOUR_S = 3600.0
CYCLE_COLUMNS = ("cycle", "time_h", "swa_uv2", "n_epochs")
SINGLE_NIGHT = "single_night"
# Time constants from which the fit starts; the best of them is refined.
STARTS_H = np.geomspace(0.5, 8.0, 8)
# Below this gain in the sum of squares an asymptote above zero explains nothing.
SAME_FIT = 1e-6
LARGEST_LOG = 700.0


class Estimate(NamedTuple):
    """A value and its interval, in the unit that its name says; NaN where there is none."""

    value: float
    low: float
    high: float


NOTHING = Estimate(float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True, kw_only=True)
class ProcessSFit:
    """SWA(t) = LA + (S0 - LA) exp(-t / tau), t in hours since sleep onset.

    Attributes
    ----------
    nights : tuple of str
        Nights with at least one cycle mean, in the order of the data.
    initial_uv2 : dict of str to Estimate
        S0, the level at sleep onset of each night, µV².
    asymptote_uv2, tau_h : Estimate
        LA in µV² and tau in h, shared by the nights. LA = 0 is a result: its interval then begins at 0.
    reasons : dict of str to str
        Why a night has no S0; empty where it has one.
    reason : str
        Why nothing was fitted; empty where something was.
    variant : str
        ``single_night`` for the exploratory fit of one night, else empty.
    n_cycles, degrees_of_freedom : int
        Cycle means, and what the fit leaves of them.
    log_covariance : ndarray, shape (n_nights, n_nights)
        Of the ln S0.
    t_quantile : float
        By which standard errors on the log scale become half-widths.
    """

    nights: tuple[str, ...]
    initial_uv2: dict[str, Estimate]
    asymptote_uv2: Estimate = NOTHING
    tau_h: Estimate = NOTHING
    reasons: dict[str, str]
    reason: str = ""
    variant: str = ""
    n_cycles: int
    degrees_of_freedom: int = 0
    log_covariance: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)), repr=False)
    t_quantile: float = float("nan")

    def initial_ratio(self, treatment: str, baseline: str) -> Estimate:
        """S0 of one night over that of another, with its interval.

        Parameters
        ----------
        treatment, baseline : str
            Nights of this fit.

        Returns
        -------
        Estimate
            Narrower than the two intervals suggest, since tau and LA err alike in both; NaN where a night has no S0.
        """
        if not all(np.isfinite(self.initial_uv2.get(night, NOTHING).value) for night in (treatment, baseline)):
            return NOTHING
        contrast = np.zeros(len(self.nights))
        contrast[self.nights.index(treatment)] += 1
        contrast[self.nights.index(baseline)] -= 1
        ratio = self.initial_uv2[treatment].value / self.initial_uv2[baseline].value
        error = max(float(contrast @ self.log_covariance @ contrast), 0.0) ** 0.5
        return _log_interval(ratio, self.t_quantile * error)


def average_cycles(
    epoch_power_uv2: NDArray[np.floating],
    nrem: NDArray[np.bool_],
    epoch_s: float,
    cycles: pd.DataFrame,
    sleep_onset_s: float,
    settings: HomeostasisSettings | None = None,
) -> pd.DataFrame:
    """Mean SWA of each NREM cycle of a night, for `fit_process_s`.

    Parameters
    ----------
    epoch_power_uv2 : ndarray, shape (n_epochs,)
        SWA of each epoch in the band of the settings, µV²; NaN where there is none.
    nrem : ndarray of bool, shape (n_epochs,)
        N2 and N3.
    epoch_s : float
        Length of an epoch, s.
    cycles : DataFrame
        `nrem_start_s` and `nrem_end_s` of each cycle, in order.
    sleep_onset_s : float
        From the first sample, s.
    settings : HomeostasisSettings, optional
        `cycle_minimum_min`.

    Returns
    -------
    DataFrame
        `CYCLE_COLUMNS`: number of the cycle from 1, midpoint of its NREM period in h since sleep onset, mean SWA in
        µV², epochs it rests on. Cycles with less usable NREM than `cycle_minimum_min` have no row.

    Notes
    -----
    Means per cycle, not epochs: SWA builds up within a cycle, and a fit to epochs puts S0 about 23 % low.
    """
    settings = settings or HomeostasisSettings()
    start_s = np.arange(len(nrem)) * epoch_s
    usable = nrem & np.isfinite(epoch_power_uv2)
    rows = []
    limits_s = cycles[["nrem_start_s", "nrem_end_s"]].to_numpy(dtype=float)
    for number, (first_s, end_s) in enumerate(limits_s, start=1):
        taken = usable & (start_s >= first_s) & (start_s < end_s)
        n = int(taken.sum())
        if n * epoch_s / 60 >= settings.cycle_minimum_min:
            time_h = ((first_s + end_s) / 2 - sleep_onset_s) / HOUR_S
            rows.append((number, time_h, float(epoch_power_uv2[taken].astype(float).mean()), n))
    return pd.DataFrame(rows, columns=list(CYCLE_COLUMNS))


def fit_process_s(
    time_h: NDArray[np.floating],
    swa_uv2: NDArray[np.floating],
    night: Sequence[str] | NDArray[np.str_],
    *,
    settings: HomeostasisSettings | None = None,
    confidence: float = 0.95,
) -> ProcessSFit:
    """Fit Process S to the cycle means of one channel over a subject's nights.

    Parameters
    ----------
    time_h : ndarray, shape (n_cycles,)
        Midpoints of the NREM cycles in h since sleep onset of their night.
    swa_uv2 : ndarray, shape (n_cycles,)
        Mean SWA of each, µV² (0.75-4.5 Hz for this fit); cycles that are NaN or not above zero are left out.
    night : sequence of str, shape (n_cycles,)
        Night of each cycle.
    settings : HomeostasisSettings, optional
        How many cycles are needed, and which fits are refused.
    confidence : float
        Level of the intervals.

    Returns
    -------
    ProcessSFit
        With NaN and the reason where the data cannot carry a fit: too few cycle means, no fall of SWA beyond chance, a
        time constant outside the limits, or (for one night) S0 not above LA or with too wide an interval.

    Raises
    ------
    ValueError
        The three arrays differ in length.

    Notes
    -----
    Achermann, Dijk, Brunner & Borbély 1993 (Brain Res Bull 31:97); cycle means at cycle midpoints and time constants
    in a physiological range after Rusterholz, Dürr & Achermann 2010 (Sleep 33:491). Departures: least squares on the
    logarithm, because the scatter of power is proportional to its level; fits outside the range are refused, not
    pushed to its edge. Intervals are t-intervals on the log scale from the curvature at the estimate, with LA counted
    as a free parameter also where it is estimated at its bound of zero: held fixed there, the intervals of S0 covered
    only 85-89 % of such fits in simulations (`benchmarks/process_s.py` prints the coverage now). What raises S0:
    longer wake before sleep, a larger electrode gain (it raises every power), a first cycle that lost its light sleep
    to artefacts.
    """
    settings = settings or HomeostasisSettings()
    time, level, labels = np.asarray(time_h, dtype=float), np.asarray(swa_uv2, dtype=float), np.asarray(night, str)
    if not len(time) == len(level) == len(labels):
        raise ValueError(f"{len(time)} times, {len(level)} levels, {len(labels)} nights: one each per cycle")
    known = np.isfinite(time) & np.isfinite(level) & (level > 0)
    time, labels, logs = time[known], labels[known], np.log(level[known])
    names = tuple(dict.fromkeys(labels.tolist()))
    variant = SINGLE_NIGHT if len(names) == 1 else ""
    index = np.array([names.index(label) for label in labels], dtype=int)
    reason = _too_few(len(time), len(names), settings)
    if reason:
        return _refused(names, len(time), variant, reason)
    centre = float(logs.mean())
    curve = _fit_curve(time, logs - centre, index, len(names))
    reason = _hopeless(curve, logs, index, settings)
    if reason:
        return _refused(names, len(time), variant, reason)
    return _with_intervals(curve, centre, names, variant, settings, confidence)


@dataclass(frozen=True, kw_only=True)
class _Curve:
    """The fit on logarithms, with level 1 at the geometric mean of the data."""

    log_initial: NDArray[np.float64]
    asymptote: float
    tau_h: float
    residuals: NDArray[np.float64]
    slopes: NDArray[np.float64]  # of the residuals by ln S0 of each night, LA and ln tau

    @property
    def sum_of_squares(self) -> float:
        return float(self.residuals @ self.residuals)

    @property
    def freedom(self) -> int:
        return len(self.residuals) - int(self.slopes.shape[1])


def _too_few(n_cycles: int, n_nights: int, settings: HomeostasisSettings) -> str:
    if n_nights <= 1:
        if n_cycles < settings.single_night_cycles:
            return f"{n_cycles} cycle means in one night, {settings.single_night_cycles} are needed"
        return ""
    if n_cycles < settings.cycles_minimum:
        return f"{n_cycles} cycle means in {n_nights} nights, {settings.cycles_minimum} are needed"
    freedom = n_cycles - n_nights - 2
    if freedom < settings.freedom_minimum:
        return (
            f"{n_cycles} cycle means in {n_nights} nights leave {freedom} degrees of freedom, "
            f"{settings.freedom_minimum} are needed"
        )
    return ""


def _refused(names: tuple[str, ...], n_cycles: int, variant: str, reason: str) -> ProcessSFit:
    return ProcessSFit(
        nights=names,
        initial_uv2=dict.fromkeys(names, NOTHING),
        reasons=dict.fromkeys(names, reason),
        reason=reason,
        variant=variant,
        n_cycles=n_cycles,
    )


def _fit_curve(time: NDArray[np.float64], logs: NDArray[np.float64], index: NDArray[np.int64], n_nights: int) -> _Curve:
    """Least squares on the logarithm; the better of the fit with LA above zero and the one with LA = 0."""
    from scipy.optimize import least_squares

    def at(log_initial: NDArray[np.float64], asymptote: float, tau_h: float) -> _Curve:
        left = np.exp(-time / tau_h)
        initial = np.exp(log_initial)[index]
        level = np.maximum(asymptote + (initial - asymptote) * left, np.finfo(float).tiny)
        slopes = np.zeros((len(time), n_nights + 2))
        slopes[np.arange(len(time)), index] = initial * left / level
        slopes[:, -2] = (1 - left) / level
        slopes[:, -1] = (initial - asymptote) * left * time / tau_h / level
        return _Curve(
            log_initial=log_initial, asymptote=asymptote, tau_h=tau_h, residuals=np.log(level) - logs, slopes=slopes
        )

    def read(parameters: NDArray[np.float64]) -> _Curve:
        *_, log_asymptote, log_tau = np.clip(parameters, -LARGEST_LOG / 2, LARGEST_LOG / 2)
        return at(parameters[:n_nights], float(np.exp(log_asymptote)), float(np.exp(log_tau)))

    def slopes_of_logs(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        curve = read(parameters)
        curve.slopes[:, -2] *= curve.asymptote
        return curve.slopes

    # With LA = 0 the logarithm of the curve is a line for each night, of one slope.
    lines = np.zeros((len(time), n_nights + 1))
    lines[np.arange(len(time)), index] = 1
    lines[:, -1] = -time
    *intercepts, rate = np.linalg.lstsq(lines, logs, rcond=None)[0]
    without = at(np.array(intercepts), 0.0, 1 / rate) if rate > 0 else None

    def residuals(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        return read(parameters).residuals

    start = _start(time, logs, index, n_nights)
    inner = read(least_squares(residuals, start, slopes_of_logs, method="lm", max_nfev=200).x)
    if without is not None and inner.sum_of_squares >= without.sum_of_squares * (1 - SAME_FIT):
        return without
    return inner


def _start(
    time: NDArray[np.float64], logs: NDArray[np.float64], index: NDArray[np.int64], n_nights: int
) -> NDArray[np.float64]:
    """For a given tau the curve is linear in S0 and LA: solve it for a few, take the best."""
    best, least = np.zeros(n_nights + 2), np.inf
    for tau_h in STARTS_H:
        left = np.exp(-time / tau_h)
        design = np.zeros((len(time), n_nights + 1))
        design[np.arange(len(time)), index] = left
        design[:, -1] = 1 - left
        # Relative weights stand in for the logarithm.
        levels = np.linalg.lstsq(design * np.exp(-logs)[:, None], np.ones(len(time)), rcond=None)[0]
        levels = np.maximum(levels, 0.02 * np.exp(logs.min()))
        misfit = float(np.sum((np.log(design @ levels) - logs) ** 2))
        if misfit < least:
            best, least = np.append(np.log(levels), np.log(tau_h)), misfit
    return best


def _hopeless(curve: _Curve, logs: NDArray[np.float64], index: NDArray[np.int64], settings: HomeostasisSettings) -> str:
    from scipy.stats import f as f_distribution

    if np.all(np.exp(curve.log_initial) <= curve.asymptote):
        return "SWA does not fall over the night"
    means = np.bincount(index, logs) / np.bincount(index)
    flat = float(np.sum((logs - means[index]) ** 2))
    # Rounding alone is left of the scatter when the data lie on a curve.
    scatter = max(curve.sum_of_squares, 1e-12) / curve.freedom
    p = float(f_distribution.sf((flat - curve.sum_of_squares) / 2 / scatter, 2, curve.freedom))
    if p > settings.decline_p:
        return f"no fall of SWA over the night beyond chance (p = {p:.2f})"
    low, high = settings.tau_h
    if not low <= curve.tau_h <= high:
        return f"time constant of {curve.tau_h:.3g} h, outside {low:g} to {high:g} h"
    if np.linalg.matrix_rank(curve.slopes) < curve.slopes.shape[1]:
        return "the cycles lie at too few times to tell the curve"
    return ""


def _with_intervals(
    curve: _Curve,
    centre: float,
    names: tuple[str, ...],
    variant: str,
    settings: HomeostasisSettings,
    confidence: float,
) -> ProcessSFit:
    from scipy.stats import t as t_distribution

    n_cycles, n_nights = len(curve.residuals), len(names)
    variance = curve.sum_of_squares / curve.freedom
    quantile = float(t_distribution.ppf((1 + confidence) / 2, curve.freedom))
    covariance = np.linalg.inv(curve.slopes.T @ curve.slopes).astype(np.float64) * variance
    half = quantile * np.sqrt(np.maximum(np.diag(covariance), 0))
    initial, reasons = {}, {}
    for number, name in enumerate(names):
        value = float(np.exp(curve.log_initial[number]))
        reasons[name] = ""
        if value <= curve.asymptote:
            reasons[name] = "the initial value is not above the asymptote of all nights"
        elif half[number] > np.log(settings.widest_factor):
            factor = float(np.exp(min(half[number], LARGEST_LOG)))
            reasons[name] = f"interval of ×/÷ {factor:.3g}, wider than ×/÷ {settings.widest_factor:g}"
        good = not reasons[name]
        initial[name] = _log_interval(value * float(np.exp(centre)), float(half[number])) if good else NOTHING
    scale = float(np.exp(centre))
    if curve.asymptote > 0:
        asymptote = _log_interval(curve.asymptote * scale, float(half[-2]) / curve.asymptote)
    else:
        asymptote = Estimate(0.0, 0.0, float(half[-2]) * scale)
    refused = all(reasons.values())
    return ProcessSFit(
        nights=names,
        initial_uv2=initial,
        asymptote_uv2=NOTHING if refused else asymptote,
        tau_h=NOTHING if refused else _log_interval(curve.tau_h, float(half[-1])),
        reasons=reasons,
        reason=reasons[names[0]] if refused else "",
        variant=variant,
        n_cycles=n_cycles,
        degrees_of_freedom=curve.freedom,
        log_covariance=covariance[:n_nights, :n_nights],
        t_quantile=quantile,
    )


def _log_interval(value: float, half: float) -> Estimate:
    factor = float(np.exp(min(half, LARGEST_LOG)))
    return Estimate(value, value / factor, value * factor)
