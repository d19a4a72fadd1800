"""Why a value is missing, doubtful or as it is: a code with its values, from which the words are made and never read.

A kind of reason is declared once, with its words; a reason is a kind with values. Tables carry both: the words in a
column for people (`note`, `method`, `verdict_reasons`) and, where something asks for the facts, the codes in a column
of JSON that `encode` and `decode` alone know.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from swa.tables.interval import Interval

Part = Literal["note", "method", "statistic", "reading", "no interval", "left out", "doubt"]
Value = str | float | int | bool
_BRACKETS = re.compile(r"[][]")
_COUNTED = re.compile(r"(\{(\w+)\} (?:subject|night|channel|hour|epoch|cycle|wave))s\b")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of reason.

    Attributes
    ----------
    code : str
        Its name in the tables.
    words : str
        Its sentence, with ``{name:format}`` for its values and ``{low to high:format}`` for an interval of two; what
        stands in square brackets is said where its values are known.
    part : str
        Where a page shows it: among the notes, as the method, as a statistic, as the reading of a change, as the reason
        why there is no interval, among the subjects who are left out, or as a doubt of the verdict.
    """

    code: str
    words: str
    part: Part = "note"

    def __call__(self, **values: Value) -> "Reason":
        """Return the reason with these values."""
        return Reason(code=self.code, values=values)

    def among(self, reasons: "Iterable[Reason]") -> "Reason | None":
        """Return the first of the reasons that is of this kind, or None."""
        return next((reason for reason in reasons if reason.code == self.code), None)


_KINDS: dict[str, Kind] = {}


def declare(code: str, words: str, part: Part = "note") -> Kind:
    """Declare a kind of reason.

    Raises
    ------
    ValueError
        There is one of that code already.
    """
    if code in _KINDS:
        raise ValueError(f"two kinds of reason are called {code!r}")
    return _KINDS.setdefault(code, Kind(code=code, words=words, part=part))


def known_kinds() -> Mapping[str, Kind]:
    """All kinds that were declared, by code."""
    return dict(_KINDS)


class _Values(dict[str, object]):
    """Values of a reason, and intervals of two of them."""

    def __missing__(self, name: str) -> Interval:
        """Return the interval of a name such as ``low to high``."""
        low, to, high = name.partition(" to ")
        if not to:
            raise KeyError(name)
        return Interval(low=self[low], high=self[high])

    def counted(self, found: re.Match[str]) -> str:
        """``{n} subjects``, or ``{n} subject`` where n is one: of the words of a kind, not of what fills them."""
        return found[1] if self.get(found[2]) == 1 else found[0]


@dataclass(frozen=True, kw_only=True)
class Reason:
    """A kind of reason with its values; equal where both are.

    Attributes
    ----------
    code : str
        Of its kind.
    values : mapping of str to str, float, int or bool
        What fills the words.
    """

    code: str
    values: Mapping[str, Value] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """The kind."""
        return _KINDS[self.code]

    @property
    def words(self) -> str:
        """The sentence."""
        return filled(self.kind.words, self.values)

    def __hash__(self) -> int:
        """By code and values."""
        return hash((self.code, tuple(self.values.items())))


def filled(words: str, values: Mapping[str, Value]) -> str:
    """Words of a kind with values in their places, without the brackets of which a value is not known."""
    said, known = [], _Values(values)
    for place, part in enumerate(_BRACKETS.split(words)):
        try:
            said.append(_COUNTED.sub(known.counted, part).format_map(known))
        except KeyError:
            if place % 2 == 0:  # not in brackets
                raise
    return "".join(said)


def in_words(reasons: Iterable[Reason]) -> str:
    """The sentences of several reasons as one text for a table."""
    return "; ".join(reason.words for reason in reasons)


def encode(reasons: Iterable[Reason]) -> str:
    """Reasons as text for a table; empty where there is none."""
    listed = [[reason.code, dict(reason.values)] if reason.values else [reason.code] for reason in reasons]
    return json.dumps(listed, ensure_ascii=False, separators=(",", ":")) if listed else ""


def decode(text: str) -> tuple[Reason, ...]:
    """Reasons of a table's text, as `encode` wrote it.

    Raises
    ------
    ValueError
        It is none, or of another version: the message names what is not known.
    """
    if not text:
        return ()
    found = tuple(Reason(code=code, values=dict(*values)) for code, *values in json.loads(text))
    unknown = sorted({reason.code for reason in found} - set(_KINDS))
    if unknown:
        raise ValueError(f"unknown reasons {', '.join(unknown)}: the table is of another version")
    return found
