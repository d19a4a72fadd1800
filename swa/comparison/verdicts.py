"""One word on each contrast, sound, caution or not comparable, from stated rules and with its reasons."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from swa.comparison.compared_nights import text_column, usable_nights
from swa.comparison.controls.gain import BETWEEN_REGIONS, CONTRADICTION_SHARE, ONE_CHANNEL_SHARE
from swa.comparison.controls.reading import CYCLE
from swa.comparison.controls.registry import Control, Record, RowKind, find_control
from swa.comparison.controls.times import CYCLE_SHARE
from swa.comparison.members import members_by, parallel_arms
from swa.glossary import bands_hz, measures_in, measures_over_night, measures_that
from swa.measures.quality import UNUSABLE, cuts
from swa.recordings.channels import region
from swa.settings import ComparabilitySettings, Settings
from swa.tables import doubts, notes
from swa.tables.contrast import CONTRAST_FACTS, GROUP, Contrast, contrasts_of
from swa.tables.design_limit import DesignLimit, decode_limits
from swa.tables.marker import ALL, ALL_MINUTES, REGIONS
from swa.tables.reason import Reason, decode, encode, in_words

SOUND, CAUTION, NOT_COMPARABLE = "sound", "caution", "not comparable"
RANK = {SOUND: 0, CAUTION: 1, NOT_COMPARABLE: 2}
SUBJECTS_NAMED = 6
# A row over subjects is doubted for them in at most one of twenty studies with nothing wrong: by their number at this
# level of a binomial test, and by a conclusion that changes without them where their leaving moves the estimate by more
# than this many SD of what leaving out as many others does (`benchmarks/calibration_verdicts.py`).
SUBJECTS_LEVEL = 0.025
# Share of subjects of whom one thing may be doubted whose false alarms are not stated: the budget of the gain check and
# of cycles (`false_alarms`) excuses none of it.
KIND_RATE = 0.05
STATED_ALARMS = frozenset({"gain", "gain_controls", "one_channel", "cycle_minutes"})
OF_WAVES = ("waves", "matched", "coupling", "travelling")  # chapters of what is found by the negative half of waves
MOVED_SD = 1.25
FEWEST_IN_TWO_ORDERS = 3  # subjects of whom one order can have more than the other

Row = tuple[str, Contrast, RowKind]  # what rows of contrasts differ in, as far as a verdict goes


_Cells = Mapping[Any, Any]  # of one row of contrasts, by column


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """A reason with the verdict that it makes, the channel that it is about, and the control that found it, if any.

    `measure` or `window` is named where it is about rows of that one alone, `passed_hz` where it is about those of
    bands that are not wholly within it, `condition` where it is about one night.
    """

    verdict: str
    reason: Reason
    channel: str = ALL
    measure: str = ""
    window: str = ""
    control: Control[Any] | None = None
    passed_hz: tuple[float, float] | None = None
    condition: str = ""

    def matters(self, row: RowKind) -> bool:
        """Whether it is one about a row: its channel and measure are in it, and its control has a say in it."""
        has_a_say = self.control is None or self.control.matters is None or self.control.matters(row)
        cut = self.passed_hz is None or any(cuts(self.passed_hz, band) for band in row.bands_hz)
        named = self.measure in ("", row.of_sleep) and self.window in ("", row.cycle)
        return has_a_say and cut and named and _covers(row.channel, self.channel)


@dataclass(frozen=True, kw_only=True)
class Known:
    """All doubts: by subject and condition those of the nights, by subject and contrast those between them."""

    by_night: Mapping[tuple[str, str], Sequence[Doubt]]
    by_pair: Mapping[tuple[str, Contrast], Sequence[Doubt]]

    def about(self, subject: str, pairs: Sequence[Contrast], kind: RowKind) -> list[Doubt]:
        """Doubts about a row that rests on these contrasts of one subject, each once."""
        conditions = dict.fromkeys(name for pair in pairs for name in pair.conditions)
        found = [doubt for name in conditions for doubt in self.by_night.get((subject, name), ())]
        found += [doubt for pair in pairs for doubt in self.by_pair.get((subject, pair), ())]
        return list(dict.fromkeys(doubt for doubt in found if doubt.matters(kind)))

    def about_all(self, contrast: Contrast, pairs: Iterable[Contrast], kind: RowKind) -> list[Doubt]:
        """Doubts that only all subjects together give; of which arm is said where a row compares two."""
        return [
            doubt
            if pair == contrast.pair
            else replace(doubt, reason=doubts.located(doubt.reason, contrast=pair.in_words))
            for pair in pairs
            for doubt in self.by_pair.get((GROUP, pair), ())
            if doubt.matters(kind)
        ]


# Estimate, ci_low, ci_high and n of each row once its subjects of the column `without` are left out.
Again = Callable[[pd.DataFrame], pd.DataFrame]


def judge_contrasts(
    contrasts: pd.DataFrame,
    records: Sequence[Record],
    nights: pd.DataFrame,
    settings: Settings,
    again: Again | None = None,
) -> pd.DataFrame:
    """Verdict and reasons of each contrast.

    Parameters
    ----------
    contrasts : DataFrame
        The columns of ``contrasts.tsv``.
    records : sequence of Record
        From `swa.comparison.comparability.check_comparability`.
    nights : DataFrame
        The table of nights, with the verdict on each.
    settings : Settings
        Which flagged controls make which verdict, and their level.
    again : callable, optional
        Compares rows over subjects once more, without their doubtful subjects.

    Returns
    -------
    DataFrame
        `contrasts` with `verdict`, `verdict_reasons`, and the same reasons as `doubts` (`swa.tables.reason.decode`).

    Notes
    -----
    A row of one subject is judged by its nights, by the controls of its channel (of a region: of its channels), and by
    those of the whole night. A flagged gain is no objection to a measure that no factor on the signal can move
    (`gain_free` in the glossary), one channel's departure none to another channel, and analysed minutes are one for
    values of the window `night` that are not cut to common minutes. A row over subjects is *caution* where one of them
    is not comparable, where more of them are not sound than the false alarms of the gain check explain, where another
    thing is doubted of more of them than one in twenty explains, or where another conclusion is drawn without those;
    *not comparable* where more than `group_share` of them are.
    """
    if contrasts.empty or (not records and "verdict" not in nights):  # nobody judged the nights
        return contrasts.assign(verdict="", verdict_reasons="", doubts="")
    of_sleep = contrasts["measure"].isin(measures_in("architecture"))
    bands = bands_hz(settings)
    keys = pd.DataFrame(
        {
            "subject": contrasts["subject"].astype(str),
            **{name: contrasts[name].fillna("").astype(str) for name in CONTRAST_FACTS},
            "channel": contrasts["channel"].astype(str),
            "gain_free": contrasts["measure"].isin(measures_that("gain_free")),
            "over_night": _over_night(contrasts, settings),
            "in_bed": _in_bed(contrasts, of_sleep),
            "counts_nrem": text_column(contrasts, "window").isin(["night", "matched"]) & _stages(contrasts).ne(""),
            "filter_free": contrasts["measure"].isin(_free_of_filters()),
            "by_stages": text_column(contrasts, "stages").ne("any") | of_sleep,
            "stages": _stages(contrasts).mask(of_sleep, ""),
            "of_sleep": contrasts["measure"].where(of_sleep, "").astype(str),
            "bands_hz": [bands.get(measure, ()) for measure in contrasts["measure"]],
            "of_waves": contrasts["measure"].isin([name for group in OF_WAVES for name in measures_in(group)]),
            "cycle": text_column(contrasts, "window").where(text_column(contrasts, "window").str.startswith(CYCLE), ""),
        }
    )
    unique = keys.drop_duplicates()
    kinds = map(RowKind, *(unique[field.name] for field in fields(RowKind)))
    rows: list[Row] = list(zip(unique["subject"], contrasts_of(unique), kinds, strict=True))
    place = keys.groupby(list(keys), sort=False).ngroup().to_numpy()
    there = contrasts["estimate"].notna() if "estimate" in contrasts else pd.Series(data=True, index=contrasts.index)
    measured = {rows[number] for number in np.unique(place[there.to_numpy(dtype=bool)])}
    by_kind = _judge_rows(rows, measured, records, usable_nights(nights), settings)
    judged = [by_kind[number] for number in place]
    open_orders = _open_orders(contrasts)
    judged = [_with_orders(found, open_orders.get(number)) for number, found in enumerate(judged)]
    if again is not None:
        judged = _judge_again(contrasts, judged, again, settings)
    said = {id(found): (found.verdict, in_words(found.reasons), encode(found.reasons)) for found in judged}
    columns = zip(*(said[id(found)] for found in judged), strict=True)
    return contrasts.assign(**dict(zip(("verdict", "verdict_reasons", "doubts"), map(list, columns), strict=True)))


@dataclass(frozen=True)
class Judged:
    """Verdict on a row with its reasons, and the subjects who are not sound in a row over subjects that has others."""

    verdict: str
    reasons: tuple[Reason, ...]
    doubtful: frozenset[str] = frozenset()


def _open_orders(contrasts: pd.DataFrame) -> dict[int, Reason]:
    """Rows over subjects in which an effect of the period is not removed and may not cancel; by place."""
    if "reasons" not in contrasts:
        return {}
    places = np.flatnonzero((contrasts["subject"] == GROUP).to_numpy())
    keys = contrasts_of(contrasts.iloc[places])
    known = contrasts.iloc[places]
    texts = dict(zip(keys, zip(known["reasons"], text_column(known, "design_limit"), strict=True), strict=True))
    said = {key: (decode(reasons), decode_limits(limits)) for key, (reasons, limits) in texts.items()}
    found = {
        place: doubt_of_orders(*said[key], subjects)
        for place, key, subjects in zip(places.tolist(), keys, known["n"].tolist(), strict=True)
    }
    return {place: reason for place, reason in found.items() if reason}


def doubt_of_orders(reasons: Iterable[Reason], limits: Collection[DesignLimit], subjects: int) -> Reason | None:
    """Why the order of the nights alone makes a row over subjects doubtful; None where it does not.

    Parameters
    ----------
    reasons : iterable of Reason
        What the design forbids the row to be read as.
    limits : collection of DesignLimit
        What it leaves open.
    subjects : int
        How many subjects the row rests on; of fewer than three no order can be the less frequent one.
    """
    unequal = notes.ORDERS_UNEQUAL.among(reasons)
    if unequal:
        return doubts.ORDERS(**unequal.values)
    if within := notes.GROUP_ORDERS.among(reasons):
        return doubts.GROUP_ORDERS(**within.values)
    # A baseline that is no control is taken to have come first: having no control says all that its order could.
    open_order = DesignLimit.UNKNOWN_ORDER in limits and not set(limits) & {DesignLimit.NO_CONTROL, DesignLimit.ONE_ARM}
    return doubts.ORDER_OPEN() if open_order and subjects >= FEWEST_IN_TWO_ORDERS else None


def verdict_of_orders(reason: Reason) -> str:
    """Orders that are known to be unequal cannot be mended; one that is not known may be equal."""
    known = any(kind.among((reason,)) for kind in (doubts.ORDERS, doubts.GROUP_ORDERS, doubts.FOUR_ORDERS))
    return NOT_COMPARABLE if known else CAUTION


def _with_orders(found: Judged, reason: Reason | None) -> Judged:
    if reason is None:
        return found
    worse = max(found.verdict, verdict_of_orders(reason), key=RANK.__getitem__)
    return replace(found, verdict=worse, reasons=(*found.reasons, reason))


def _judge_again(contrasts: pd.DataFrame, judged: Sequence[Judged], again: Again, settings: Settings) -> list[Judged]:
    """Rows over subjects once more without those who are not sound: is the same concluded?"""
    without = pd.Series([found.doubtful for found in judged], index=contrasts.index, dtype=object)
    rows = contrasts.assign(without=without, place=range(len(judged)))[without.map(bool)]
    answer = list(judged)
    if rows.empty:
        return answer
    for row, other in zip(rows.to_dict("records"), again(rows).to_dict("records"), strict=True):
        found = judged[row["place"]]
        is_other = _is_other(row, other, len(row["without"]), settings.comparison.confidence)
        if not is_other and found.verdict != SOUND:
            continue
        verdict = max(CAUTION, found.verdict, key=RANK.__getitem__) if is_other else SOUND
        reason = _conclusion(row, other, is_other=is_other)
        answer[row["place"]] = replace(found, verdict=verdict, reasons=(*found.reasons, reason))
    return answer


def _conclusion(row: _Cells, other: _Cells, *, is_other: bool) -> Reason:
    """What is concluded without those who are not sound, beside what is with them."""
    if not np.isfinite(other["ci_low"]):
        return doubts.NO_CONCLUSION(left=int(row["n"]) - len(row["without"]))
    if not is_other:
        return doubts.SAME_CONCLUSION()
    both = {
        f"{name}_{which}": float(side[name])
        for which, side in (("with", row), ("without", other))
        for name in ("estimate", "ci_low", "ci_high")
    }
    return doubts.OTHER_CONCLUSION(n=int(row["n"]), left=int(other["n"]), **both)


def _is_other(row: _Cells, other: _Cells, left_out: int, confidence: float) -> bool:
    """Whether the interval tells another story without these subjects, and not because fewer tell it."""
    names = ("estimate", "ci_low", "ci_high")
    sides = np.array([[side[name] for name in names] for side in (row, other)], dtype=float)
    if row["scale"] == "ratio":
        sides = np.log(sides)
    shown = [float(np.sign(low)) if low * high > 0 else 0.0 for _, low, high in sides.tolist()]
    if shown[0] == shown[1]:
        return False
    error = (sides[0, 2] - sides[0, 1]) / 2 / stats.norm.ppf((1 + confidence) / 2)
    usual = error * np.sqrt(left_out / max(int(row["n"]) - left_out, 1))
    return not abs(sides[0, 0] - sides[1, 0]) <= MOVED_SD * usual


def _stages(contrasts: pd.DataFrame) -> pd.Series:
    """Stages of rows over N2 and N3, or one of them (`RowKind.stages`)."""
    stages = text_column(contrasts, "stages")
    return stages.where(stages.isin(["NREM", "N2", "N3"]), "")


def _free_of_filters() -> frozenset[str]:
    """Measures of stages, and of the course over the night of one band: a filter is the same from hour to hour."""
    return measures_that("gain_free") & {*measures_in("architecture"), *measures_in("homeostasis")}


def _in_bed(contrasts: pd.DataFrame, of_sleep: pd.Series) -> pd.Series:
    """Which rows hang on the time in bed (`RowKind.in_bed`)."""
    window = text_column(contrasts, "window")
    sleep = contrasts["measure"].isin(measures_over_night("bed")) & window.str.fullmatch(r"night|third-\d")
    return sleep | (~of_sleep & window.eq("night") & text_column(contrasts, "stages").eq("any"))


def _over_night(contrasts: pd.DataFrame, settings: Settings) -> pd.Series:
    """Which rows hang on the length of the night (`RowKind.over_night`)."""
    cut = contrasts["measure"].isin(measures_over_night("cut"))
    if settings.windows.common_minutes:
        cut &= text_column(contrasts, "variant").eq(ALL_MINUTES)
    found = cut | contrasts["measure"].isin(measures_over_night("whole"))
    return found & contrasts["window"].eq("night") & text_column(contrasts, "stages").isin(["NREM", "N2", "N3"])


def _judge_rows(
    rows: Sequence[Row],
    measured: set[Row],
    records: Iterable[Record],
    nights: pd.DataFrame,
    settings: Settings,
) -> list[Judged]:
    """Verdict and reasons of each row; a row over subjects rests on those of them that were measured."""
    known = Known(by_night=_night_doubts(nights), by_pair=_control_doubts(records, settings.comparability))
    contrasts = dict.fromkeys(contrast for _, contrast, _ in rows)
    within = [contrast for contrast in contrasts if contrast.is_within]
    resting = {contrast: _resting_on(contrast, nights, within) for contrast in contrasts}
    pairs_of = {name: dict.fromkeys(pair for own in found.values() for pair in own) for name, found in resting.items()}
    judged = []
    for subject, contrast, kind in rows:
        if subject != GROUP:
            found = known.about(subject, [contrast], kind)
            judged.append(Judged(_worst(found), tuple(doubt.reason for doubt in found)))
            continue
        there = {
            name: own
            for name, pairs in resting[contrast].items()
            if (own := [pair for pair in pairs if (name, pair, kind) in measured])
        }
        members = {name: known.about(name, pairs, kind) for name, pairs in (there or resting[contrast]).items()}
        rate = false_alarms(settings.comparison.confidence, of_cycle=bool(kind.cycle))
        judged.append(_judge_group(members, known.about_all(contrast, pairs_of[contrast], kind), settings, rate))
    return judged


def _resting_on(contrast: Contrast, nights: pd.DataFrame, within: Sequence[Contrast]) -> dict[str, list[Contrast]]:
    """Subjects of a row over subjects, each with the contrasts within it that the row rests on.

    Between groups that is the contrast of the two conditions. A subject of an arm has the conditions of that arm alone:
    its own treatment against what it was compared with.
    """
    conditions = {
        str(subject): list(dict.fromkeys(names))
        for subject, names in nights.groupby("subject", sort=False)["condition"]
    }
    sides = (contrast.first, contrast.second)
    by_arm = not contrast.is_within and set(sides) <= set(parallel_arms(nights))
    side_of = members_by("arm" if by_arm else "group", nights)
    if by_arm:
        treatments = dict(zip(sides, (contrast.treatment, contrast.comparator), strict=True))
        own = {name: treatments[side] for name, side in side_of.items() if side in treatments}
        return {
            name: [pair for pair in within if pair.treatment == own[name] and pair.comparator in there]
            or [Contrast(treatment=own[name], comparator=other) for other in there if other != own[name]]
            for name, there in conditions.items()
            if own.get(name) in there
        }
    return {
        name: [contrast.pair]
        for name, there in conditions.items()
        if set(contrast.conditions) <= set(there) and (contrast.is_within or not side_of or side_of.get(name) in sides)
    }


def _night_doubts(nights: pd.DataFrame) -> dict[tuple[str, str], list[Doubt]]:
    """Doubts by subject and condition: the nights that are not sound."""
    if "verdict" not in nights:
        return {}
    columns = ("subject", "condition", "session", "verdict", "verdict_reasons", "doubts")
    found: dict[tuple[str, str], list[Doubt]] = {}
    for subject, condition, session, word, why, codes in zip(
        *(text_column(nights, name) for name in columns), strict=True
    ):
        if word not in (CAUTION, UNUSABLE):
            continue
        found.setdefault((subject, condition), []).extend(
            Doubt(
                verdict=NOT_COMPARABLE if word == UNUSABLE else CAUTION,
                reason=doubts.located(reason, session=session),
                channel=str(reason.values.get("channel", ALL)),
                passed_hz=_passed_hz(reason),
                condition=condition,
            )
            for reason in decode(codes) or (doubts.NIGHT(why=why),)
        )
    return found


def _passed_hz(reason: Reason) -> tuple[float, float] | None:
    """What a filter lets pass, of a doubt about one."""
    if not doubts.FILTERED.among([reason]):
        return None
    return float(reason.values["low_hz"]), float(reason.values.get("high_hz", np.inf))


def _control_doubts(
    records: Iterable[Record], settings: ComparabilitySettings
) -> dict[tuple[str, Contrast], list[Doubt]]:
    """Doubts by subject and contrast, those of a channel together."""
    found: dict[tuple[str, Contrast], dict[str, list[Doubt]]] = {}
    for record in records:
        control = find_control(record.control)
        if record.doubt is None or control is None:
            continue
        named = control.setting_of(record.control)
        if named not in (*settings.caution, *settings.not_comparable):
            continue
        is_worst = record.is_worst or named in settings.not_comparable
        doubt = Doubt(
            verdict=NOT_COMPARABLE if is_worst else CAUTION,
            reason=doubts.located(record.doubt, channel="" if record.channel == ALL else record.channel),
            channel=record.channel,
            measure=record.measure if control.is_of_measure else "",
            window=record.window,
            control=control,
        )
        found.setdefault((record.subject, record.contrast), {}).setdefault(record.channel, []).append(doubt)
    return {key: [doubt for own in by_channel.values() for doubt in own] for key, by_channel in found.items()}


@cache
def _covers(channel: str, own: str) -> bool:
    """Whether a contrast's channel is, or rests on, a recorded channel: `frontal` rests on F3-M2."""
    return own in (ALL, channel) or region(own) in (REGIONS if channel == BETWEEN_REGIONS else (channel,))


def _worst(found: Iterable[Doubt]) -> str:
    return max((doubt.verdict for doubt in found), key=RANK.__getitem__, default=SOUND)


def _judge_group(
    members: Mapping[str, Sequence[Doubt]], shared: Sequence[Doubt], settings: Settings, rate: float
) -> Judged:
    """Verdict over subjects, from each one's doubts, the `rate` of false ones, and what only all together give."""
    # One recording under two names gives no change: that subject is not in the row that is judged.
    copies = [
        name
        for name, found in members.items()
        if any(kind.among(doubt.reason for doubt in found) for kind in doubts.COPIES)
    ]
    left = {name: found for name, found in members.items() if name not in copies} or members
    words = {name: _worst(found) for name, found in left.items()}
    doubtful = [name for name, word in words.items() if word != SOUND]
    together = tuple(doubt.reason for doubt in shared)
    if not doubtful:
        return Judged(_worst(shared), together)
    worse = sum(word == NOT_COMPARABLE for word in words.values())
    verdict = _worst(shared)
    if worse > settings.comparability.group_share * len(words):
        verdict = NOT_COMPARABLE
    elif worse or _are_many(len(doubtful), len(words), rate) or _are_many(_of_one_kind(left), len(words), KIND_RATE):
        verdict = max(CAUTION, verdict, key=RANK.__getitem__)
    counts = {"n": len(doubtful), "of": len(words), **({"worse": worse} if worse else {})}
    others = frozenset(doubtful) if len(doubtful) < len(words) else frozenset()
    return Judged(verdict, (*together, doubts.SUBJECTS(named=_name_with_doubts(doubtful, left), **counts)), others)


def _of_one_kind(members: Mapping[str, Sequence[Doubt]]) -> int:
    """Most subjects of whom one thing is doubted (in nights of one condition) that `false_alarms` does not speak of."""
    kinds = [{kind for doubt in found if (kind := _kind(doubt)) is not None} for found in members.values()]
    return max(Counter(kind for own in kinds for kind in own).values(), default=0)


def _kind(doubt: Doubt) -> tuple[str, str, str] | None:
    if doubt.control is not None and not STATED_ALARMS.isdisjoint((*doubt.control.names, doubt.control.setting)):
        return None
    return doubt.reason.code, str(doubt.reason.values.get("why", "")), doubt.condition


def _name_with_doubts(doubtful: Sequence[str], members: Mapping[str, Sequence[Doubt]]) -> str:
    """Subjects with what is doubted, those of whom the same is doubted together."""
    alike: dict[str, list[str]] = {}
    for name in doubtful:
        alike.setdefault(_briefly(members[name]), []).append(name)
    groups = list(alike.items())
    all_alike = len(doubtful) == len(members) > 1 and len(groups) == 1
    said = [f"{'all' if all_alike else _first_of(names)}: {brief}" for brief, names in groups[:SUBJECTS_NAMED]]
    rest = sum(len(names) for _, names in groups[SUBJECTS_NAMED:])
    return "; ".join([*said, *([f"and {rest} more"] if rest else [])])


def _briefly(found: Iterable[Doubt]) -> str:
    """Doubts in a few words, each with the nights that it is about where they are of one condition."""
    where: dict[str, dict[str, None]] = {}
    for doubt in found:
        where.setdefault(doubts.in_brief(doubt.reason), {})[doubt.condition] = None
    named = {brief: next(iter(conditions)) if len(conditions) == 1 else "" for brief, conditions in where.items()}
    return ", ".join(f"{brief} in {condition} nights" if condition else brief for brief, condition in named.items())


def _first_of(names: Sequence[str]) -> str:
    more = len(names) - SUBJECTS_NAMED
    return ", ".join(names[:SUBJECTS_NAMED]) + (f" and {more} more" if more > 0 else "")


def false_alarms(confidence: float, *, of_cycle: bool = False) -> float:
    """Share of subjects who are doubted with nothing wrong: by the gain check, and by the length of a cycle."""
    return (1 - confidence) * (1 + ONE_CHANNEL_SHARE + CONTRADICTION_SHARE) + of_cycle * CYCLE_SHARE


def _are_many(doubtful: int, subjects: int, rate: float) -> bool:
    """Whether so many subjects are not sound that this rate of false alarms does not explain it."""
    by_chance = float(stats.binom.sf(doubtful - 1, subjects, rate))
    return by_chance <= SUBJECTS_LEVEL or doubtful > subjects / 2
