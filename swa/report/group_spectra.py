"""Mean spectra of a study: over subjects by condition, and their change within subjects."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from swa.report.facts import Headline
from swa.study.store import NIGHT_TABLES, StoredNight

HIGHEST_HZ = 30.0
LOWEST_HZ = 0.5
SPECTRUM_COLUMNS = ["condition", "frequency_hz", "density_uv2_hz", "n_subjects"]
CHANGE_COLUMNS = ["contrast", "frequency_hz", "change_db", "low_db", "high_db", "n_subjects"]
FEWEST = 3  # subjects: two that happen to agree would give an interval of any width
DB = 10 / np.log(10)


def average_over_subjects(
    nights: Sequence[StoredNight], headline: Headline, contrasts: Iterable[str], confidence: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Mean spectra over subjects, and changes over the subjects who have both conditions.

    Parameters
    ----------
    nights : sequence of StoredNight
        All finished nights.
    headline : Headline
        Stages, window and channel; a region is the log mean over its channels.
    contrasts : iterable of str
        ``TREATMENT:BASELINE``.
    confidence : float
        Level of the t intervals, which are those of each frequency alone.

    Returns
    -------
    spectra, changes : DataFrame
        `SPECTRUM_COLUMNS` (geometric means) and `CHANGE_COLUMNS` (dB).
    """
    rows = []
    for night in nights:
        spectrum = _read_spectrum(night, headline)
        if len(spectrum):
            rows.append(spectrum.rename((night.folder.subject, night.condition)))
    if not rows:
        return pd.DataFrame(columns=SPECTRUM_COLUMNS), pd.DataFrame(columns=CHANGE_COLUMNS)
    logs = pd.DataFrame(rows)
    logs.index = pd.MultiIndex.from_tuples(logs.index, names=["subject", "condition"])
    logs = logs.groupby(level=["subject", "condition"], sort=False).mean().dropna(axis=1)  # several nights: one value
    spectra = [_spectrum_rows(str(condition), part) for condition, part in logs.groupby(level="condition", sort=False)]
    changes = [_change_rows(contrast, logs, confidence) for contrast in contrasts]
    changes = [table for table in changes if len(table)]
    return pd.concat(spectra, ignore_index=True), (
        pd.concat(changes, ignore_index=True) if changes else pd.DataFrame(columns=CHANGE_COLUMNS)
    )


def _read_spectrum(night: StoredNight, headline: Headline) -> pd.Series:
    """Log density of one night by frequency."""
    channels = [*headline.members, headline.channel]
    wanted = [("stages", "==", headline.stages), ("window", "==", headline.window), ("channel", "in", channels)]
    path = night.folder.file(NIGHT_TABLES["spectra"])
    if not path.is_file():
        return pd.Series(dtype=float)
    table = pd.read_parquet(path, filters=wanted)
    table = table[table["frequency_hz"].between(LOWEST_HZ, HIGHEST_HZ) & (table["density_uv2_hz"] > 0)]
    logs = pd.Series(np.log(table["density_uv2_hz"].to_numpy(float)), index=table.index)
    return logs.groupby(table["frequency_hz"].round(4)).mean()


def _spectrum_rows(condition: str, logs: pd.DataFrame) -> pd.DataFrame:
    density = np.exp(logs.mean(axis=0))
    return pd.DataFrame(
        {
            "condition": condition,
            "frequency_hz": logs.columns.to_numpy(float),
            "density_uv2_hz": density.to_numpy(float),
            "n_subjects": len(logs),
        }
    )


def _change_rows(contrast: str, logs: pd.DataFrame, confidence: float) -> pd.DataFrame:
    treatment, _, baseline = contrast.partition(":")
    conditions = logs.index.get_level_values("condition")
    after = logs[conditions == treatment].droplevel("condition")
    before = logs[conditions == baseline].droplevel("condition")
    change = DB * (after - before).dropna(how="all")  # only subjects with both
    n = len(change)
    if not n:
        return pd.DataFrame(columns=CHANGE_COLUMNS)
    mean = change.mean(axis=0).to_numpy(float)
    half = np.full(len(mean), np.nan)
    if n >= FEWEST:
        quantile = stats.t.ppf((1 + confidence) / 2, n - 1)
        half = quantile * change.std(axis=0, ddof=1).to_numpy(float) / np.sqrt(n)
    return pd.DataFrame(
        {
            "contrast": contrast,
            "frequency_hz": change.columns.to_numpy(float),
            "change_db": mean,
            "low_db": mean - half,
            "high_db": mean + half,
            "n_subjects": n,
        }
    )
