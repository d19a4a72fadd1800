"""A page in the making, and what stands on the page of a study and of a subject alike."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import pandas as pd

from swa.comparison.designs import ContrastDesign
from swa.report import figures
from swa.report.change_tables import change_table, explain_markers
from swa.report.facts import StudyFacts, as_told, done_nights, read_optional
from swa.report.figures.forests import drawn_ratios, ratio_limits
from swa.report.leading_rows import Headline, headline_rows
from swa.report.shelf import Picture, Shelf
from swa.report.words.afterwards import changed_nights, named_late
from swa.report.words.methods_text import write_methods
from swa.report.words.names import (
    contrast_file,
    in_sentence,
    marker_name,
    named,
    where_measured,
    window_name,
)
from swa.report.words.numbers import NO_INTERVAL, describe_change, join, share
from swa.report.words.sentences import (
    caveats,
    exploratory,
    glosses,
    headline_in_plain_words,
    headline_name,
    loss_in_words,
    stand_in,
)
from swa.settings import Settings
from swa.study.store import Results, StoredNight, stored_nights
from swa.tables.contrast import Contrast, contrasts_in
from swa.tables.design_limit import OF_A_ROW, DesignLimit, decode_limits
from swa.tables.marker import select
from swa.version import __version__

MOST_FILTERS = 3  # that are named one by one


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A page in the making.

    Attributes
    ----------
    results : Results
        The results folder.
    facts : StudyFacts
        What is the same on every page of the study.
    headline : Headline
        What the page leads with.
    rows : DataFrame
        Rows of the contrasts that it is about: of a subject, or over subjects.
    shelf : Shelf
        Where its figures go.
    count : {"nights", "subjects"}
        What n counts in those rows.
    """

    results: Results
    facts: StudyFacts
    headline: Headline
    rows: pd.DataFrame
    shelf: Shelf
    count: Literal["nights", "subjects"]

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.facts.settings

    @cached_property
    def changes(self) -> pd.DataFrame:
        """Rows that it shows, in its order."""
        return headline_rows(self.rows, self.headline)

    @cached_property
    def known(self) -> dict[str, Contrast]:
        """All contrasts by the names of the tables."""
        return contrasts_in(self.rows)

    @cached_property
    def contrasts(self) -> dict[str, Contrast]:
        """Those of the rows that it shows."""
        return contrasts_in(self.changes)

    @cached_property
    def within(self) -> list[str]:
        """Names of the contrasts within subjects."""
        return [name for name, contrast in self.contrasts.items() if contrast.is_within]

    @cached_property
    def limits(self) -> list[DesignLimit]:
        """What the designs of the contrasts leave open, each once."""
        found = self.changes.drop_duplicates("contrast")["design_limit"]
        own = dict.fromkeys(limit for text in found for limit in decode_limits(text))
        return [limit for limit in own if limit not in OF_A_ROW]

    @cached_property
    def colors(self) -> dict[str, str]:
        """Colour of each condition."""
        return figures.condition_colors(self.facts.conditions, self.facts.baseline)

    @property
    def window(self) -> str:
        """The window of the headline, within a sentence."""
        return in_sentence(window_name(self.headline.marker.window, self.settings))

    @property
    def level(self) -> str:
        """Level of the intervals."""
        return share(self.settings.comparison.confidence)

    def changes_of(self, contrast: str) -> pd.DataFrame:
        """Rows of one contrast."""
        return select(self.changes, contrast=contrast)

    def read(self, name: str, **wanted: str) -> pd.DataFrame:
        """Rows of a table that not every folder has."""
        table = read_optional(self.results, name)
        table = as_told(table) if self.count == "subjects" else table
        return select(table, **wanted) if len(table) else table

    def name_of(self, contrast: object) -> str:
        """A contrast of a table in words."""
        return named(contrast, self.known)


def shared_parts(
    draft: Draft,
    nights: pd.DataFrame,
    values: pd.DataFrame | None = None,
    *,
    explained: Iterable[str],
    designs: Sequence[ContrastDesign] = (),
) -> dict[str, Any]:
    """Collect what both kinds of page show, of these nights, and of these designs over subjects."""
    headline, settings = draft.headline, draft.settings
    own = replace(draft.facts, nights=nights, conditions=tuple(dict.fromkeys(done_nights(nights)["condition"])))
    stored = stored_nights(draft.results.path, nights)
    declared = headline_name(headline, settings) if headline.declared else ""
    losses = [
        f"{draft.contrasts[row['contrast']].in_words}: {said}"
        for _, row in headline.marker.select(draft.changes).iterrows()
        if (said := loss_in_words(row))
    ]
    return {
        "facts": draft.facts,
        "headline": headline,
        "plain_headline": headline_in_plain_words(headline, settings),
        "glosses": glosses(headline),
        "version": __version__,
        "stand_in": stand_in(headline),
        "late": named_late(draft.facts.late_primary, settings),
        "changed_nights": changed_nights(draft.facts.late_nights),
        "exploratory": exploratory(headline, compared=bool(draft.contrasts)),
        "caveats": caveats(
            dict.fromkeys(name for one in draft.contrasts.values() for name in one.conditions),
            draft.limits,
        ),
        "forests": _draw_forests(draft),
        "change_tables": [
            change_table(
                draft.changes_of(name), contrast, settings, None if values is None else select(values, contrast=name)
            )
            for name, contrast in draft.contrasts.items()
        ],
        "filters": _filters(stored),
        "confidence": draft.level,
        "where": where_measured(headline.marker) or "sleep, and beside it the EEG",
        "methods": write_methods(own, stored, primary=declared, designs=designs, losses=losses),
        "glossary": explain_markers(explained, settings),
        "settings": list_settings(settings),
    }


def _filters(nights: Iterable[StoredNight]) -> str:
    """What the headers of the nights name as filters, with the nights where they differ."""
    found: dict[str, Counter[str]] = {}
    for night in nights:
        if header := night.summary.get("header"):
            text = " / ".join(dict.fromkeys(facts.get("prefilter") or "none named" for facts in header.values()))
            found.setdefault(text, Counter())[night.condition] += 1
    if len(found) <= 1:
        return next(iter(found), "")
    there = sum(found.values(), Counter())
    said = [
        f"{text} ({join([_some_nights(count, there[name], name) for name, count in counts.items()])})"
        for text, counts in sorted(found.items(), key=lambda one: -one[1].total())
    ]
    more = f"; and {len(said) - MOST_FILTERS} more" if len(said) > MOST_FILTERS else ""
    return "; ".join(said[:MOST_FILTERS]) + more


def _some_nights(count: int, there: int, condition: str) -> str:
    """All 8 ketamine nights, or 3 of 8 of them."""
    if there == 1:
        return f"the {condition} night"
    return f"{f'all {there}' if count == there else f'{count} of {there}'} {condition} nights"


def _draw_forests(draft: Draft) -> list[Picture]:
    """Forest plot of each contrast with a ratio, on one axis: a change in one is as long as an equal one in another."""
    limits = ratio_limits(draft.changes)
    drawn = [name for name in draft.contrasts if len(drawn_ratios(draft.changes_of(name)))]
    return [_draw_forest(draft, name, limits) for name in drawn]


def _draw_forest(draft: Draft, name: str, limits: tuple[float, float]) -> Picture:
    """Forest plot of one contrast: markers by windows."""
    rows, contrast, settings, count = draft.changes_of(name), draft.contrasts[name], draft.settings, draft.count
    called = contrast.in_words
    ends = f"from {contrast.comparator} to {contrast.treatment}" if contrast.is_within else f"of {called}"
    markers = {measure: marker_name(measure, settings) for measure in rows["measure"].unique()}
    windows = {window: window_name(window, settings) for window in rows["window"].unique()}
    said = []
    for _, row in rows.iterrows():
        change = describe_change(row)
        if change.measured and row["scale"] == "ratio":
            where = f"{markers[row['measure']]}, {in_sentence(windows[row['window']])}"
            said.append(f"{where}: {change.change} ({change.interval or NO_INTERVAL}), n = {change.n}")
    return draft.shelf.put(
        f"forest_{contrast_file(contrast)}",
        lambda: figures.forest(
            rows,
            names=markers,
            window_names=windows,
            color=draft.colors.get(contrast.treatment),
            count=count,
            limits=limits,
            title=called,
        ),
        rows,
        alt=f"Changes {ends} in n {count}. {'; '.join(said) or 'Nothing was measured'}.",
        caption=f"Change {ends} with its {draft.level} interval; n counts {count}. Filled "
        "marks: the whole interval lies on one side of no change; marks are not adjusted for their number. "
        "Circle: one NREM period; diamond: matched "
        "minutes; square: whole night; cross: no interval. An arrow marks an interval that goes on."
        if rows["ci_low"].notna().any()
        else f"Change {ends}; n counts {count}. No row has an interval.",
        size="medium",
    )


def list_settings(settings: Settings) -> list[tuple[str, str, str, str]]:
    """Every setting in force: its group, name, value and meaning."""
    return [
        (group, key, _plain(value), type(values).model_fields[key].description or "")
        for group, values in settings
        for key, value in values
    ]


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(_plain(item) for item in value)
    if isinstance(value, Mapping):
        return "; ".join(f"{key} = {_plain(item)}" for key, item in value.items()) or "none"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) if value != "" else "not set"
