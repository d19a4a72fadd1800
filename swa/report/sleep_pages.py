"""Sleep architecture on the pages: the nights side by side, their hypnograms, and what changed."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from swa.report import figures
from swa.report.change_tables import ChangeTable, Rows, change_table
from swa.report.draft import Draft
from swa.report.figures.style import BASELINE_COLOR
from swa.report.leading_rows import shown_channel
from swa.report.reading import paired_values
from swa.report.shelf import Picture
from swa.report.words.names import contrast_file, marker_name, unit_of, with_unit
from swa.report.words.numbers import NO_INTERVAL, NOT_MEASURED, change, describe_change, number
from swa.study.store import StoredNight
from swa.tables.contrast import contrasts_in
from swa.tables.marker import ALL, select

LEAD = "n3_minutes"
SHOWN = (
    *(LEAD, "n2_minutes", "n1_minutes", "rem_minutes", "tst", "waso", "sol", "n3_latency", "rem_latency"),
    *(
        "rem_density",
        "first_rem_minutes",
        "n3_share",
        "rem_share",
        "sleep_efficiency",
        "awakenings",
        "stage_shifts",
        "cycle_minutes",
    ),
)
# What the table of sleep of a subject has beside yasa's statistics.
BESIDE = (
    *("n3_share", "rem_share", "sol_sustained", "n2_latency", "n3_latency", "rem_latency", "first_rem_minutes"),
    *("cycle_minutes", "awakenings", "stage_shifts", "sleep_fragmentation"),
)


def sleep_rows(nights: Sequence[StoredNight], measures: pd.DataFrame) -> Rows:
    """Sleep architecture of the nights beside yasa's statistics: a name and a cell for each night."""
    whole = select(measures, channel=ALL, window="night", variant="")
    first = select(measures, channel=ALL, window="cycle-1", variant="")
    tables = [("", whole, name) for name in BESIDE] + [(", NREM cycle 1", first, LEAD)]
    return [
        (
            with_unit(marker_name(measure) + where, measure),
            [_value(select(table, measure=measure, session=night.session), unit_of(measure)) for night in nights],
        )
        for where, table, measure in tables
    ]


def _value(row: pd.DataFrame, unit: str) -> str:
    known = row["value"].dropna()
    if known.empty:
        return NOT_MEASURED
    value = float(known.iloc[0])
    if not unit and value.is_integer():  # a count
        return f"{value:.0f}"
    return f"{value:.1f}" if unit == "min" else number(value)  # as yasa's minutes beside them


def draw_hypnograms(draft: Draft, nights: Sequence[StoredNight]) -> list[Picture]:
    """Hypnograms of all nights of a subject on one axis; one night has its own picture already."""
    if len(nights) < 2:
        return []
    channel = shown_channel(
        draft.headline, [name for name in nights[0].channels if all(name in n.channels for n in nights)]
    )
    hypnograms = {night.name: _with_activity(night, channel) for night in nights}
    onsets = {night.name: night.summary.get("sleep_onset_min") for night in nights}
    onsets_s = {name: np.nan if onset is None else 60 * onset for name, onset in onsets.items()}
    drawn = {night.name: draft.colors.get(night.condition, BASELINE_COLOR) for night in nights}
    aside = [night.name for night in nights if night.aside]
    said = "; ".join(
        f"{night.name} N3 {number(value)} min"
        for night in nights
        if (value := night.summary["statistics"].get("N3")) is not None
    )
    return [
        draft.shelf.put(
            "hypnograms",
            lambda: figures.aligned_hypnograms(hypnograms, onsets_s, colors=drawn, unit=unit_of("swa"), aside=aside),
            pd.concat([table.assign(night=name) for name, table in hypnograms.items()], ignore_index=True),
            alt=f"Hypnograms of {len(nights)} nights, aligned at sleep onset: {said}.",
            caption="The nights aligned at sleep onset (dashed). REM sleep is red."
            + (f" Below, their slow-wave activity at {channel}: running means of five minutes." if channel else "")
            + (" Dotted: nights that are not compared, or before the infusion." if channel and aside else ""),
            size="wide",
        )
    ]


def _with_activity(night: StoredNight, channel: str | None) -> pd.DataFrame:
    """Hypnogram of a night, with the activity of a channel in the epochs that have both."""
    hypnogram = night.folder.read("hypnogram")
    if channel is None:
        return hypnogram
    epochs = select(night.epochs, channel=channel).rename(columns={"onset_s": "onset"})[["onset", "swa"]]
    return hypnogram.merge(epochs, on="onset", how="left")


def sleep_changes(draft: Draft) -> pd.DataFrame:
    """Changes of sleep architecture over the night, and of slow-wave sleep in the first cycle, in their order."""
    rows = select(draft.rows, channel=ALL, variant="", measure=SHOWN, window=("night", "cycle-1"))
    rows = rows[(rows["window"] == "night") | (rows["measure"] == LEAD)]
    order = rows["measure"].map(SHOWN.index)
    return rows.assign(order=order, late=rows["window"] != "night").sort_values(["order", "late"], kind="stable")


def sleep_tables(draft: Draft, values: pd.DataFrame | None = None) -> list[ChangeTable]:
    """A table of changes for each contrast."""
    rows, found = sleep_changes(draft), []
    for name, contrast in contrasts_in(rows).items():
        pairs = None if values is None else select(values, contrast=name)
        table = change_table(select(rows, contrast=name), contrast, draft.settings, pairs)
        found.append(replace(table, id=f"sleep-{table.id}"))
    return found


def sleep_values(draft: Draft, measures: pd.DataFrame, nights: pd.DataFrame) -> pd.DataFrame:
    """Baseline and treatment values of the same rows."""
    rows = select(measures, channel=ALL, variant="", measure=SHOWN, window=("night", "cycle-1"))
    return paired_values(rows, nights, contrasts_in(sleep_changes(draft)), draft.settings)


def draw_changes(draft: Draft) -> list[Picture]:
    """Changes in minutes of each contrast: their axis is another one than that of ratios."""
    rows = sleep_changes(draft)
    rows = select(rows, window="night", measure=[name for name in SHOWN if unit_of(name) == "min"])
    pictures = []
    ends = np.abs(rows[["estimate", "ci_low", "ci_high"]].to_numpy(float))
    reach = 1.08 * float(ends[np.isfinite(ends)].max(initial=0.0))  # of all, so that they can be compared
    for name, contrast in contrasts_in(rows).items():
        own = select(rows, contrast=name)
        if not own["estimate"].notna().any():
            continue
        said = []
        for _, row in own.iterrows():
            told = describe_change(row, "min")
            if told.measured:
                said.append(f"{marker_name(row['measure'])} {told.change} ({told.interval or NO_INTERVAL})")
        draw = partial(
            figures.sleep_changes, own, color=draft.colors.get(contrast.treatment), reach=reach, title=contrast.in_words
        )
        pictures.append(
            draft.shelf.put(
                f"sleep_{contrast_file(contrast)}",
                draw,
                own.drop(columns=["order", "late"]),
                alt=f"Changes of sleep in min: {'; '.join(said) or 'nothing was measured'}.",
                caption=f"Change of sleep over the whole night with its {draft.level} interval. Filled marks: the "
                "whole interval lies on one side of no change, not adjusted for their number; cross: no interval."
                if own["ci_low"].notna().any()
                else "Change of sleep over the whole night. No row has an interval.",
                size="medium",
            )
        )
    return pictures


def draw_pairs(draft: Draft, measures: pd.DataFrame) -> list[Picture]:
    """Minutes of slow-wave sleep of each subject, where they are not what the page leads with."""
    own = draft.headline.marker
    if (own.measure, own.window) == (LEAD, "night"):
        return []
    rows = select(measures, channel=ALL, window="night", measure=LEAD)
    pairs = paired_values(rows, draft.facts.nights, draft.within, draft.settings)
    if pairs.empty:
        return []
    name = marker_name(LEAD)
    said = "; ".join(
        f"{row['subject']} ({draft.contrasts[row['contrast']].in_words}) {change(row['change'], row['scale'])} min"
        for row in pairs.head(30).to_dict("records")
        if np.isfinite(row["change"])
    )
    return [
        draft.shelf.put(
            f"paired_{LEAD}_night",
            lambda: figures.paired_changes(
                pairs, unit="min", contrasts=draft.contrasts, colors=draft.colors, title=name
            ),
            pairs,
            alt=f"{name} of each subject, change: {said}.",
            caption=f"{name}, whole night: {lines_of(pairs)}.",
        )
    ]


def lines_of(pairs: pd.DataFrame) -> str:
    """What the lines of a paired plot are."""
    mean = "geometric mean" if (pairs["scale"] == "ratio").all() else "mean"
    measured = pairs.dropna(subset=["baseline", "treatment"])
    several = measured["contrast"].duplicated().any()
    apart = measured.groupby("contrast")["subject"].agg(frozenset).nunique() > 1
    return (
        "each line is a subject"
        + (f", the thick one their {mean}" if several else "")
        + (" (not the same subjects in each panel)" if apart else "")
    )
