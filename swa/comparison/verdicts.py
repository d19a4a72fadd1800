"""One word on each contrast, sound, caution or not comparable, from stated rules and with its reasons."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from swa.comparison.comparability import ALL, GAIN_CONTROLS, GROUP
from swa.comparison.compared_nights import SAME_RECORDING, text_column, usable_nights
from swa.glossary import measures_that
from swa.recordings.channels import region
from swa.settings import ComparabilitySettings

SOUND, CAUTION, NOT_COMPARABLE = "sound", "caution", "not comparable"
RANK = {SOUND: 0, CAUTION: 1, NOT_COMPARABLE: 2}
SUBJECTS_NAMED = 6
SAME = "same recording"  # kind of reason
Reason = tuple[str, str, str]  # verdict, kind, text


def judge_contrasts(
    contrasts: pd.DataFrame, comparability: pd.DataFrame, nights: pd.DataFrame, settings: ComparabilitySettings
) -> pd.DataFrame:
    """Verdict and reasons of each contrast.

    Parameters
    ----------
    contrasts : DataFrame
        The columns of ``contrasts.tsv``.
    comparability : DataFrame
        From `swa.comparison.comparability.check_comparability`.
    nights : DataFrame
        The table of nights, with the verdict on each.
    settings : ComparabilitySettings
        Which flagged controls make which verdict.

    Returns
    -------
    DataFrame
        `contrasts` with `verdict` and `verdict_reasons`.

    Notes
    -----
    A row of one subject is judged by its nights, by the controls of its channel (of a region: of its channels), and by
    those of the whole night. A flagged gain is no objection to a measure that no factor on the signal can move
    (`gain_free` in the glossary), one channel's departure none to another channel, and analysed minutes are one for the
    window `night` alone. A group row counts its subjects: *caution* where one is not sound, *not comparable* where more
    than `group_share` of them are not comparable.
    """
    if contrasts.empty or (comparability.empty and "verdict" not in nights):  # nobody judged the nights
        return contrasts.assign(verdict="", verdict_reasons="")
    kind = contrasts["measure"].isin(measures_that("gain_free")).map({True: "free", False: ""}) + (
        contrasts["window"].eq("night").map({True: " night", False: ""})
    )
    keys = pd.DataFrame({name: contrasts[name].astype(str) for name in ("subject", "contrast", "channel")}, copy=True)
    keys["kind"] = kind
    unique = keys.drop_duplicates()
    there = contrasts["estimate"].notna() if "estimate" in contrasts else pd.Series(data=True, index=contrasts.index)
    measured = set(keys[there.to_numpy(dtype=bool)].itertuples(index=False, name=None))
    by_night = _night_reasons(nights)
    by_control = _control_reasons(comparability, settings)

    def judge(subject: str, conditions: Iterable[str], pairs: Iterable[str], channel: str, what: str) -> list[Reason]:
        reasons = [reason for name in conditions for reason in by_night.get((subject, name), ())]
        for own, found in (
            (own, found) for pair in pairs for own, found in by_control.get((subject, pair), {}).items()
        ):
            if own == ALL or _covers(channel, own):
                reasons += [reason for reason in found if _matters(reason, what, channel)]
        return list(dict.fromkeys(reasons))

    single = {
        key: judge(key[0], key[1].split(":"), [key[1]], *key[2:])
        for key in unique.itertuples(index=False, name=None)
        if key[0] != "group"
    }
    taking_part = _subjects_of(unique["contrast"].unique(), usable_nights(nights))
    members: dict[tuple[str, str, str], dict[str, list[Reason]]] = {}
    for (subject, contrast, channel, what), reasons in single.items():
        if (subject, contrast, channel, what) in measured:  # others are not in the row over subjects
            members.setdefault((contrast, channel, what), {})[subject] = reasons
    verdicts: dict[tuple[str, str, str, str], tuple[str, str]] = {}
    for key in unique.itertuples(index=False, name=None):
        if key[0] == "group":
            known = members.get(key[1:]) or {
                subject: judge(subject, conditions, pairs, *key[2:])
                for subject, conditions, pairs in taking_part[key[1]]
            }
            shared = judge("group", (), [key[1].split(" ")[0]], *key[2:])
            verdicts[key] = _group_verdict(known, shared, settings)
        else:
            verdicts[key] = (_worst(single[key]), "; ".join(text for _, _, text in single[key]))
    judged = [verdicts[key] for key in keys.itertuples(index=False, name=None)]
    return contrasts.assign(verdict=[word for word, _ in judged], verdict_reasons=[text for _, text in judged])


def _subjects_of(contrasts: Iterable[str], nights: pd.DataFrame) -> dict[str, list[tuple[str, list[str], list[str]]]]:
    """Subjects of each contrast, with the conditions and contrasts that each is judged by.

    For group rows that no subject's row stands beside: between arms or groups, and in large studies. A contrast between
    groups is named after that within subjects (``ketamine:baseline patients:controls``); one between arms has no
    subject with both sides, and everybody's nights count.
    """
    there = nights.groupby("subject", sort=False)["condition"].agg(lambda names: list(dict.fromkeys(names)))
    found: dict[str, list[tuple[str, list[str], list[str]]]] = {}
    for contrast in contrasts:
        pair = contrast.split(" ")[0]
        sides = pair.split(":")
        both = [(str(subject), sides, [pair]) for subject, names in there.items() if set(sides) <= set(names)]
        found[contrast] = both or [
            (str(subject), names, [f"{a}:{b}" for a in names for b in names]) for subject, names in there.items()
        ]
    return found


def _covers(channel: str, own: str) -> bool:
    """Whether a contrast's channel is, or rests on, a recorded channel: `frontal` rests on F3-M2."""
    return channel == own or (region(own) != "" and region(own) in channel.split("/"))


def _matters(reason: Reason, what: str, channel: str) -> bool:
    if reason[1] == "gain" or (reason[1] == "one channel" and channel != "frontal/central"):
        return "free" not in what
    return reason[1] != "minutes" or "night" in what


def _worst(reasons: Sequence[Reason]) -> str:
    return max((verdict for verdict, _, _ in reasons), key=RANK.__getitem__, default=SOUND)


def _night_reasons(nights: pd.DataFrame) -> dict[tuple[str, str], list[Reason]]:
    """Reasons by subject and condition: the nights that are not sound."""
    used = usable_nights(nights)
    if "verdict" not in used:
        return {}
    used = used.assign(word=text_column(used, "verdict"), why=text_column(used, "verdict_reasons"))
    found: dict[tuple[str, str], list[Reason]] = {}
    for night in used[used["word"].isin([CAUTION, "unusable"])].to_dict("records"):
        verdict = NOT_COMPARABLE if night["word"] == "unusable" else CAUTION
        key = (str(night["subject"]), str(night["condition"]))
        found.setdefault(key, []).append((verdict, "night", f"{night['session']}: {night['why']}"))
    return found


def _control_reasons(
    comparability: pd.DataFrame, settings: ComparabilitySettings
) -> dict[tuple[str, str], dict[str, list[Reason]]]:
    """Reasons by (subject, contrast), then by channel."""
    found: dict[tuple[str, str], dict[str, list[Reason]]] = {}
    if comparability.empty:
        return found
    flagged = comparability[comparability["flagged"].astype(str).str.lower() == "true"]
    for row in flagged.to_dict("records"):
        control = "gain" if row["control"] in GAIN_CONTROLS else str(row["control"])
        control = "staging" if control.startswith("staging_") else control
        if control in settings.not_comparable:
            verdict = NOT_COMPARABLE
        elif control in settings.caution:
            verdict = CAUTION
        else:
            continue
        reason = _reason(verdict, control, row, settings)
        own = found.setdefault((str(row["subject"]), str(row["contrast"])), {}).setdefault(str(row["channel"]), [])
        if reason not in own:  # the three controls of a channel share one G
            own.append(reason)
    return found


def _reason(verdict: str, control: str, row: Mapping[Any, Any], settings: ComparabilitySettings) -> Reason:
    where = "" if row["channel"] == ALL else f"{row['channel']}: "
    if row["subject"] == GROUP:
        return verdict, "gain", str(row["note"])
    if control == "gain":
        g, limit = float(row["g"]), float(row["limit"])
        if abs(g) > 2 * math.log(settings.gain_ratio):
            verdict = NOT_COMPARABLE
        text = f"gain check G {g:+.2f} beyond ±{limit:.2f}, as an amplitude × {math.exp(g / 2):.2f} would do"
        return verdict, "gain", where + text
    if control == "one_channel":
        apart, limit = float(row["ln_ratio"]), float(row["limit"])
        text = f"gain departs from that of the other channels by {apart:+.2f}, beyond ±{limit:.2f}"
        return verdict, "one channel", where + text
    if control == "below_band":
        if abs(float(row["ln_ratio"])) > settings.below_band_worst:
            verdict = NOT_COMPARABLE
        return verdict, "sweat or drift", f"{where}{row['note']}"
    if control == "clipping":
        return verdict, "clipping", f"{where}{row['note']}"
    if control == SAME_RECORDING:
        return verdict, SAME, str(row["note"])
    if control in ("rejection", "staging"):
        return verdict, "artefacts" if control == "rejection" else "staging", f"{where}{row['note']}"
    kind = {"analysed_minutes": "minutes", "sleep_onset": "clock", "recording_start": "clock"}.get(control, "header")
    return verdict, kind, f"{where}{control.replace('_', ' ')} {'' if kind == 'clock' else 'differs: '}{row['note']}"


def _group_verdict(
    members: Mapping[str, Sequence[Reason]], shared: Sequence[Reason], settings: ComparabilitySettings
) -> tuple[str, str]:
    """Verdict over subjects, from each one's reasons and those that only all of them together give."""
    # One recording under two names gives no change: that subject is not in the row that is judged.
    members = {s: found for s, found in members.items() if not any(kind == SAME for _, kind, _ in found)} or members
    words = {subject: _worst(reasons) for subject, reasons in members.items()}
    doubtful = [subject for subject, word in words.items() if word != SOUND]
    together = [text for _, _, text in shared]
    if not doubtful:
        return _worst(shared), "; ".join(together)
    worse = sum(word == NOT_COMPARABLE for word in words.values())
    verdict = NOT_COMPARABLE if worse > settings.group_share * len(words) else _worst([*shared, (CAUTION, "", "")])
    named = [
        f"{subject}: {', '.join(dict.fromkeys(kind for _, kind, _ in members[subject]))}"
        for subject in doubtful[:SUBJECTS_NAMED]
    ]
    if len(doubtful) > SUBJECTS_NAMED:
        named.append(f"and {len(doubtful) - SUBJECTS_NAMED} more")
    text = f"{len(doubtful)} of {len(words)} subjects not sound" + (f", {worse} not comparable" if worse else "")
    return verdict, "; ".join([*together, f"{text} ({'; '.join(named)})"])
