"""Which subjects take no part in what a study leads with, each by name, why, and what to do about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from swa.tables.contrast import Contrast
from swa.tables.marker import Marker
from swa.tables.reason import Reason, declare

NO_NIGHT = declare("absent_night", "no {condition} night that can be compared")
NO_CHANNEL = declare("absent_channel", "no {channel} channel in every night; its EEG: {there}")
NO_WINDOW = declare("absent_window", "none of its nights has this window at {channel}")
NO_VALUE = declare("absent_value", "{condition} not measured[: {why}]")
NO_RATIO = declare("absent_ratio", "zero or negative in {condition}, so that there is no ratio")
COPY = declare("absent_copy", "the same recording stands for several of its nights")
COPY_OF_OTHER = declare("absent_copy_of_other", "its recording stands for a night of another subject too")
NO_PLACE = declare("absent_place", "its nights have values, but {why}")

_ELECTRODES = {"frontal": "F3-A2", "central": "C3-A2"}  # examples of what a label may stand for


@dataclass(frozen=True, kw_only=True)
class Absence:
    """One subject who is in no row over subjects of the marker that leads.

    Attributes
    ----------
    subject : str
        Who.
    marker : Marker
        The declared primary, or what leads in its place.
    contrasts : tuple of Contrast
        In which contrasts.
    reason : Reason
        Why.
    unnamed : tuple of str
        EEG channels whose labels name no electrode: one of them may be the channel that is missing.
    """

    subject: str
    marker: Marker
    contrasts: tuple[Contrast, ...]
    reason: Reason
    unnamed: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What is missing."""
        return f"not in {self.marker} of {', '.join(one.in_words for one in self.contrasts)}: {self.reason.words}."

    @property
    def remedy(self) -> str:
        """What to do."""
        kind = self.reason.kind
        if kind is NO_CHANNEL and self.unnamed:
            return name_the_electrode(self.unnamed, self.marker.channel)
        if kind is NO_CHANNEL:
            return "If a channel was left out, its own row says why; else declare a primary that every subject has."
        if kind is NO_NIGHT:
            return "If there is such a night, give it in the study file and run again; one night tells no change."
        if kind in (COPY, COPY_OF_OTHER):
            return "Give the right recording in the study file, and run again."
        return "The other windows and markers of this subject are on the subject's page."


def name_the_electrode(labels: Sequence[str], channel: str = "frontal") -> str:
    """How to say which electrode a label stands for."""
    electrode = _ELECTRODES.get(channel.casefold(), channel)
    return (
        f"Say in the settings which electrode a label stands for, such as [channels] names = "
        f'{{ "{labels[-1]}" = "{electrode}" }}, and run again.'
    )


def told_together(absences: Iterable[Absence]) -> list[str]:
    """One sentence for all whose reason is the same: ``P04, P07: not in …``."""
    who: dict[str, list[str]] = {}
    for one in absences:
        who.setdefault(f"{one.words} {one.remedy}", []).append(one.subject)
    return [f"{', '.join(subjects)}: {said}" for said, subjects in who.items()]
