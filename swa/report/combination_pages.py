"""Whether two treatments add up, on the page of a study: the picture of the four combinations."""

import math
from collections.abc import Mapping

import pandas as pd

from swa.comparison.further.interactions import ADDED, BOTH, NEITHER, ONE, OTHER
from swa.report import figures
from swa.report.draft import Draft
from swa.report.shelf import Picture
from swa.report.words.names import file_name, in_sentence, marker_name, unit_of, window_name
from swa.report.words.numbers import NO_INTERVAL, change, interval
from swa.tables.contrast import GROUP
from swa.tables.marker import select


def draw_combinations(draft: Draft) -> list[Picture]:
    """The leading marker under one treatment, the other and both, for each two treatments."""
    table, tested = draft.read("combinations.tsv"), draft.read("interactions.tsv")
    if table.empty or tested.empty:
        return []
    pictures = []
    for contrast, own in table.groupby("contrast", sort=False):
        pair = select(tested, contrast=str(contrast)).iloc[0]
        between = (own["combination"] == NEITHER).any()
        names = {NEITHER: "neither"} if between else {}
        names |= {ONE: str(pair["factor_a"]), OTHER: str(pair["factor_b"]), BOTH: "both", ADDED: "if they added up"}
        pictures.append(_draw(draft, str(contrast), own, names, between=bool(between)))
    return pictures


def _draw(draft: Draft, contrast: str, own: pd.DataFrame, names: Mapping[str, str], *, between: bool) -> Picture:
    measure, window = str(own["measure"].iloc[0]), in_sentence(window_name(own["window"].iloc[0], draft.settings))
    marker = f"{in_sentence(marker_name(measure, draft.settings))}, {window}"
    means = {row["combination"]: row for row in select(own, subject=GROUP).to_dict("records")}
    said = [
        f"{name} {change(row['change'], row['scale'])} "
        f"({interval(row['ci_low'], row['ci_high'], row['scale']) or NO_INTERVAL}, n = {row['n']:.0f})"
        for cell, name in names.items()
        if (row := means.get(cell)) is not None and math.isfinite(row["change"])
    ]
    start = "the baseline of each subject" if between else "the nights with neither"
    lines = "a point is a subject" if between else "a line is a subject"
    hollow = "" if between else "; hollow: what both would do if the two added up on the scale of comparison"
    return draft.shelf.put(
        f"combinations_{file_name(contrast)}",
        lambda: figures.combinations(own, names=names, unit=unit_of(measure), title=f"{contrast}: {marker}"),
        own,
        alt=f"Change of {marker}, from {start}: {'; '.join(said)}.",
        caption=f"Change of {marker}, from {start}: {lines}, the bold marks are means with their {draft.level} t "
        f"intervals{hollow}.",
        size="medium",
    )
