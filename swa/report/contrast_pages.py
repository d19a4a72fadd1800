"""The figure of a study with so many contrasts that their pairs of nights have no room on its first screen."""

import numpy as np
import pandas as pd

from swa.comparison.arrays import Bools
from swa.comparison.designs import ContrastDesign
from swa.report import figures
from swa.report.draft import Draft
from swa.report.reading import paired_values
from swa.report.shelf import Picture
from swa.report.words.names import file_name, marker_name, unit_of
from swa.report.words.numbers import NO_INTERVAL, describe_change, join
from swa.report.words.sentences import Answer
from swa.tables.marker import MARKER_COLUMNS, select

MANY = 4  # contrasts
COLUMNS = ["contrast", "subject", *MARKER_COLUMNS, "estimate", "ci_low", "ci_high", "n", "scale"]


def draw_contrasts(
    draft: Draft, rows: pd.DataFrame, answers: list[Answer], measures: pd.DataFrame, designs: list[ContrastDesign]
) -> list[Picture]:
    """Every answer of the first screen on one axis, with the change of each subject; none where there are few.

    Parameters
    ----------
    draft : Draft
        The page.
    rows : DataFrame
        What is answered, in the order of the cards.
    answers : list of Answer
        The card of each row.
    measures : DataFrame
        Rows of the long table that hold the leading marker.
    designs : list of ContrastDesign
        How the contrasts are analysed.
    """
    own = draft.headline.marker
    if len(rows) < MANY or not np.isfinite(rows["estimate"]).any():
        return []
    shown = rows[COLUMNS].copy()
    within = [name for name in rows["contrast"] if draft.contrasts[name].is_within]
    values = _that_count(paired_values(own.select(measures), draft.facts.nights, within, draft.settings), designs)
    told = [answer.is_told for answer in answers]
    unit, name = unit_of(own.measure), marker_name(own.measure)
    said = [
        f"{draft.name_of(row['contrast'])} {found.change} ({found.interval or NO_INTERVAL}), n = {found.n}"
        for _, row in shown.iterrows()
        if (found := describe_change(row, unit)).measured
    ]
    return [
        draft.shelf.put(
            f"contrasts_{own.measure}_{file_name(own.window)}",
            lambda: figures.contrast_changes(
                shown.assign(is_told=told),
                values,
                contrasts=draft.contrasts,
                colors=draft.colors,
                unit=unit,
                title=name,
            ),
            pd.concat([shown, _as_rows(values)], ignore_index=True).astype({"n": "Int64"}),
            alt=f"{name}, changes over subjects: {'; '.join(said)}.",
            caption=f"{marker_name(own.measure, draft.settings)}: each dot is one subject of the result, as measured; "
            f"each mark is the change over subjects with its {draft.level} interval of that contrast alone; "
            f"filled where a change is told.{_about_dots(draft, list(rows['contrast']), designs)}",
        )
    ]


def _that_count(values: pd.DataFrame, designs: list[ContrastDesign]) -> pd.DataFrame:
    """Changes of the subjects whom a contrast rests on: where a period is removed, those whose order is known."""
    for design in designs:
        own = select(values, contrast=design.contrast)
        unknown: Bools = np.asarray(np.isnan(design.period_columns(list(own["subject"]))).any(axis=1))
        values = values.drop(index=own.index[unknown])
    return values


def _about_dots(draft: Draft, shown: list[str], designs: list[ContrastDesign]) -> str:
    """Where a mark need not lie amid its dots, or has none."""
    keys = [draft.contrasts[name] for name in shown]
    between = [key.in_words for key in keys if not key.is_within]
    crossed = {design.key for design in designs if design.removes_period}
    moved = [key.in_words for key in keys if key.is_within and key in crossed]
    return (
        f" An effect of the period is removed from the marks of {join(moved)}, not from the dots." if moved else ""
    ) + (f" {join(between)}: between subjects, so without dots." if between else "")


def _as_rows(values: pd.DataFrame) -> pd.DataFrame:
    """Subjects' changes as rows of the contrasts are."""
    there = values[np.isfinite(values["change"].astype(float))]
    return there.rename(columns={"change": "estimate"}).reindex(columns=COLUMNS)
