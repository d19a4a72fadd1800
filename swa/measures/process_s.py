"""Process S in NREM: the exponential fall of slow-wave activity over the cycles of a subject's nights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.settings import HomeostasisSettings
from swa.tables.notes import COURSE_FEW_CYCLES, COURSE_OPEN, COURSE_RISES, COURSE_WIDE
from swa.tables.reason import Reason

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


@dataclass(frozen=True, kw_only=True)
class ConditionsFit:
    """Process S where the conditions of a subject may differ in more than S0.

    Attributes
    ----------
    initial_uv2 : dict of str to Estimate
        S0 of each night, the mean (ln) of that with a tau and that with an LA for each condition, by their weights.
    tau_h : dict of str to Estimate
        tau of each condition, LA shared.
    aicc : dict of str to float
        Of the three models, less that of ``shared``; empty where nothing was fitted.
    reasons, tau_reasons : dict of str to str
        Why a night has no S0, and a condition no tau; empty where it has one.
    """

    initial_uv2: dict[str, Estimate]
    tau_h: dict[str, Estimate]
    aicc: dict[str, float]
    reasons: dict[str, str]
    tau_reasons: dict[str, str]


NOT_BY_CONDITION = ConditionsFit(initial_uv2={}, tau_h={}, aicc={}, reasons={}, tau_reasons={})


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
    cycles, centre, names = _read_cycles(time_h, swa_uv2, night)
    n_cycles, variant = len(cycles.time), SINGLE_NIGHT if len(names) == 1 else ""
    reason = _too_few(n_cycles, len(names), settings)
    if reason:
        return _refused(names, n_cycles, variant, reason)
    curve = _fit_curve(cycles)
    reason = _hopeless(curve, cycles, settings)
    if reason:
        return _refused(names, n_cycles, variant, reason)
    return _with_intervals(curve, centre, names, variant, settings, confidence)


@dataclass(frozen=True, kw_only=True)
class _Cycles:
    """Cycle means on logarithms, and which S0, LA and tau each of them lies on, numbered from 0."""

    time: NDArray[np.float64]
    logs: NDArray[np.float64]
    night: NDArray[np.int64]
    asymptote: NDArray[np.int64]
    tau: NDArray[np.int64]

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many S0, LA and tau there are."""
        nights, asymptotes, taus = (int(index.max()) + 1 for index in (self.night, self.asymptote, self.tau))
        return nights, asymptotes, taus

    def columns(self, *indices: NDArray[np.int64]) -> list[NDArray[np.float64]]:
        """For each index, a matrix with a column for each of its numbers, 1 where a cycle has that number."""
        return [(index[:, None] == np.arange(index.max() + 1)).astype(float) for index in indices]


@dataclass(frozen=True, kw_only=True)
class _Curve:
    """The fit on logarithms, with level 1 at the geometric mean of the data."""

    log_initial: NDArray[np.float64]
    asymptotes: NDArray[np.float64]
    taus_h: NDArray[np.float64]
    residuals: NDArray[np.float64]
    slopes: NDArray[np.float64]  # of the residuals by ln S0 of each night, LA and ln tau

    @property
    def asymptote(self) -> float:
        return float(self.asymptotes[0])

    @property
    def tau_h(self) -> float:
        return float(self.taus_h[0])

    @property
    def sum_of_squares(self) -> float:
        return float(self.residuals @ self.residuals)

    @property
    def freedom(self) -> int:
        return len(self.residuals) - int(self.slopes.shape[1])


def fit_by_condition(
    time_h: NDArray[np.floating],
    swa_uv2: NDArray[np.floating],
    night: Sequence[str] | NDArray[np.str_],
    condition: Mapping[str, str],
    *,
    settings: HomeostasisSettings | None = None,
    confidence: float = 0.95,
) -> ConditionsFit:
    """Fit Process S to a subject's nights without taking for granted that a treatment leaves tau and LA alone.

    Parameters
    ----------
    time_h, swa_uv2, night, settings, confidence
        As for `fit_process_s`.
    condition : mapping of str to str
        Condition of each night; of two at least.

    Returns
    -------
    ConditionsFit
        With NaN and the reason where the cycles are too few to tell, or leave it open.

    Notes
    -----
    Three models are fitted to the nights together: tau and LA shared; a tau for each condition; an LA for each. AICc
    compares them (Hurvich & Tsai 1989, Biometrika 76:297). The shared one takes a changed tau or LA for a changed
    S0: a drug with a tau of 2.0 instead of 2.7 h and the same S0 read as S0 x 0.83, a doubled LA as x 1.36. AICc does
    not keep that away: with two nights of 4 or 5 cycles its correction for few data prefers the shared model whatever
    is true. So S0 is that of the two others, averaged by their Akaike weights (Burnham & Anderson 2002), with their
    disagreement in the interval (Buckland, Burnham & Augustin 1997, Biometrics 53:603).
    """
    settings = settings or HomeostasisSettings()
    cycles, centre, names = _read_cycles(time_h, swa_uv2, night)
    conditions = tuple(dict.fromkeys(condition[name] for name in names))
    n_extra = len(conditions) - 1
    freedom = len(cycles.time) - len(names) - 2 - n_extra
    if freedom < settings.freedom_minimum:
        few = COURSE_FEW_CYCLES(cycles=len(cycles.time), freedom=max(freedom, 0), needed=settings.freedom_minimum)
        return _untold(names, conditions, few, {})
    own = np.array([conditions.index(condition[name]) for name in names], dtype=np.int64)[cycles.night]
    curves = {
        "shared": _fit_curve(cycles),
        "tau": _fit_curve(replace(cycles, tau=own)),
        "asymptote": _fit_curve(replace(cycles, asymptote=own)),
    }
    aicc = {name: _aicc(curve) for name, curve in curves.items()}
    aicc = {name: value - aicc["shared"] for name, value in aicc.items()}
    good = {name: curve for name, curve in curves.items() if name != "shared" and _is_told(curve, settings)}
    if not good:
        return _untold(names, conditions, COURSE_OPEN(), aicc)
    quantile = _t_quantile(freedom, confidence)
    initial, reasons = _average(cycles, good, aicc, centre, names, quantile, settings)
    taus, tau_reasons = _condition_taus(good.get("tau"), conditions, quantile, settings)
    return ConditionsFit(initial_uv2=initial, tau_h=taus, aicc=aicc, reasons=reasons, tau_reasons=tau_reasons)


def _untold(names: tuple[str, ...], conditions: tuple[str, ...], why: Reason, aicc: dict[str, float]) -> ConditionsFit:
    return ConditionsFit(
        initial_uv2=dict.fromkeys(names, NOTHING),
        tau_h=dict.fromkeys(conditions, NOTHING),
        aicc=aicc,
        reasons=dict.fromkeys(names, why.words),
        tau_reasons=dict.fromkeys(conditions, why.words),
    )


def _aicc(curve: _Curve) -> float:
    """Of normal scatter around the curve, whose variance is a parameter too."""
    n, k = len(curve.residuals), curve.slopes.shape[1] + 1
    # Rounding alone is left of the scatter when the data lie on a curve.
    fit = n * float(np.log(max(curve.sum_of_squares, 1e-12) / n)) + 2 * k
    return fit + 2 * k * (k + 1) / (n - k - 1) if n > k + 1 else float("inf")


def _is_told(curve: _Curve, settings: HomeostasisSettings) -> bool:
    """Whether the cycles tell all parameters, and each tau is possible."""
    low, high = settings.tau_h
    possible = bool(np.all((curve.taus_h >= low) & (curve.taus_h <= high)))
    return possible and bool(np.linalg.matrix_rank(curve.slopes) == curve.slopes.shape[1])


def _errors(curve: _Curve) -> NDArray[np.float64]:
    """Standard errors of ln S0, LA and ln tau."""
    variance = curve.sum_of_squares / curve.freedom
    return np.sqrt(np.maximum(np.diag(np.linalg.inv(curve.slopes.T @ curve.slopes)), 0) * variance)


def _average(
    cycles: _Cycles,
    curves: Mapping[str, _Curve],
    aicc: Mapping[str, float],
    centre: float,
    names: tuple[str, ...],
    quantile: float,
    settings: HomeostasisSettings,
) -> tuple[dict[str, Estimate], dict[str, str]]:
    """S0 of each night over the models."""
    least = min(aicc[name] for name in curves)
    weights = np.array([np.exp((least - aicc[name]) / 2) for name in curves])
    weights /= weights.sum()
    logs = np.array([curve.log_initial for curve in curves.values()])
    errors = np.array([_errors(curve)[: len(names)] for curve in curves.values()])
    mean = weights @ logs
    half = quantile * (weights @ np.sqrt(errors**2 + (logs - mean) ** 2))
    first = [int(np.flatnonzero(cycles.night == number)[0]) for number in range(len(names))]
    asymptote = weights @ np.array([curve.asymptotes[cycles.asymptote[first]] for curve in curves.values()])
    initial: dict[str, Estimate] = {}
    reasons: dict[str, str] = {}
    for number, name in enumerate(names):
        reasons[name] = ""
        if np.exp(mean[number]) <= asymptote[number]:
            reasons[name] = COURSE_RISES().words
        elif half[number] > np.log(settings.widest_factor):
            factor = float(np.exp(min(half[number], LARGEST_LOG)))
            reasons[name] = COURSE_WIDE(factor=factor, widest=settings.widest_factor).words
        value = float(np.exp(mean[number] + centre))
        initial[name] = NOTHING if reasons[name] else _log_interval(value, float(half[number]))
    return initial, reasons


def _condition_taus(
    curve: _Curve | None, conditions: tuple[str, ...], quantile: float, settings: HomeostasisSettings
) -> tuple[dict[str, Estimate], dict[str, str]]:
    """Time constant of each condition, where the cycles tell it."""
    if curve is None:
        return dict.fromkeys(conditions, NOTHING), dict.fromkeys(conditions, COURSE_OPEN().words)
    half = quantile * _errors(curve)[-len(conditions) :]
    found: dict[str, Estimate] = {}
    reasons: dict[str, str] = {}
    for name, tau_h, width in zip(conditions, curve.taus_h, half, strict=True):
        factor = float(np.exp(min(width, LARGEST_LOG)))
        wide = width > np.log(settings.widest_factor)
        reasons[name] = COURSE_WIDE(factor=factor, widest=settings.widest_factor).words if wide else ""
        found[name] = NOTHING if wide else _log_interval(float(tau_h), float(width))
    return found, reasons


def _t_quantile(freedom: int, confidence: float) -> float:
    from scipy.stats import t as t_distribution

    return float(t_distribution.ppf((1 + confidence) / 2, freedom))


def _read_cycles(
    time_h: NDArray[np.floating], swa_uv2: NDArray[np.floating], night: Sequence[str] | NDArray[np.str_]
) -> tuple[_Cycles, float, tuple[str, ...]]:
    """Cycles that were measured, with one LA and tau for all; the mean that was taken off the logs; names of nights."""
    time, level, labels = np.asarray(time_h, dtype=float), np.asarray(swa_uv2, dtype=float), np.asarray(night, str)
    if not len(time) == len(level) == len(labels):
        raise ValueError(f"{len(time)} times, {len(level)} levels, {len(labels)} nights: one each per cycle")
    known = np.isfinite(time) & np.isfinite(level) & (level > 0)
    time, labels, logs = time[known], labels[known], np.log(level[known])
    names = tuple(dict.fromkeys(labels.tolist()))
    centre = float(logs.mean()) if len(logs) else 0.0
    shared = np.zeros(len(time), dtype=np.int64)
    index = np.array([names.index(label) for label in labels], dtype=np.int64)
    return _Cycles(time=time, logs=logs - centre, night=index, asymptote=shared, tau=shared), centre, names


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


def _fit_curve(cycles: _Cycles) -> _Curve:
    """Least squares on the logarithm; the better of the fit with LA above zero and the one with LA = 0."""
    from scipy.optimize import least_squares

    time, logs, (n_nights, n_asymptotes, _) = cycles.time, cycles.logs, cycles.counts
    of_nights, of_asymptotes, of_taus = cycles.columns(cycles.night, cycles.asymptote, cycles.tau)

    def at(log_initial: NDArray[np.float64], asymptotes: NDArray[np.float64], taus_h: NDArray[np.float64]) -> _Curve:
        asymptote, tau_h = asymptotes[cycles.asymptote], taus_h[cycles.tau]
        left = np.exp(-time / tau_h)
        initial = np.exp(log_initial)[cycles.night]
        level = np.maximum(asymptote + (initial - asymptote) * left, np.finfo(float).tiny)
        by_tau = (initial - asymptote) * left * time / tau_h / level
        parts = (of_nights, initial * left / level), (of_asymptotes, (1 - left) / level), (of_taus, by_tau)
        return _Curve(
            log_initial=log_initial,
            asymptotes=asymptotes,
            taus_h=taus_h,
            residuals=np.log(level) - logs,
            slopes=np.hstack([columns * slope[:, None] for columns, slope in parts]),
        )

    def read(parameters: NDArray[np.float64]) -> _Curve:
        others = np.exp(np.clip(parameters[n_nights:], -LARGEST_LOG / 2, LARGEST_LOG / 2))
        return at(parameters[:n_nights], others[:n_asymptotes], others[n_asymptotes:])

    def slopes_of_logs(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        curve = read(parameters)
        curve.slopes[:, n_nights : n_nights + n_asymptotes] *= curve.asymptotes
        return curve.slopes

    # With LA = 0 the logarithm of the curve is a line for each night, of one slope for each tau.
    lines = np.hstack([of_nights, -time[:, None] * of_taus])
    found = np.linalg.lstsq(lines, logs, rcond=None)[0].astype(np.float64)
    intercepts, rates = found[:n_nights], found[n_nights:]
    without = at(intercepts, np.zeros(n_asymptotes), 1 / rates) if np.all(rates > 0) else None

    def residuals(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        return read(parameters).residuals

    inner = read(least_squares(residuals, _start(cycles), slopes_of_logs, method="lm", max_nfev=200).x)
    if without is not None and inner.sum_of_squares >= without.sum_of_squares * (1 - SAME_FIT):
        return without
    return inner


def _start(cycles: _Cycles) -> NDArray[np.float64]:
    """For a given tau the curve is linear in S0 and LA: solve it for a few, take the best."""
    logs, (n_nights, n_asymptotes, n_taus) = cycles.logs, cycles.counts
    of_nights, of_asymptotes = cycles.columns(cycles.night, cycles.asymptote)
    best, least = np.zeros(n_nights + n_asymptotes + n_taus), np.inf
    for tau_h in STARTS_H:
        left = np.exp(-cycles.time / tau_h)[:, None]
        design = np.hstack([of_nights * left, of_asymptotes * (1 - left)])
        # Relative weights stand in for the logarithm.
        levels = np.linalg.lstsq(design * np.exp(-logs)[:, None], np.ones(len(logs)), rcond=None)[0]
        levels = np.maximum(levels, 0.02 * np.exp(logs.min()))
        misfit = float(np.sum((np.log(design @ levels) - logs) ** 2))
        if misfit < least:
            best, least = np.append(np.log(levels), np.full(n_taus, np.log(tau_h))), misfit
    return best


def _hopeless(curve: _Curve, cycles: _Cycles, settings: HomeostasisSettings) -> str:
    from scipy.stats import f as f_distribution

    if np.all(np.exp(curve.log_initial) <= curve.asymptote):
        return "SWA does not fall over the night"
    means = np.bincount(cycles.night, cycles.logs) / np.bincount(cycles.night)
    flat = float(np.sum((cycles.logs - means[cycles.night]) ** 2))
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
    half = _t_quantile(curve.freedom, confidence) * _errors(curve)
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
        n_cycles=len(curve.residuals),
        degrees_of_freedom=curve.freedom,
    )


def _log_interval(value: float, half: float) -> Estimate:
    factor = float(np.exp(min(half, LARGEST_LOG)))
    return Estimate(value, value / factor, value * factor)
