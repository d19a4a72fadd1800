"""How slow-wave activity falls over the night."""

import numpy as np
from numpy.typing import NDArray

HOUR_S = 3600.0


def summarize_decline(
    epoch_power: NDArray[np.float64], nrem: NDArray[np.bool_], epoch_s: float
) -> dict[str, tuple[float, str, str]]:
    """Overnight decline of SWA over NREM time.

    Parameters
    ----------
    epoch_power : ndarray, shape (n_epochs,)
        SWA of each epoch in µV²; NaN where there is none.
    nrem : ndarray of bool, shape (n_epochs,)
        N2 and N3.
    epoch_s : float
        Length of an epoch.

    Returns
    -------
    dict of str to (float, str, str)
        Value, unit and note of `swa_decline` (least-squares slope of ln SWA per hour of NREM) and
        `swa_early_late_ratio` (mean of the first over mean of the last hour of NREM). NaN with the reason below 2 h,
        or without a usable epoch in either hour.
    """
    hours = np.cumsum(nrem) * epoch_s / HOUR_S
    total = float(hours[-1]) if len(hours) else 0.0
    if total < 2:
        reason = f"{total * 60:.0f} min of NREM, 120 are needed"
        return {"swa_decline": (float("nan"), "1/h", reason), "swa_early_late_ratio": (float("nan"), "1", reason)}
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(epoch_power)
    known = nrem & np.isfinite(logs)
    early, late = (known & hour for hour in first_and_last_hour(nrem, epoch_s))
    if not (early.any() and late.any()):
        reason = "no usable epoch in the first or the last hour of NREM"
        return {"swa_decline": (float("nan"), "1/h", reason), "swa_early_late_ratio": (float("nan"), "1", reason)}
    slope = np.polyfit(hours[known], logs[known], 1)[0]
    return {
        "swa_decline": (float(slope), "1/h", ""),
        "swa_early_late_ratio": (float(np.mean(epoch_power[early]) / np.mean(epoch_power[late])), "1", ""),
    }


def first_and_last_hour(nrem: NDArray[np.bool_], epoch_s: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Epochs of the first and of the last hour of NREM.

    Parameters
    ----------
    nrem : ndarray of bool, shape (n_epochs,)
        N2 and N3.
    epoch_s : float
        Length of an epoch.

    Returns
    -------
    tuple of ndarray of bool, shape (n_epochs,)
        Both empty below 2 h of NREM: they would overlap.
    """
    hours = np.cumsum(nrem) * epoch_s / HOUR_S
    total = float(hours[-1]) if len(hours) else 0.0
    if total < 2:
        return np.zeros_like(nrem), np.zeros_like(nrem)
    return nrem & (hours <= 1), nrem & (hours > total - 1)
