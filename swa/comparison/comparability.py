"""Whether nights can be compared at all: every control of `swa.comparison.controls` on every subject and contrast."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from swa.comparison.compared_nights import usable_nights
from swa.comparison.controls.facts import ComparedNights, NightFacts, Spread
from swa.comparison.controls.gain import own_spread
from swa.comparison.controls.reading import first_places, places_of, read_facts
from swa.comparison.controls.registry import Finding, Record, control, group_control
from swa.settings import Settings
from swa.tables.contrast import CONTRAST_FACTS, GROUP, Contrast, contrasts_of
from swa.tables.reason import in_words
from swa.tables.results_tables import COMPARABILITY


def check_comparability(
    results: Path, nights: pd.DataFrame, contrasts: pd.DataFrame, settings: Settings
) -> list[Record]:
    """Hold the nights of each subject and contrast against each other.

    Parameters
    ----------
    results : Path
        The results folder with its stored nights.
    nights : DataFrame
        The table of nights, with labels.
    contrasts : DataFrame
        Its columns subject, treatment and comparator say what is compared.
    settings : Settings
        Bands, spreads and limits in `comparability`; level of the limits in `comparison`.

    Returns
    -------
    list of Record
        What the controls found, in the order of the rows of ``comparability.tsv`` (`comparability_table`).

    Notes
    -----
    With several nights in a condition the mean over nights of ln power is taken, as the contrasts do, and the limit is
    that of the difference of two such means: q · SD · sqrt(1/m + 1/k).
    """
    rows = contrasts.loc[contrasts["subject"] != GROUP, ["subject", *CONTRAST_FACTS]].drop_duplicates()
    if rows.empty:
        return []
    pairs = zip(rows["subject"].astype(str), contrasts_of(rows), strict=True)
    used = usable_nights(nights)
    used = used[used["subject"].isin(rows["subject"])]
    rows_of_used = zip(used.to_dict("records"), places_of(used), strict=True)
    facts = [read_facts(results, _named(row), float(place), settings.comparability) for row, place in rows_of_used]
    return compare_facts([fact for fact in facts if fact], pairs, settings, first_places(nights))


def compare_facts(
    facts: Sequence[NightFacts],
    pairs: Iterable[tuple[str, Contrast]],
    settings: Settings,
    first: Mapping[str, float] | None = None,
) -> list[Record]:
    """Records from the facts of nights; see `check_comparability`.

    Parameters
    ----------
    facts : sequence of NightFacts
        All nights.
    pairs : iterable of (subject, Contrast)
        What is compared.
    settings : Settings
        All settings.
    first : dict of str to float, optional
        Place of each subject's first night.
    """
    facts = _without_hidden_dates(facts)
    by_night: dict[tuple[str, str], list[NightFacts]] = {}
    for fact in facts:
        by_night.setdefault((fact.subject, fact.condition), []).append(fact)
    spreads: dict[str, Spread] = {}
    falls = pd.DataFrame([fact.decline for fact in facts if not fact.copied]).mean()
    decline = {str(channel): float(value) for channel, value in falls.items()}
    together: dict[Contrast, list[ComparedNights]] = {}
    records: list[Record] = []
    for subject, contrast in pairs:
        sides = [by_night.get((subject, name), []) for name in (contrast.treatment, contrast.comparator)]
        if not all(sides):
            continue
        if contrast.comparator not in spreads:
            own = [fact for fact in facts if not fact.copied]
            spreads[contrast.comparator] = own_spread(own, contrast.comparator, settings.comparability)
        left = [[night for night in side if not night.copied] for side in sides]
        # What the contrast rests on; without such nights there is none, and the copies say why.
        treated, before = left if all(left) else sides
        nights = ComparedNights(
            subject=subject,
            contrast=contrast,
            treated=tuple(treated),
            before=tuple(before),
            spread=spreads[contrast.comparator],
            settings=settings,
            first_place=(first or {}).get(subject, np.nan),
            decline=decline,
        )
        records += [_record(subject, contrast, found) for known in control for found in known.find(nights)]
        if all(left):  # a recording and its copy: 0 of no night
            together.setdefault(contrast, []).append(nights)
    records += [
        _record(GROUP, contrast, found)
        for contrast, subjects in together.items()
        for known in group_control
        for found in known.find(subjects)
    ]
    return records


def _without_hidden_dates(facts: Sequence[NightFacts]) -> Sequence[NightFacts]:
    """Nights without their starts where those of several subjects all have one date, which hides the true ones."""
    dated = [fact for fact in facts if fact.start]
    hidden = len({fact.start.date() for fact in dated if fact.start}) == 1 < len({fact.subject for fact in dated})
    return [replace(fact, start=None) for fact in facts] if hidden else facts


def comparability_table(records: Iterable[Record]) -> pd.DataFrame:
    """Records as rows of ``comparability.tsv``."""
    rows = [
        (
            *(found.subject, str(found.contrast), found.channel, found.control),
            *(found.ln_ratio, found.g, found.limit, found.doubt is not None, in_words(found.notes)),
        )
        for found in records
    ]
    table = COMPARABILITY.frame(rows).round({"ln_ratio": 4, "g": 4, "limit": 4})
    return table.assign(flagged=table["flagged"].map({True: "true", False: "false"}))


def _record(subject: str, contrast: Contrast, found: Finding) -> Record:
    return Record(subject=subject, contrast=contrast, **vars(found))


def _named(row: Mapping[object, object]) -> dict[str, object]:
    return {str(name): value for name, value in row.items()}
