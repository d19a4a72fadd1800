"""What the pages need from a results folder, read without loading all of it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from swa.comparison.compared_nights import TRUE_WORDS, find_baseline, text_column
from swa.comparison.contrasts import subject_values
from swa.comparison.designs.statement import design_statement
from swa.comparison.primary import declared_primary
from swa.errors import StudyError
from swa.glossary import headline_measures
from swa.recordings.channels import region, region_channels
from swa.report.words.wording import HEADLINE_WINDOWS
from swa.settings import Settings
from swa.study.store import Results, is_blinded, stored_nights
from swa.tables.results_tables import CONTRASTS, SUBJECT_VALUES

NUMBERS = ("estimate", "ci_low", "ci_high", "p", "p_adjusted")
KEY_COLUMNS = ["channel", "stages", "window", "measure", "variant"]


@dataclass(frozen=True, kw_only=True)
class Headline:
    """The marker that a page leads with.

    Attributes
    ----------
    measure, stages, window, channel : str
        As in the long table.
    declared : bool
        Whether the study declared it as its primary.
    members : tuple of str
        Channels that the region stands for; empty for a channel by name.
    """

    measure: str
    stages: str
    window: str
    channel: str
    declared: bool
    members: tuple[str, ...] = ()

    def pick(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows of the contrasts or measures that are about this marker."""
        same = [
            rows[name].str.casefold() == word.casefold()
            for name, word in zip(KEY_COLUMNS, (self.channel, self.stages, self.window, self.measure, ""), strict=True)
        ]
        return rows[np.logical_and.reduce(same)] if len(rows) else rows


@dataclass(frozen=True, kw_only=True)
class StudyFacts:
    """What is the same on every page of a study.

    Attributes
    ----------
    nights : DataFrame
        One row a night.
    settings : Settings
        The settings in force.
    baseline : str
        Baseline condition; empty where there is none.
    conditions : tuple of str
        Conditions of the nights that are done.
    design : str
        What the design can and cannot show.
    simulated : bool
        Whether the study file, or the header of a recording, says that nights were simulated.
    blinded : bool
        Whether its conditions are codes.
    """

    nights: pd.DataFrame
    settings: Settings
    baseline: str
    conditions: tuple[str, ...]
    design: str
    simulated: bool
    blinded: bool = False

    @property
    def is_compared(self) -> bool:
        """Whether there is a baseline and something to hold against it."""
        return bool(self.baseline) and len(self.conditions) > 1


def read_facts(results: Results, subject: str = "") -> StudyFacts:
    """Read what every page of a study says.

    Parameters
    ----------
    results : Results
        The results folder.
    subject : str
        Whose page it is: the recordings of this subject alone are asked whether they were simulated.
    """
    nights, settings = results.nights, results.settings
    done = done_nights(nights)
    baseline, design = "", ""
    try:
        baseline = find_baseline(nights, settings.comparison)
        design = design_statement(nights, baseline, settings.comparison)
    except StudyError:
        design = (
            f"{_no_baseline(nights, settings)}, so the nights are described and not compared."
            if len(done)
            else "No night could be analysed, so there is nothing to describe or compare."
        )
    own = nights[nights["subject"].astype(str) == subject] if subject else nights
    simulated = text_column(nights, "simulated").str.casefold().isin(TRUE_WORDS).any()
    return StudyFacts(
        nights=nights,
        settings=settings,
        baseline=baseline,
        conditions=tuple(dict.fromkeys(text_column(done, "condition"))),
        design=design,
        simulated=bool(simulated) or any(night.is_simulated for night in stored_nights(results.path, own)),
        blinded=is_blinded(results.path),
    )


def _no_baseline(nights: pd.DataFrame, settings: Settings) -> str:
    """Why no night that was analysed is a baseline: the study has none, or those that it has were left out."""
    words = settings.comparison.baseline
    found = text_column(nights, "condition")
    lost = found[found.str.casefold().isin([word.casefold() for word in words])]
    return f"No {lost.iloc[0]} night was analysed" if len(lost) else f"No night is a baseline ({', '.join(words)})"


def done_nights(nights: pd.DataFrame) -> pd.DataFrame:
    """Nights that were analysed."""
    return nights[text_column(nights, "status") == "done"]


def find_headline(facts: StudyFacts, channels: Iterable[str]) -> Headline:
    """Find the marker that the page leads with.

    The declared primary; else slow-wave activity in N2+N3 of the first NREM cycle, at the frontal channels where there
    are any, else at the central ones, else at the first channel: then exploratory.
    """
    there = list(channels)
    declared = declared_primary(facts.nights, facts.settings.comparison)
    if declared:
        spelled = next((name for name in there if name.casefold() == declared.channel.casefold()), declared.channel)
        return Headline(
            measure=declared.measure,
            stages=declared.stages,
            window=declared.window,
            channel=spelled,
            declared=True,
            members=_members(spelled, there),
        )
    channel = next((name for name in ("frontal", "central") if name in there), there[0] if there else "frontal")
    return Headline(
        measure="swa",
        stages="NREM",
        window="cycle-1",
        channel=channel,
        declared=False,
        members=_members(channel, there),
    )


def _members(place: str, channels: Sequence[str]) -> tuple[str, ...]:
    return tuple(region_channels(channels, [place]).get(place, ()))


def shown_channel(headline: Headline, channels: Sequence[str]) -> str | None:
    """Channel of the curves and waves: that of the headline, or the first one of its region."""
    regional = [name for name in channels if region(name) == headline.channel]
    exact = [name for name in channels if name == headline.channel]
    return next(iter([*exact, *regional, *channels]), None)


def read_contrasts(results: Path, subject: str) -> pd.DataFrame:
    """Rows of one subject, or of the ``group``, from the contrasts; block by block, since the file may be large.

    Parameters
    ----------
    results : Path
        The results folder.
    subject : str
        As in the column `subject`.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv

    types = dict.fromkeys(CONTRASTS.names, pa.string()) | dict.fromkeys(NUMBERS, pa.float64()) | {"n": pa.int64()}
    reader = csv.open_csv(
        results / "contrasts.tsv",
        parse_options=csv.ParseOptions(delimiter="\t", newlines_in_values=True),
        convert_options=csv.ConvertOptions(column_types=types, null_values=["n/a", ""], strings_can_be_null=False),
    )
    with reader:
        parts = [batch.filter(pc.equal(batch["subject"], subject)) for batch in reader]
        table = pa.Table.from_batches(parts, reader.schema).to_pandas()
    texts = [name for name in CONTRASTS.names if name not in (*NUMBERS, "n")]
    return table.astype(dict.fromkeys(texts, "object"))


def read_measures(path: Path, *, measures: Sequence[str], stages: str | None = None) -> pd.DataFrame:
    """Rows of some measures of the long table, of the default variant.

    Parameters
    ----------
    path : Path
        ``measures.parquet``, or a subject's part of it.
    measures : sequence of str
        Which measures.
    stages : str, optional
        Which stages.
    """
    import pyarrow.parquet as pq

    if pq.read_metadata(path).num_rows == 0:  # its text columns have no type to compare with
        return pd.read_parquet(path)
    wanted = [("measure", "in", list(measures)), ("variant", "==", "")]
    if stages is not None:
        wanted.append(("stages", "==", stages))
    return pd.read_parquet(path, filters=wanted)


def headline_rows(rows: pd.DataFrame, headline: Headline) -> pd.DataFrame:
    """Rows of the headline markers and windows at the headline's channel and stages, in the order of the page."""
    markers = list(dict.fromkeys((headline.measure, *headline_measures())))
    windows = list(dict.fromkeys((headline.window, *HEADLINE_WINDOWS)))
    kept = rows[
        (rows["channel"] == headline.channel)
        & (rows["stages"] == headline.stages)
        & (rows["variant"] == "")
        & rows["measure"].isin(markers)
        & rows["window"].isin(windows)
    ]
    order = pd.DataFrame(
        {"marker": kept["measure"].map(markers.index), "window": kept["window"].map(windows.index)}, index=kept.index
    )
    return kept.loc[order.sort_values(["marker", "window"], kind="stable").index]


def paired_values(
    measures: pd.DataFrame, nights: pd.DataFrame, contrasts: Iterable[str], settings: Settings
) -> pd.DataFrame:
    """Baseline and treatment value of each subject in each contrast; empty where a subject set lacks a condition."""
    wanted = list(contrasts)
    parts = []
    try:  # the planned ones in one go over the markers
        planned = subject_values(measures, nights=nights, settings=settings) if len(wanted) > 1 else pd.DataFrame()
    except StudyError:  # no night of a baseline
        planned = pd.DataFrame()
    for contrast in wanted:
        rows = planned[planned["contrast"] == contrast] if len(planned) else planned
        try:
            parts.append(
                rows if len(rows) else subject_values(measures, nights=nights, contrast=contrast, settings=settings)
            )
        except StudyError:  # these subjects have no night of one of the two conditions
            continue
    if parts:
        return pd.concat(parts, ignore_index=True)
    return SUBJECT_VALUES.empty()


def units_of(measures: pd.DataFrame) -> dict[str, str]:
    """Unit by measure."""
    return {str(name): str(unit) for name, unit in measures.groupby("measure", observed=True)["unit"].first().items()}


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """Sort S2 before S10."""
    parts = re.split(r"(\d+)", text.casefold())
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts] + [(2, 0, text)]
