"""The controls that compared nights go through: functions that find something or nothing, each with what it is about.

What is found is a record; tables, pages and verdicts are made of records. A new control is a function with `@control`
in a file of this folder, and nothing else.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np

from swa.comparison.controls.facts import ComparedNights
from swa.tables.contrast import Contrast
from swa.tables.marker import ALL
from swa.tables.reason import Reason

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a control found between nights.

    Attributes
    ----------
    control : str
        Name of the control in ``comparability.tsv``.
    channel : str
        Where; `ALL` for the whole night.
    measure, window : str
        The measure, and the window, that it is about, where it is about one.
    ln_ratio, g, limit : float
        Change (ln), mean of the gain controls, and the limit; NaN where there is none.
    notes : tuple of Reason
        What was found.
    doubt : Reason or None
        What it gives to doubt; a finding with a doubt is flagged.
    is_worst : bool
        Whether it is so large that the nights are not comparable.
    """

    control: str
    channel: str = ALL
    measure: str = ""
    window: str = ""
    ln_ratio: float = np.nan
    g: float = np.nan
    limit: float = np.nan
    notes: tuple[Reason, ...] = ()
    doubt: Reason | None = None
    is_worst: bool = False


@dataclass(frozen=True, kw_only=True)
class Record(Finding):
    """A finding with the subject (``group``: all of them together) and the contrast that it is about."""

    subject: str
    contrast: Contrast


@dataclass(frozen=True, order=True)
class RowKind:
    """What a row of contrasts rests on, as far as controls tell rows apart.

    Attributes
    ----------
    channel : str
        Channel, region, or two regions.
    gain_free : bool
        Whether no factor on the signal can move its measure.
    over_night : bool
        Whether its value hangs on the length of the night: over all of its NREM, not cut to common minutes.
    in_bed : bool
        Whether its value hangs on the time in bed: minutes and shares of sleep over a night, or any stage of it.
    counts_nrem : bool
        Whether it is of NREM counted from sleep onset: over the night, cut or not, or matched minutes of it.
    filter_free : bool
        Whether no filter on the signal can move its measure.
    by_stages : bool
        Whether it rests on the stages of the night: not a stage-free window.
    stages : str
        ``NREM`` (N2 and N3), ``N2`` or ``N3`` where its value is of these alone, else empty.
    of_sleep : str
        Its measure where that is one of sleep architecture, else empty.
    bands_hz : tuple of (float, float)
        Frequencies that its measure is measured in.
    cycle : str
        Its window where that is a cycle, else empty.
    of_waves : bool
        Whether its measure is one of slow waves, which are found by their negative half.
    """

    channel: str
    gain_free: bool
    over_night: bool
    in_bed: bool = False
    counts_nrem: bool = False
    filter_free: bool = False
    by_stages: bool = True
    stages: str = ""
    of_sleep: str = ""
    bands_hz: tuple[tuple[float, float], ...] = ()
    cycle: str = ""
    of_waves: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Control(Generic[T]):
    """A control and what is known of it.

    Attributes
    ----------
    find : callable
        Returns its findings of compared nights; one of `group_control` of those of all subjects together.
    names : mapping of str to str
        Its names in ``comparability.tsv`` with what a page calls them; ``{measure}`` stands for the measure.
    measures : mapping of str to str
        The measure of a name that is about one.
    setting : str
        Its name in the settings `comparability.caution` and `not_comparable`; by default each name is its own.
    is_ratio : bool
        Whether its numbers are ln-ratios, of power or minutes.
    is_of_measure : bool
        Whether its doubts are about rows of the measure of their name alone (one of sleep architecture).
    matters : callable or None
        Whether a doubt of it is one about a row of this kind; by default it always is.
    """

    find: Callable[[T], Iterator[Finding]]
    names: Mapping[str, str]
    measures: Mapping[str, str] = field(default_factory=dict)
    setting: str = ""
    is_ratio: bool = False
    is_of_measure: bool = False
    matters: Callable[[RowKind], bool] | None = None

    def setting_of(self, name: str) -> str:
        """What the settings call one of its names."""
        return self.setting or name


class Registry(Generic[T]):
    """Controls in the order of their rows; calling it makes the decorator that adds one."""

    def __init__(self) -> None:
        self._controls: list[Control[T]] = []

    def __iter__(self) -> Iterator[Control[T]]:
        return iter(self._controls)

    def __call__(
        self,
        names: Mapping[str, str],
        *,
        measures: Mapping[str, str] | None = None,
        setting: str = "",
        is_ratio: bool = False,
        is_of_measure: bool = False,
        matters: Callable[[RowKind], bool] | None = None,
    ) -> Callable[[Callable[[T], Iterator[Finding]]], Callable[[T], Iterator[Finding]]]:
        """Add a control; see `Control` for what is said of it.

        Raises
        ------
        ValueError
            Another control has one of its names.
        """
        if taken := [name for name in names if find_control(name)]:
            raise ValueError(f"two controls are called {taken[0]!r}")

        def add(find: Callable[[T], Iterator[Finding]]) -> Callable[[T], Iterator[Finding]]:
            known = Control(
                find=find,
                names=names,
                measures=measures or {},
                setting=setting,
                is_ratio=is_ratio,
                is_of_measure=is_of_measure,
                matters=matters,
            )
            self._controls.append(known)
            return find

        return add


control = Registry[ComparedNights]()
group_control = Registry[Sequence[ComparedNights]]()


def find_control(name: str) -> Control[Any] | None:
    """The control that has this name in ``comparability.tsv``; None for one of another version."""
    return next((known for known in (*control, *group_control) if name in known.names), None)
