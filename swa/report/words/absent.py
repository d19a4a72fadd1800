"""What is said of subjects who take no part in what a study leads with, and what to do about it."""

from collections.abc import Iterable, Sequence

from swa.report.leading_rows import Headline
from swa.report.words.sentences import headline_name
from swa.settings import Settings
from swa.tables.absences import COPY, COPY_OF_OTHER, NO_CHANNEL, NO_NIGHT, Absence

_ELECTRODES = {"frontal": "F3-A2", "central": "C3-A2"}  # examples of what a label may stand for


def what_is_missing(absence: Absence, settings: Settings) -> str:
    """In which contrasts of which marker a subject is not, and why."""
    contrasts = ", ".join(one.in_words for one in absence.contrasts)
    marker = headline_name(Headline(marker=absence.marker, declared=True), settings)
    return f"not in {contrasts}, {marker}: {absence.reason.words}."


def what_to_do(absence: Absence) -> str:
    """The remedy."""
    kind = absence.reason.kind
    if kind is NO_CHANNEL and absence.references:
        own = ", ".join(sorted(absence.references))
        return (
            f"Nights with different references ({own}) are not compared with each other: export all of them with one."
        )
    if kind is NO_CHANNEL and absence.unnamed:
        return _name_the_electrode(absence.unnamed, absence.marker.channel)
    if kind is NO_CHANNEL:
        return "If a channel was left out, its own row says why; else declare a primary that every subject has."
    if kind is NO_NIGHT:
        return (
            "A change needs both nights: if the missing one was recorded, add its row to the study file and run again."
        )
    if kind in (COPY, COPY_OF_OTHER):
        return "Give the right recording in the study file, and run again."
    return "The other windows and markers of this subject are on the subject's page."


def _name_the_electrode(labels: Sequence[str], channel: str) -> str:
    """How to say which electrode a label stands for."""
    electrode = _ELECTRODES.get(channel.casefold(), channel)
    return (
        f"Say in the settings which electrode a label stands for, such as [channels] names = "
        f'{{ "{labels[-1]}" = "{electrode}" }}, and run again.'
    )


def told_together(absences: Iterable[Absence], settings: Settings) -> list[str]:
    """One sentence for all whose reason is the same: ``P04, P07: not in …``."""
    who: dict[str, list[str]] = {}
    for one in absences:
        who.setdefault(f"{what_is_missing(one, settings)} {what_to_do(one)}", []).append(one.subject)
    return [f"{', '.join(subjects)}: {said}" for said, subjects in who.items()]
