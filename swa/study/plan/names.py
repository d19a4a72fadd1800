"""What the names of recordings tell of subject, session and condition, and the names that files get."""

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from swa.recordings.formats import stem_of
from swa.tables.contrast import GROUP

UNKNOWN_CONDITION = "recording"  # of a recording whose name tells no condition; an empty cell would read as missing
LONGEST_LABEL = 48  # Windows refuses paths of 260 characters, and a label stands four times in one

_BIDS = re.compile(r"sub-([^_]+)((?:_[a-z]+-[^_]+)*)_(?:eeg|psg)", re.IGNORECASE)
_KIND = re.compile(r"_(?:raw|eeg|psg)$", re.IGNORECASE)  # what a file holds, as mne and others end its name
_CONDITIONS = ("ses", "task", "acq")  # entities behind which a condition can stand


def file_label(text: str) -> str:
    """Write a subject or session as file names have it: letters and digits of ASCII, without `sub-` or `ses-`."""
    text = unicodedata.normalize("NFKD", re.sub(r"^(?:sub|ses)-", "", text.strip(), flags=re.IGNORECASE))
    return re.sub(r"[^A-Za-z0-9]", "", text)


def printable(name: str) -> str:
    """A file name as tables hold it: accented letters whole, what is no UTF-8 and control characters replaced."""
    text = unicodedata.normalize("NFC", name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
    return "".join("\ufffd" if unicodedata.category(letter) in ("Cc", "Cf") else letter for letter in text)


def natural_key(text: str) -> list[tuple[int, int, str, str]]:
    """Sort `S2` before `S10`."""
    parts = re.split(r"(\d+)", text.casefold())
    digits = [part.lstrip("0") if part.isdecimal() else None for part in parts]  # a number of any length
    keys = [(1, 0, "") if own is None else (0, len(own), own) for own in digits]
    return [(*key, part) for key, part in zip([*keys, (2, 0, "")], [*parts, text], strict=True)]


@dataclass(frozen=True, kw_only=True)
class BidsNames:
    """What BIDS names tell: `nights` has subject, session, condition and the label behind `ses-`.

    `unsure` names the entities that could be the condition, with their labels, where the names do not tell which.
    """

    nights: pd.DataFrame
    unsure: Mapping[str, Sequence[str]]


def read_bids_names(names: Sequence[str], baseline: Sequence[str]) -> BidsNames | None:
    """Read `sub-01_ses-ketamine_task-sleep_eeg.edf`; None unless every recording is named so.

    The condition stands behind `ses-`, `task-` or `acq-`: where one of them alone differs within subjects, or holds a
    word for the baseline, it is that one. Which of several it is nobody can tell.
    """
    matches = [_BIDS.fullmatch(_stem(name)) for name in names]
    told: list[dict[str, str]] = []
    for match in matches:
        if match is None:
            return None
        told.append(dict(part.split("-", 1) for part in match[2].split("_") if part) | {"sub": match[1]})
    differ = {key: list(dict.fromkeys(night[key] for night in told if key in night)) for key in _CONDITIONS}
    differ = {key: labels for key, labels in differ.items() if _differs(told, key)}
    words = {word.casefold() for word in baseline}
    with_word = [key for key, labels in differ.items() if words & {label.casefold() for label in labels}]
    key = next(iter(with_word if len(with_word) == 1 else differ), "ses")
    unsure = differ if len(differ) > 1 and len(with_word) != 1 else {}
    nights = []
    repeated = Counter((night["sub"], night.get("ses", night.get(key))) for night in told)
    for night in told:
        condition = UNKNOWN_CONDITION if unsure else night.get(key, UNKNOWN_CONDITION)
        session = night.get("ses", night.get(key, UNKNOWN_CONDITION))
        if repeated[night["sub"], night.get("ses", night.get(key))] > 1:
            rest = [f"{name}-{label}" for name, label in night.items() if name not in ("sub", "ses")]
            session = " ".join([session, *rest])
        nights.append((night["sub"], session, condition, night.get("ses", "")))
    return BidsNames(nights=pd.DataFrame(nights, columns=["subject", "session", "condition", "ses"]), unsure=unsure)


def _differs(told: Sequence[Mapping[str, str]], key: str) -> bool:
    """Whether an entity has several labels within a subject."""
    pairs = {(night["sub"], night.get(key, "")) for night in told}
    return len(pairs) > len({subject for subject, _ in pairs})


def read_condition_names(names: Sequence[str], baseline: Sequence[str]) -> pd.DataFrame | None:
    """Read `S01_ketamine.edf`, `S01_ketamine_raw.fif`; None unless that explains every recording.

    It does when one condition is a baseline word, and each recording's condition is found in other subjects too or its
    subject has a baseline night.
    """
    parts = [_KIND.sub("", _stem(name)).rpartition("_") for name in names]
    nights = [(subject.strip(" _-"), condition.strip()) for subject, _, condition in parts]
    folded = [(subject.casefold(), condition.casefold()) for subject, condition in nights]
    conditions = Counter(condition for _, condition in folded)
    words = {word.casefold() for word in baseline} & set(conditions)
    if len(words) != 1 or len(set(folded)) < len(folded) or len(folded) < 2:
        return None
    with_baseline = {subject for subject, condition in folded if condition in words}
    for subject, condition in folded:
        if not file_label(subject) or not file_label(condition) or subject == GROUP:
            return None
        if conditions[condition] < 2 and subject not in with_baseline:
            return None
    spelling = {condition.casefold(): condition for _, condition in reversed(nights)}  # the first one found
    rows = [(subject, spelling[condition.casefold()], spelling[condition.casefold()]) for subject, condition in nights]
    return pd.DataFrame(rows, columns=["subject", "session", "condition"])


def own_subjects(names: Sequence[str]) -> pd.DataFrame:
    """Make each recording a subject, named by its file, or by its path where files share a name."""

    def label(text: str) -> str:
        plain = file_label(text)
        readable = plain and len(plain) <= LONGEST_LABEL
        return plain if readable else plain[: LONGEST_LABEL - 8] + _digest(text)

    rows = []
    for spell in (_stem, stem_of, str):
        subjects = [name if spell(name).casefold() == GROUP else spell(name) for name in names]
        if len({label(subject).lower() for subject in subjects}) == len(names):
            break
    labels = [label(subject) for subject in subjects]
    counts = Counter(text.lower() for text in labels)
    for subject, text, name in zip(subjects, labels, names, strict=True):
        unique = text if counts[text.lower()] == 1 else text[: LONGEST_LABEL - 8] + _digest(name)
        rows.append((subject, UNKNOWN_CONDITION, UNKNOWN_CONDITION, unique, UNKNOWN_CONDITION))
    columns = ["subject", "session", "condition", "subject_label", "session_label"]
    return pd.DataFrame(rows, columns=columns)


def _stem(name: str) -> str:
    return stem_of(name.rpartition("/")[2])


def _digest(text: str) -> str:
    return f"{zlib.crc32(text.encode('utf-8', 'replace')):08x}"
