"""The declared primary marker of a study, and the role that it gives to the others."""

import difflib
from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pandas as pd

from swa.comparison.compared_nights import text_column
from swa.errors import SettingsError, StudyError
from swa.glossary import read_glossary
from swa.recordings.channels import region
from swa.settings import ComparisonSettings
from swa.tables.marker import ALL, NUMBERED, PRIMARY_FORM, REGIONS, STAGES, Marker, Window, matches

_UNNUMBERED = ("night", "matched", "first60min", "first90min", "first120min")
_WINDOWS = ("night", *(f"{kind}-1 …" for kind in NUMBERED), *_UNNUMBERED[1:])


def declared_primary(nights: pd.DataFrame, settings: ComparisonSettings) -> Marker | None:
    """Read the declared primary from the settings or the column `primary`; None where there is none.

    Raises
    ------
    SettingsError
        It is not four words.
    StudyError
        The study file declares more than one, or another one than the settings.
    """
    stated = [" ".join(text.split()) for text in (settings.primary, *text_column(nights, "primary").unique())]
    texts = list(dict.fromkeys(text for text in stated if text))
    found = [Marker.parse(text) for text in texts]
    if len({str(marker).casefold() for marker in found}) > 1:
        raise StudyError(
            f"More than one primary is declared: {'; '.join(sorted(texts))}.",
            "Declare one, in the study file's column `primary` or in the setting comparison.primary.",
        )
    return found[0] if found else None


def check_primary(nights: pd.DataFrame, settings: ComparisonSettings, channels: Collection[str] = ()) -> None:
    """Check a declared primary before anything is computed, its channel where those of the recordings are known.

    Raises
    ------
    SettingsError, StudyError
        It is not four words, there is more than one, or its measure, stages, window or channel do not exist.
    """
    primary = declared_primary(nights, settings)
    if primary is None:
        return
    measures = [name for name, entry in read_glossary().items() if entry.compared and not entry.shared_over_nights]
    parts = [("measure", measures), ("stages", STAGES), ("window", _WINDOWS)]
    if channels:
        there = set(map(region, channels)) & set(REGIONS)
        ratio = ["/".join(REGIONS)] if len(there) == len(REGIONS) else []
        parts.append(("channel", sorted({ALL, *channels, *there, *ratio})))
    for name, known in parts:
        word = getattr(primary, name)
        kind = Window(word.casefold()).kind if name == "window" else ""
        stem = f"{kind}-1 …" if kind in NUMBERED else word.casefold()
        if stem not in {text.casefold() for text in known}:
            near = _nearest_windows(word) if name == "window" else _nearest(word, known)
            raise SettingsError(
                f"The declared primary {str(primary)!r}: there is no {name} {word!r}.",
                (f"Did you mean {near[0]!r}? " if near else "") + f"Known: {', '.join(known)}. {PRIMARY_FORM}",
            )


def _nearest(word: str, known: Collection[str]) -> list[str]:
    """The one of these names that is most like a word, whatever its case; empty without one."""
    spelled = {text.casefold(): text for text in known}
    return [spelled[text] for text in difflib.get_close_matches(word.casefold(), spelled, n=1, cutoff=0.4)]


def _nearest_windows(word: str) -> list[str]:
    """Of the numbered windows those with the number that was written are meant: cycle2 is cycle-2."""
    number = word[len(word.rstrip("0123456789")) :] or "1"
    return _nearest(word, [*_UNNUMBERED, *(f"{kind}-{number}" for kind in NUMBERED)])


def roles(table: pd.DataFrame, primary: Marker | None, settings: ComparisonSettings) -> npt.NDArray[np.object_]:
    """Role of each row of the contrasts; see `compare_nights`.

    Raises
    ------
    StudyError
        No row is about the declared primary.
    """
    if primary is None:
        return np.full(len(table), "exploratory", dtype=object)
    spelled = primary.spelled_as(table)
    is_primary = matches(table, **spelled.columns)
    if not is_primary.any():
        raise StudyError(
            f"The declared primary {str(primary)!r} is not among the measures.", _nearest_marker(table, primary)
        )
    beside = {"measure": (*settings.secondary, spelled.measure), "window": settings.secondary_windows}
    is_secondary = matches(table, **spelled.columns | beside)
    return np.where(is_primary, "primary", np.where(is_secondary, "secondary", "exploratory")).astype(object)


def _nearest_marker(table: pd.DataFrame, primary: Marker) -> str:
    """What is there in the place of the words that are not."""
    said = []
    for name in ("measure", "stages", "window", "channel"):
        word, known = getattr(primary, name), sorted(table[name].unique())
        if word.casefold() not in {text.casefold() for text in known}:
            near = _nearest(word, known)
            hint = f"did you mean {near[0]!r}? " if near else ""
            if name == "channel" and (own := [text for text in known if region(text) == word.casefold()]):
                hint = (
                    f"no subject has one of {', '.join(own)} in all of its nights, and nights with different "
                    "references are not compared; export them with one, or exclude the night that has another. "
                )
            said.append(f"There is no {name} {word!r}: {hint}Known: {', '.join(known)}.")
    return " ".join(said) or "Each of its words is there, but not together."
