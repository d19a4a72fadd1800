"""Arm and group of each subject, and whether the arms of a study are parallel ones."""

from collections import Counter
from itertools import combinations

import pandas as pd

from swa.comparison.compared_nights import MOST_NAMED, place_of_nights, text_column

# Share of subjects who had two conditions in the rarer of both orders, from which periods are those of a crossover: one
# mistaken cell of a study in arms is below it, one of three subjects above.
RARER_ORDER = 0.25


def members_by(column: str, nights: pd.DataFrame) -> dict[str, str]:
    """Arm or group of each subject, by a column of the nights, in the usual spelling of the name.

    Subjects without one are left out, and those whose nights have several (`with_several`).
    """
    own, spelling = _names_of_subjects(column, nights)
    return {subject: spelling[next(iter(names))] for subject, names in own.items() if len(names) == 1}


def with_several(column: str, nights: pd.DataFrame) -> dict[str, list[str]]:
    """Subjects whose nights are in several arms or groups, and these."""
    own, spelling = _names_of_subjects(column, nights)
    return {subject: sorted(spelling[name] for name in names) for subject, names in own.items() if len(names) > 1}


def parallel_arms(nights: pd.DataFrame) -> list[str]:
    """Names of the parallel arms; none where the column means something else (`other_meaning`)."""
    names = sorted(set(members_by("arm", nights).values()))
    return names if len(names) > 1 and not other_meaning(nights) else []


def other_meaning(nights: pd.DataFrame) -> str:
    """Why the column `arm` does not name parallel arms, as a clause; empty where it does, or is empty.

    It then says what was given in each night, or in which order a subject of a crossover had both conditions.
    """
    members, several = members_by("arm", nights), with_several("arm", nights)
    if several and len(several) >= len(members):
        return f"it differs between the nights of {len(several)} of {len(several) + len(members)} subjects"
    if len(set(members.values())) > 1 and _are_crossed(nights):
        return "subjects had the conditions in both orders of column period, as in a crossover"
    return ""


def unused_arms(nights: pd.DataFrame) -> list[str]:
    """Say what is not used of the column `arm`, in sentences: all of it, or subjects who are in several arms."""
    if meaning := other_meaning(nights):
        return [f"Column arm is not used: {meaning}."]
    if not parallel_arms(nights):
        return []
    several = with_several("arm", nights)
    named = ", ".join(f"{subject} ({' and '.join(names)})" for subject, names in list(several.items())[:MOST_NAMED])
    more = f" and {len(several) - MOST_NAMED} more" if len(several) > MOST_NAMED else ""
    return [f"In no arm, since column arm differs between their nights: {named}{more}."] if several else []


def _names_of_subjects(column: str, nights: pd.DataFrame) -> tuple[dict[str, set[str]], dict[str, str]]:
    """Names of each subject, folded, and the usual spelling of each: case and spaces are forgiven."""
    texts = text_column(nights, column)
    folded = [" ".join(text.split()).casefold() for text in texts]
    spelt: dict[str, Counter[str]] = {}
    own: dict[str, set[str]] = {}
    for subject, text, name in zip(nights["subject"], texts, folded, strict=True):
        if name:
            spelt.setdefault(name, Counter())[text] += 1
            own.setdefault(str(subject), set()).add(name)
    return own, {name: found.most_common(1)[0][0] for name, found in spelt.items()}


def _are_crossed(nights: pd.DataFrame) -> bool:
    """Whether periods are filled, and subjects had two conditions in both orders of them."""
    if (text_column(nights, "period") == "").all():
        return False
    places = place_of_nights(nights)
    for one, other in combinations(places.columns, 2):
        step = (places[one] - places[other]).dropna()
        if min((step > 0).sum(), (step < 0).sum()) >= max(1, RARER_ORDER * (step != 0).sum()):
            return True
    return False
