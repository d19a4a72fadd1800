"""Tables of a results folder that not every study has: a section appears where its table has rows."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from swa.comparison.controls.registry import find_control
from swa.comparison.verdicts import CAUTION, NOT_COMPARABLE
from swa.glossary import read_glossary
from swa.report.words.names import in_sentence, marker_name, stages_name, unit_of, window_name
from swa.report.words.numbers import (
    NO_INTERVAL,
    NOT_MEASURED,
    NOTHING,
    change,
    describe_change,
    interval,
    join,
    number,
    p_value,
    percent,
    plural,
    share,
    signed,
)
from swa.settings import Settings
from swa.tables.contrast import GROUP, Contrast
from swa.tables.interval import Interval
from swa.tables.marker import ALL, select

Row = Mapping[Any, Any]
Cell = Callable[[Row], str]
NameOf = Callable[[object], str]
TRUE = ("true", "1", "yes")
LONG = 12  # rows above which a table is folded away
WORDY = 150  # words above which it is, too


@dataclass(frozen=True, kw_only=True)
class PlainTable:
    """A table as text.

    Attributes
    ----------
    label, about : str
        What it is called, and what a reader should know about it.
    columns : tuple of str
        Headings; the first column heads the rows.
    rows : tuple of tuple of str
        Cells.
    """

    label: str
    about: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def is_long(self) -> bool:
        """Whether it is folded away, so that a page stays readable."""
        return len(self.rows) > LONG or sum(len(cell.split()) for row in self.rows for cell in row) > WORDY


def gain_table(rows: pd.DataFrame, contrast: Contrast) -> PlainTable | None:
    """The gain check of one subject and contrast, with differences of headers and times."""
    own = select(rows, contrast=str(contrast)) if len(rows) else rows
    if own.empty:
        return None
    own = own.assign(flag=is_flagged(own))
    own = own.iloc[np.argsort(~own["flag"].to_numpy(), kind="stable")]
    flagged = int(own["flag"].sum())
    return _table(
        own,
        {
            "Channel": _text("channel"),
            "Control": lambda row: control_name(str(row["control"])),
            "Change": lambda row: _ratio(row["ln_ratio"]) if _is_ratio(row) else NOTHING,
            "Mean of controls": lambda row: _ratio(row["g"]) if _is_ratio(row) else NOTHING,
            "Limit": lambda row: _limit(row["limit"]) if _is_ratio(row) else NOTHING,
            "Reading": lambda row: "flagged" if row["flag"] else "not flagged",
            "Note": _text("note"),
        },
        label=f"Gain check, {contrast.in_words}",
        about=f"{contrast.in_words}: bands and stages far from slow waves, which a change of "
        "electrode or amplifier gain would move as well, and what else differs between the nights. "
        + (f"Flagged, standing first: {_flagged_names(own[own['flag']])}." if flagged else "Nothing is flagged.")
        + " Nothing is corrected: a drug may move these controls too, and a change of gain within the limit is not "
        "excluded.",
    )


def control_name(name: str) -> str:
    """What a control is called, such as ``quiet wake``, or ``slow-wave density with the stager alone``."""
    control = find_control(name)
    if control is None:
        return name
    return control.names[name].format(measure=in_sentence(marker_name(control.measures.get(name, ""))))


def gain_overview(table: pd.DataFrame, contrasts: Mapping[str, Contrast]) -> PlainTable | None:
    """How many rows of the gain check are flagged, by contrast and subject."""
    if table.empty:
        return None
    rows = [
        (
            contrasts[str(name)].in_words,
            plural(part.loc[part["subject"] != GROUP, "subject"].nunique(), "subject"),
            *(
                ", ".join(_said_of(who, own) for who, own in flagged.groupby("subject", sort=False)) or "none"
                for flagged in _by_kind(part[is_flagged(part)])
            ),
        )
        for name, part in table.groupby("contrast", sort=False)
    ]
    return PlainTable(
        label="What differs between the nights",
        about="Whether an electrode, amplifier or header differs between the nights of a subject, and whether the "
        "stager alone moves a measure; the pages of the subjects hold the numbers.",
        columns=("Contrast", "Checked", "Recordings", "Stager alone"),
        rows=tuple(rows),
    )


def _is_ratio(row: Mapping[str, Any]) -> bool:
    """Whether the numbers of a control are ln-ratios; those of others have their own units, in their notes."""
    control = find_control(str(row["control"]))
    return control is not None and control.is_ratio


def _is_of_stager(control: str) -> bool:
    found = find_control(control)
    return found is not None and found.setting == "staging"


def _by_kind(flagged: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Flagged rows of the recordings, and those of the stager."""
    staged = flagged["control"].astype(str).map(_is_of_stager).astype(bool)
    return flagged[~staged], flagged[staged]


def _said_of(subject: object, flagged: pd.DataFrame) -> str:
    """Who, or all subjects together, and by what; of several measures that the stager moves their number."""
    controls = list(dict.fromkeys(str(name) for name in flagged["control"]))
    said = [control_name(name) for name in controls]
    if len(controls) > 1 and all(map(_is_of_stager, controls)):
        said = [f"{len(controls)} measures"]
    return f"{'all subjects together' if subject == GROUP else subject} ({', '.join(said)})"


def moderator_table(table: pd.DataFrame, settings: Settings, name_of: NameOf) -> PlainTable | None:
    """Covariates (``moderators.tsv``) against the change of the primary marker: one without any test is one row."""
    if table.empty:
        return None
    # As a list for each row: of a covariate that was tested anywhere its own contrast, else all of them once.
    tested = table.groupby("covariate", sort=False)["p"].transform("count") > 0
    of_all = table["covariate"].map(
        table.groupby("covariate", sort=False)["contrast"].agg(lambda names: list(dict.fromkeys(names)))
    )
    shown = table.assign(about=table["contrast"].map(lambda name: [name]).where(tested, of_all))
    return _table(
        shown[tested | ~table.duplicated("covariate")],
        {
            "Covariate": lambda row: str(row["covariate"]).replace("_", " "),
            "Contrast": lambda row: join([name_of(name) for name in row["about"]]),
            "Marker": lambda row: f"{marker_name(row['measure'])}, {in_sentence(window_name(row['window'], settings))}",
            "Estimate": _slope,
            "p": _p("p"),
            "n": _count("n"),
            "Method": _text("method"),
            "Note": _text("note"),
        },
        label="Covariates and the change of the primary marker",
        about="Association, not cause: a covariate of the study file against the change of the primary marker over "
        "subjects, and against that of N3 and REM sleep. With fewer than eight subjects nothing is tested.",
    )


def level_table(table: pd.DataFrame, settings: Settings, name_of: NameOf) -> PlainTable | None:
    """Whether the change follows the level of a covariate (``level_slopes.tsv``), with a sentence on the first row."""
    if table.empty:
        return None
    first = table.iloc[0]
    low, high = _float(first["ci_low"]), _float(first["ci_high"])
    told = "not tested" if math.isfinite(_float(first["correlation"])) else "too few subjects to tell"
    if math.isfinite(low) and math.isfinite(high):
        side = "more" if low > 0 else "less" if high < 0 else ""
        told = f"it rises {side} where that rises more" if side else "these nights show no relation"
    return _table(
        table,
        {
            "Covariate": lambda row: str(row["covariate"]).replace("_", " "),
            "Contrast": lambda row: name_of(row["contrast"]),
            "Marker": lambda row: f"{marker_name(row['measure'])}, {in_sentence(window_name(row['window'], settings))}",
            "Estimate": _slope,
            "Correlation": lambda row: signed(_float(row["correlation"])),
            "p": _p("p"),
            "n": _count("n"),
            "Method": _text("method"),
            "Note": _text("note"),
        },
        label="Does the change follow the level?",
        about=f"The change of {in_sentence(marker_name(first['measure']))} against the change of "
        f"{str(first['covariate']).replace('_', ' ')} in the same nights: {told}. Association, not cause.",
    )


def interaction_table(table: pd.DataFrame, settings: Settings) -> PlainTable | None:
    """Whether two treatments add up (``interactions.tsv``), with a sentence on the first row that was tested."""
    if table.empty:
        return None
    first = table.sort_values("role", key=lambda roles: roles != "primary", kind="stable").iloc[0]
    marker = f"{marker_name(first['measure'])}, {in_sentence(window_name(first['window'], settings))}"
    both = f"{first['factor_a']} and {first['factor_b']} together"
    return _table(
        table,
        {
            "Treatments": lambda row: f"{row['factor_a']} and {row['factor_b']}",
            "Marker": lambda row: f"{marker_name(row['measure'])}, {in_sentence(window_name(row['window'], settings))}",
            "Both against the sum": lambda row: _with_interval(row, "estimate"),
            "p": _p("p"),
            "n": _count("n"),
            "Method": _text("method"),
            "Verdict": _verdict,
        },
        label="Do the treatments add up?",
        about=f"{both}, {in_sentence(marker)}: {_adds_up(first)}. The estimate is both − one − the other + neither; of "
        "ratios it is the factor beyond what the two effects multiply to, 1 where they add on the log scale.",
    )


def _adds_up(row: pd.Series) -> str:
    """Whether two treatments do more or less than add."""
    low, high, none = _float(row["ci_low"]), _float(row["ci_high"]), 1.0 if row["scale"] == "ratio" else 0.0
    if not (math.isfinite(low) and math.isfinite(high)):
        return "too few subjects to tell"
    if row["verdict"] == NOT_COMPARABLE:
        return f"not to be told from these nights ({row['verdict_reasons']})"
    but = f", but {row['verdict_reasons']}" if row["verdict"] == CAUTION else ""
    if low > none or high < none:
        return f"{'more' if low > none else 'less'} than the two add up to{but}"
    return f"these nights show neither more nor less than the two add up to{but}"


def profile_table(table: pd.DataFrame) -> PlainTable | None:
    """How alike the profiles of two treatments are (``profiles.tsv``)."""
    return _table(
        table,
        {
            "Treatments": lambda row: f"{row['treatment_a']} and {row['treatment_b']}",
            "Markers": _text("measure set"),
            # A cosine alone says nothing: +1.00 of two nights is what noise gives.
            "Similarity": lambda row: _with_interval(row, "similarity") if _is_told(row) else NOTHING,
            "p": _p("p"),
            "p of equivalence": _p("equivalence_p"),
            "n": _count("n"),
            "Note": _text("note"),
        },
        label="Profiles of treatments",
        about="Whether two treatments change the markers in the same pattern: the cosine between their standardised "
        "changes (1: the same pattern, 0: unrelated, −1: opposite). Equivalence is asked of the primary marker alone.",
    )


def published_table(table: pd.DataFrame, settings: Settings, name_of: NameOf) -> PlainTable | None:
    """What is published of the same drugs (``published.tsv``), beside this study."""
    return _table(
        table,
        {
            "Contrast": lambda row: name_of(row["contrast"]),
            "Source": lambda row: f"{row['source']}; doi:{row['doi']}",
            "Measured there": lambda row: f"{row['published_marker']}, n = {row['published_n']}: {row['people']}",
            "Found there": _published,
            "Measured here": lambda row: _nearest(row, settings),
            "Found here": _found_here,
            "Comparable by definition": _comparable,
        },
        label="How large is it beside what is published?",
        about="What abstracts say of the same drug, and the change of this study in the marker that comes nearest. An "
        "interval that holds a published change shows no agreement: people, dose and time since the dose differ.",
    )


def _published(row: Row) -> str:
    size = change(_float(row["published_estimate"]), row["scale"], unit_of(row["measure"]))
    return f"{size} ({row['published']})" if size != NOTHING else str(row["published"])


def _comparable(row: Row) -> str:
    """Whether both are the same by definition, and why; a table read from disk holds words."""
    return f"{'yes' if str(row['comparable']).casefold() in TRUE else 'no'}: {row['because']}"


def _nearest(row: Row, settings: Settings) -> str:
    """The marker of this study: with its band, and its place unless it is of none."""
    window = in_sentence(window_name(str(row["window"]), settings))
    parts = [marker_name(str(row["measure"]), settings), window]
    parts += [stages_name(str(row["stages"]))] if row["stages"] != "any" else []
    return ", ".join(parts + ([str(row["channel"])] if row["channel"] != ALL else []))


def _found_here(row: Row) -> str:
    """The change of this study with its interval, n and verdict."""
    found = describe_change(pd.Series(row), unit_of(row["measure"]))
    if not found.measured:
        return NOT_MEASURED
    ends = f" ({found.interval})" if found.interval else f" ({NO_INTERVAL})"
    judged = "" if _verdict(row) == NOTHING else f"; {_verdict(row)}"
    return f"{found.change}{ends}, n = {found.n}{judged}"


def precision_table(
    precision: pd.DataFrame, changes: pd.DataFrame, called: str, settings: Settings
) -> PlainTable | None:
    """Intervals by the precision of the nights alone (``precision.tsv``), beside those between nights."""
    if precision.empty:
        return None
    keys = ["contrast", "channel", "stages", "window", "measure"]
    shown = changes.merge(precision, on=keys, suffixes=("", "_nights"))
    level = share(settings.comparison.confidence)
    return _table(
        shown[shown["estimate"].notna()],
        {
            "Marker": lambda row: marker_name(row["measure"]),
            "Window": lambda row: window_name(row["window"], settings),
            "Change": lambda row: percent(row["estimate"]),
            f"These nights alone, {level}": lambda row: _ends(row, "ratio", "_nights"),
            f"Between nights, {level}": lambda row: _ends(row, "ratio"),
            "Epochs": lambda row: str(row["n_nights"]),
        },
        label=f"Precision of these nights, {called}",
        about="These nights alone: how precisely the epochs of these very nights tell their change "
        f"({settings.comparison.bootstrap_block_min:g}-min blocks of epochs drawn again, each from near its place). "
        "This is not the uncertainty of a drug effect, which it covers less often (36\u201361 % of the time in "
        "simulations): how far other nights of the same person differ is not in it. "
        "Judge a change by the interval between nights.",
    )


def cycle_table(table: pd.DataFrame, channel: str, settings: Settings, name_of: NameOf) -> PlainTable | None:
    """Whether the change at a channel differs between the first NREM cycle and later ones (``cycle_contrasts.tsv``)."""
    return _table(
        select(table, channel=channel) if len(table) else table,
        {
            "Contrast": lambda row: name_of(row["contrast"]),
            "Marker": lambda row: marker_name(row["measure"]),
            "Cycles": _text("cycles"),
            "Cycle 1 over later": lambda row: change(_float(row["estimate"]), row["scale"]),
            f"{share(settings.comparison.confidence)} interval": lambda row: _ends(row, row["scale"]),
            "p": _p("p"),
            "p adjusted": _p("p_adjusted"),
            "n": _count("n"),
            "Note": _text("note"),
        },
        label="First sleep cycle (NREM cycle 1) against later ones",
        about=f"Whether a change is larger early in the night ({channel}): the change in NREM cycle 1 over that in "
        "later cycles of the same nights; +10 % says that cycle 1 rose by a tenth more. A change that is found in one "
        "cycle and not in another is no difference between them; this is its test. n counts subjects; all rows are "
        "exploratory.",
    )


def _flagged_names(rows: pd.DataFrame) -> str:
    names = [
        control_name(str(control)) + ("" if channel == ALL else f" at {channel}")
        for channel, control in zip(rows["channel"], rows["control"], strict=True)
    ]
    return ", ".join(names[:LONG]) + (f" and {len(names) - LONG} more" if len(names) > LONG else "")


def plan_table(table: pd.DataFrame, marker: str) -> PlainTable | None:
    """How many subjects an effect on the marker, in words, needs (``planning.tsv``)."""
    if table.empty:
        return None
    first = table.iloc[0]
    ends = Interval(number(first["change_sd_low"]), number(first["change_sd_high"]))
    known = math.isfinite(_float(first["detectable"]))
    smallest = f" {plural(first['n'], 'subject')} find a change of {percent(first['detectable'])}." if known else ""
    n_tests = int(first.get("n_tests", 1))
    held = f" over {n_tests} contrasts (Holm)" if n_tests > 1 else ""
    return _table(
        table,
        {
            "Change to be found": lambda row: percent(row["effect"]),
            "Subjects": _text("subjects"),
            "At the limits of the SD": lambda row: f"{Interval(row['subjects_low'], row['subjects_high'])}",
        },
        label="Planning the next study",
        about=f"Subjects needed by the test of this design ({first['design']}, two-sided level "
        f"{first['level']:.2g}{held}, power {share(first['power'])}) for {marker}; from {first['method']}; SD of "
        f"the ln change {number(first['change_sd'])} ({ends}).{smallest} The range is that of the SD: a plan "
        "from few subjects is a rough one.",
    )


def is_flagged(table: pd.DataFrame) -> pd.Series:
    """Rows of the gain check that are flagged; a table read from disk holds words."""
    return table["flagged"].astype(str).str.casefold().isin(TRUE)


def _table(rows: pd.DataFrame, columns: Mapping[str, Cell], *, label: str, about: str) -> PlainTable | None:
    """A table whose cells are written from its rows; None where there is none."""
    cells = tuple(tuple(write(row) for write in columns.values()) for row in rows.to_dict("records"))
    return PlainTable(label=label, about=about, columns=tuple(columns), rows=cells) if cells else None


def _text(name: str) -> Cell:
    return lambda row: NOTHING if pd.isna(row[name]) or row[name] == "" else str(row[name])


def _verdict(row: Row) -> str:
    """A verdict with its reasons; a folder of an earlier version has none."""
    parts = [str(row[name]) for name in ("verdict", "verdict_reasons") if name in row and not pd.isna(row[name])]
    return ": ".join(part for part in parts if part) or NOTHING


def _p(name: str) -> Cell:
    return lambda row: p_value(_float(row[name]))


def _count(name: str) -> Cell:
    return lambda row: f"{_float(row[name]):.0f}" if math.isfinite(_float(row[name])) else NOTHING


def _float(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return math.nan


def _ends(row: Row, scale: str, suffix: str = "") -> str:
    """The ends of an interval, or that there is none."""
    return interval(_float(row[f"ci_low{suffix}"]), _float(row[f"ci_high{suffix}"]), scale) or NO_INTERVAL


def _with_interval(row: Row, name: str) -> str:
    """A difference with its interval behind it."""
    ends = interval(_float(row["ci_low"]), _float(row["ci_high"]), "difference")
    return signed(_float(row[name])) + (f" ({ends})" if ends else "")


def _slope(row: Row) -> str:
    """A slope with its interval: that of minutes in minutes, of a ratio one of logarithms."""
    entry = read_glossary().get(str(row["measure"]))
    unit = unit_of(str(row["measure"])) if entry is not None and entry.scale == "difference" else ""
    ends = interval(_float(row["ci_low"]), _float(row["ci_high"]), "difference", unit)
    return signed(_float(row["estimate"]), unit) + (f" ({ends})" if ends else "")


def _is_told(row: Row) -> bool:
    """Whether an interval or a p stands beside a number."""
    return math.isfinite(_float(row["ci_low"])) or math.isfinite(_float(row["p"]))


def _ratio(ln_ratio: object) -> str:
    return percent(math.exp(_float(ln_ratio))) if math.isfinite(_float(ln_ratio)) else NOTHING


def _limit(ln_limit: object) -> str:
    limit = _float(ln_limit)
    return interval(math.exp(-limit), math.exp(limit), "ratio") if math.isfinite(limit) else NOTHING
