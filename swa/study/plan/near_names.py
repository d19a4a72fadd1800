"""Names of conditions and subjects that may be one name in two spellings: what belongs together is compared apart."""

import difflib
import re
import unicodedata
from itertools import combinations

import pandas as pd

NEAR_REMEDY = (
    "If they are one, write both alike in the study file: until then their nights count as of two and are not brought "
    "together."
)
_LIKENESS = 0.8
_FEWEST_LETTERS = 4  # of two words that are alike
_SHORTEST, _LONGEST_SHORT = 2, 4  # letters of an abbreviation
_MOST = 50  # conditions that are held against each other
_LOOK_ALIKE = str.maketrans({"o": "0", "i": "1", "l": "1"})  # letters that stand where a number does


def find_near_names(nights: pd.DataFrame) -> dict[int, str]:
    """The first night of each name that may be another one, with the sentence.

    Parameters
    ----------
    nights : DataFrame
        The nights of a plan.

    Notes
    -----
    Conditions are alike by their letters (`Ketamin`, `Ketamine`) or one is short for the other (`BL`, `baseline`), and
    no subject has both; names that differ in their numbers are meant to differ. Subjects are alike but for zeros, signs
    between letters and numbers, and letters that look like numbers (`PO2`, `P02`, `P-2`).
    """
    pairs: list[tuple[str, str, str, str]] = []
    subjects = {str(name): set(own["subject"]) for name, own in nights.groupby("condition", sort=False)}
    for one, other in combinations(list(subjects)[:_MOST], 2):
        if _are_one_condition(one, other) and not subjects[one] & subjects[other]:
            pairs.append(("condition", one, other, "no subject has both"))
    alike: dict[tuple[str, ...], list[str]] = {}
    for name in dict.fromkeys(map(str, nights["subject"])):
        alike.setdefault(_subject_key(name), []).append(name)
    pairs += [("subject", names[0], name, "they count as two people") for names in alike.values() for name in names[1:]]
    found: dict[int, list[str]] = {}
    for column, one, other, why in pairs:
        counts = nights[column].value_counts()
        rarer, usual = sorted((one, other), key=lambda name: (int(counts[name]), name != other))
        told = [f"{name!r} ({counts[name]} night{'s' if counts[name] > 1 else ''})" for name in (rarer, usual)]
        sentence = f"{column} {told[0]} may be {told[1]} in another spelling: {why}"
        found.setdefault(int(nights.index[nights[column] == rarer][0]), []).append(sentence)
    return {place: "; ".join(told) for place, told in found.items()}


def _are_one_condition(one: str, other: str) -> bool:
    words, others = _words(one), _words(other)
    if re.findall(r"\d+", one) != re.findall(r"\d+", other) or not words or not others:
        return False
    if len(words) == len(others):  # "drug A" and "drug B" differ on purpose, "ketamine" and "ketamine + Mg" too
        return all(a == b or _is_short_for(a, b) or _are_alike(a, b) for a, b in zip(words, others, strict=True))
    return False


def _is_short_for(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    letters = ".*".join(short)
    return _SHORTEST <= len(short) <= _LONGEST_SHORT < len(long) and re.match(letters, long) is not None


def _are_alike(one: str, other: str) -> bool:
    likeness = difflib.SequenceMatcher(None, one, other).ratio()
    return min(len(one), len(other)) >= _FEWEST_LETTERS and one[0] == other[0] and likeness >= _LIKENESS


def _words(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", name).casefold()
    return re.findall(r"[^\W\d_]+", "".join(letter for letter in plain if not unicodedata.combining(letter)))


def _subject_key(name: str) -> tuple[str, ...]:
    """Parts of a subject's name, with numbers for the letters that stand before or within one."""
    plain = unicodedata.normalize("NFC", name).casefold()
    plain = re.sub(r"[oil](?=\d)|(?<=\d)[oil]", lambda found: found[0].translate(_LOOK_ALIKE), plain)
    return tuple(part.lstrip("0") or "0" for part in re.findall(r"\d+|[^\W\d_]+", plain))
