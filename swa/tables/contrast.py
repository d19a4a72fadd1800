"""What is held against what: one value for a contrast, whose name is made here and never taken apart."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from swa.errors import StudyError

GROUP = "group"  # the subject of rows over subjects
CONTRAST_FACTS = ("treatment", "comparator", "first", "second")  # columns that a contrast is read from


@dataclass(frozen=True, order=True, kw_only=True)
class Contrast:
    """Two conditions, and two arms or groups where their changes are compared.

    Attributes
    ----------
    treatment, comparator : str
        Conditions as the nights spell them; they may hold any character. Between arms the conditions of the first and
        of the second arm, which can be the same.
    first, second : str
        Arms or groups whose changes are compared, the first less the second; empty within subjects.
    """

    treatment: str
    comparator: str
    first: str = ""
    second: str = ""

    @property
    def pair(self) -> "Contrast":
        """The contrast of the two conditions within subjects."""
        return Contrast(treatment=self.treatment, comparator=self.comparator)

    @property
    def is_within(self) -> bool:
        """Whether it is one of conditions, not of arms or groups."""
        return not self.first

    @property
    def conditions(self) -> tuple[str, ...]:
        """The conditions, each once."""
        return tuple(dict.fromkeys((self.treatment, self.comparator)))

    @property
    def held_against(self) -> tuple[str, str]:
        """What contrasts of one family of tests share: condition, and arm or group, of the side that is subtracted."""
        return (self.comparator if self.comparator != self.treatment else "", self.second)

    def __str__(self) -> str:
        """Name of a contrast of conditions: ``ketamine:baseline``."""
        return join_name(self.treatment, self.comparator)

    @property
    def in_words(self) -> str:
        """``ketamine against placebo``; between arms or groups also ``patients against controls``."""
        sides = (self.first, self.second)
        parts = [" against ".join(self.conditions)]
        if not self.is_within and sides != self.conditions:
            parts.append(" against ".join(sides))
        return ", ".join(parts)

    @classmethod
    def parse(cls, text: str, conditions: Iterable[str]) -> "Contrast":
        """Read TREATMENT:BASELINE as typed on a command line.

        Parameters
        ----------
        text : str
            The two conditions, in any case.
        conditions : iterable of str
            The conditions that there are.

        Raises
        ------
        StudyError
            It names no two of them.
        """
        known = list(conditions)
        pairs = [cls(treatment=a, comparator=b) for a in known for b in known if a != b]
        found = {str(pair).casefold(): pair for pair in pairs}
        if text.casefold() not in found:
            raise StudyError(
                f"There is no contrast {text!r}; the conditions are {', '.join(known) or 'none'}.",
                "Name it TREATMENT:BASELINE.",
            )
        return found[text.casefold()]


def check_names(subjects: Iterable[tuple[str, str]], conditions: Iterable[tuple[str, str]]) -> list[str]:
    """Find names that the results cannot hold apart: a subject called as all of them, conditions alike but for case.

    Parameters
    ----------
    subjects, conditions : iterable of (str, str)
        Where each stands, for the message, and the name.
    """
    problems = [
        f"{where}, subject: {subject!r} is what the results call all subjects together"
        for where, subject in subjects
        if subject.casefold() == GROUP
    ]
    spellings: dict[str, tuple[str, str]] = {}
    for where, condition in conditions:
        first, first_where = spellings.setdefault(condition.casefold(), (condition, where))
        if condition != first:
            problems.append(f"{where}, condition: {condition!r} is {first!r} ({first_where}) but for the case")
    return problems


def join_name(first: str, second: str) -> str:
    """Two names as one, with quotes around one that holds the colon between them."""
    return ":".join(f'"{name}"' if ":" in name else name for name in (first, second))


def contrasts_in(table: pd.DataFrame) -> dict[str, Contrast]:
    """Contrasts of a table by their names, in its order.

    Parameters
    ----------
    table : DataFrame
        Its columns contrast, treatment, comparator, first and second, as in ``contrasts.tsv``.
    """
    rows = table.drop_duplicates("contrast")
    return dict(zip(rows["contrast"].astype(str), contrasts_of(rows), strict=True))


def contrasts_of(rows: pd.DataFrame) -> list[Contrast]:
    """Contrast of each row; its name is not looked at."""
    facts = rows[list(CONTRAST_FACTS)].fillna("").astype(str)
    return [
        Contrast(treatment=treatment, comparator=comparator, first=first, second=second)
        for treatment, comparator, first, second in facts.itertuples(index=False, name=None)
    ]
