"""Whether a scoring lies on the EEG of its night."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from swa.measures import power
from swa.measures.stage_fit import measure_stage_fit
from swa.night.channel_pass import ChannelResult
from swa.night.frame import Frame
from swa.settings import Settings
from swa.tables.night_document import StageFit


def fit_of_scoring(results: Sequence[ChannelResult], frame: Frame, settings: Settings) -> StageFit | None:
    """Hold the stages of a night against slow-wave over beta power, the median of its channels."""
    return measure_stage_fit(frame.stages, _depth(results, settings), frame.epoch_s)


def _depth(results: Sequence[ChannelResult], settings: Settings) -> NDArray[np.float64]:
    """Ln of the ratio in each epoch; NaN where no channel is usable."""
    bands = {"slow": settings.power.swa_hz, "fast": settings.power.beta_hz}
    powers = [power.epoch_powers(result.density, result.frequencies_hz, bands) for result in results]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.log([own["slow"] / own["fast"] for own in powers])
    ratios[~np.isfinite(ratios)] = np.nan
    known = np.asarray(np.isfinite(ratios).any(axis=0))
    depth = np.full(known.size, np.nan)
    depth[known] = np.nanmedian(ratios[:, known], axis=0)
    return depth
