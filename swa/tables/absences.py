"""Which subjects take no part in what a study leads with, each by name, and why."""

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
    references : tuple of str
        Channels of the place that is missing, where it has several references: none of them is in every night.
    unnamed : tuple of str
        EEG channels whose labels name no electrode: one of them may be the channel that is missing.
    """

    subject: str
    marker: Marker
    contrasts: tuple[Contrast, ...]
    reason: Reason
    references: tuple[str, ...] = ()
    unnamed: tuple[str, ...] = ()
