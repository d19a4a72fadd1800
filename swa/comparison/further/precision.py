"""How precisely a subject's nights tell their change: not how far nights of that subject differ anyway.

The local block bootstrap over epochs (`swa.measures.bootstrap`) knows these nights alone. Where nights of a subject
differ by more than a night's own error, as they do, its interval covers the effect of a drug 36-61 % of the time, not
95 %; the interval of ``contrasts.tsv``, from the spread between nights, is the one to judge an effect by.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from swa.comparison.compared_nights import COPIED, usable_nights
from swa.settings import ComparisonSettings
from swa.study.bootstrap_spreads import PRECISION_MEASURES, PRECISION_WINDOWS
from swa.study.store import subject_file
from swa.tables.contrast import GROUP
from swa.tables.marker import select, windows_of_kind
from swa.tables.results_tables import PRECISION, SPREADS

NOT_AN_EFFECT = (
    "precision of these nights alone; it is not the uncertainty of a drug effect "
    "(which it covered in 36\u201361 % of simulations)"
)
MARKER = ["channel", "stages", "window", "measure"]


def read_spreads(results: Path, nights: pd.DataFrame) -> pd.DataFrame:
    """Standard errors of all stored nights, with subject and condition.

    Parameters
    ----------
    results : Path
        The results folder.
    nights : DataFrame
        Its table of nights.
    """
    used = usable_nights(nights)
    used = used[~used[COPIED]]
    tables = []
    for (subject, label), own in used.groupby(["subject", "subject_label"], sort=False):
        path = subject_file(results, str(label), "precision")
        if path.is_file():  # a subject whose nights could not be brought together has none
            found = pd.read_parquet(path).assign(subject=str(subject))
            tables.append(found.merge(own[["session", "condition"]].astype(str), on="session"))
    columns = ["subject", "condition", *SPREADS.names]
    return pd.concat(tables, ignore_index=True)[columns] if tables else SPREADS.empty().reindex(columns=columns)


def rate_precision(contrasts: pd.DataFrame, spreads: pd.DataFrame, settings: ComparisonSettings) -> pd.DataFrame:
    """Interval of each subject's change from the errors of its nights.

    Parameters
    ----------
    contrasts : DataFrame
        The columns of ``contrasts.tsv``, whose estimates are kept.
    spreads : DataFrame
        From `read_spreads`.
    settings : ComparisonSettings
        Level; block and draws, which are named.

    Returns
    -------
    DataFrame
        The columns of ``precision.tsv``; `n` counts epochs.

    Notes
    -----
    Nights are independent of each other: the variance of ln of a mean over m nights is the sum of theirs over m², and
    those of treatment and baseline add up. A night that gave no value is in neither mean.
    """
    table = _shown(contrasts)
    if table.empty:
        return PRECISION.empty()
    means = _over_nights(spreads)
    both = [
        table.assign(condition=table[side]).merge(means, how="left", on=["subject", "condition", *MARKER])
        for side in ("treatment", "comparator")
    ]
    error = np.sqrt(np.asarray(both[0]["variance"] + both[1]["variance"], dtype=float))
    factor = np.exp(stats.norm.ppf((1 + settings.confidence) / 2) * error)
    known = np.asarray(table["estimate"].notna(), dtype=bool)
    epochs = np.where(known, both[0]["n"].fillna(0) + both[1]["n"].fillna(0), 0).astype(np.int64)
    blocks = f"{settings.bootstrap_draws} draws, {settings.bootstrap_block_min:g}-min blocks"
    reasons = both[0]["why"].fillna("").where(lambda text: text != "", both[1]["why"].fillna(""))
    notes = [
        _note(text, reason, measured=bool(there), bounded=bool(np.isfinite(width)))
        for text, reason, there, width in zip(table["note"], reasons, known, factor, strict=True)
    ]
    table["ci_low"], table["ci_high"] = table["estimate"] / factor, table["estimate"] * factor
    table = table.assign(
        n=epochs,
        method=np.where(known & np.isfinite(factor), f"local block bootstrap over epochs, {blocks}", ""),
        note=notes,
    )
    return PRECISION.typed(table)


def _shown(contrasts: pd.DataFrame) -> pd.DataFrame:
    """Rows of single subjects that the errors of nights are there for."""
    table = select(contrasts, measure=PRECISION_MEASURES, stages="NREM", variant="")
    table = table[(table["subject"] != GROUP) & windows_of_kind(table["window"], *PRECISION_WINDOWS)]
    shown = ["subject", "contrast", "treatment", "comparator", *MARKER, "estimate", "note"]
    return table[shown].reset_index(drop=True)


def _over_nights(spreads: pd.DataFrame) -> pd.DataFrame:
    """Variance of the mean over the nights of a condition that gave a value, and the epochs it rests on."""
    known = spreads[spreads["value"].astype(float) > 0].assign(
        square=lambda rows: rows["ln_se"].astype(float) ** 2, unknown=lambda rows: rows["ln_se"].isna()
    )
    found = known.groupby(["subject", "condition", *MARKER], as_index=False).agg(
        square=("square", "sum"),
        nights=("value", "size"),
        unknown=("unknown", "any"),
        n=("n", "sum"),
        why=("note", "max"),
    )
    found["variance"] = (found["square"] / found["nights"] ** 2).where(~found["unknown"].astype(bool))
    return found[["subject", "condition", *MARKER, "variance", "n", "why"]]


def _note(text: str, reason: str, *, measured: bool, bounded: bool) -> str:
    if not measured:
        return text
    return NOT_AN_EFFECT if bounded else f"no interval: {reason or 'the errors of its nights are not stored'}"
