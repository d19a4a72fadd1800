"""Stages of a night as `yasa.Hypnogram`: made of letters, and taken back to them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.errors import ScoringError

if TYPE_CHECKING:
    import yasa

STAGES = ("W", "N1", "N2", "N3", "R")


def make_hypnogram(
    stages: Sequence[str] | NDArray[np.str_],
    epoch_s: float,
    scorer: str | None = None,
    start: pd.Timestamp | None = None,
    proba: pd.DataFrame | None = None,
) -> "yasa.Hypnogram":
    """`yasa.Hypnogram` of the stages W, N1, N2, N3, R and UNS.

    Parameters
    ----------
    stages : sequence of str, one an epoch
        Stages.
    epoch_s : float
        Length of an epoch in s.
    scorer : str, optional
        Who scored: a file, or YASA with its channels.
    start : pandas.Timestamp, optional
        Clock time of the first epoch.
    proba : DataFrame, optional
        Probability of each stage, a row an epoch.
    """
    import yasa

    values = np.asarray(stages, dtype=object)
    return yasa.Hypnogram(values, freq=f"{epoch_s:g}s", scorer=scorer, start=start, proba=proba)


def stages_of(hypnogram: "yasa.Hypnogram") -> NDArray[np.str_]:
    """Stage of each epoch: ``W``, ``N1``, ``N2``, ``N3``, ``R`` or ``UNS``."""
    short = {"WAKE": "W", "REM": "R", "ART": "UNS"}
    return np.array([short.get(stage, stage) for stage in hypnogram.hypno.to_numpy()], dtype=np.str_)


def epoch_length_s(hypnogram: "yasa.Hypnogram") -> float:
    """Length of an epoch in s."""
    return 1 / float(hypnogram.sampling_frequency)


def check_hypnogram(hypnogram: object) -> None:
    """Refuse stages that are no hypnogram.

    Raises
    ------
    ScoringError
        They are something else.
    """
    if not hasattr(hypnogram, "sampling_frequency"):
        raise ScoringError(
            f"Expected a yasa.Hypnogram, got {type(hypnogram).__name__}.",
            'Use swa.stage_recording, swa.read_hypnogram, or yasa.Hypnogram(stages, freq="30s") of names such as "N2", '
            "with the length of an epoch.",
        )
