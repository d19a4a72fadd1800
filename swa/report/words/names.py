"""How measures, stages, windows and contrasts are called on a page."""

import string
from collections.abc import Mapping

from swa.glossary import name_of, read_glossary
from swa.recordings.channels import region
from swa.report.words.numbers import span
from swa.settings import Settings
from swa.tables.contrast import Contrast
from swa.tables.marker import ALL, Marker, Window

_STAGES = {"NREM": "N2+N3", "REM": "REM", "W": "wake", "any": "any stage"}
_REFERENCES = {"M1": "left mastoid", "M2": "right mastoid", "A1": "left ear", "A2": "right ear"}
DEEPER_SLEEP = "non-REM sleep beyond the lightest stage"
_OF_WAVES = ("waves", "matched", "travelling")
_NUMBERED = {
    "cycle": "NREM cycle",
    "hour": "Hour after sleep onset",
    "dosehour": "Hour after the dose",
    "third": "Third of the night",
}


def simulated_in_words(which: str) -> str:
    """Clause behind a title that says which of the recordings were simulated: ``some`` or ``all``."""
    return {"some": ", in part simulated", "all": ", simulated"}.get(which, "")


def marker_name(measure: str, settings: Settings | None = None) -> str:
    """Name of a measure; with settings, the limits of its band behind it."""
    name = name_of(measure)
    bands = settings.power.bands_hz if settings else {}
    return f"{name} ({span(bands[measure])} Hz)" if measure in bands else name


def unit_of(measure: str) -> str:
    """Unit of a measure; empty for a number without one, and for a measure that the glossary does not know."""
    entry = read_glossary().get(measure)
    return entry.unit if entry and entry.unit != "1" else ""


def with_unit(name: str, measure: str) -> str:
    """A name with the unit of its measure behind it, as a heading."""
    unit = unit_of(measure)
    return f"{name}, {unit}" if unit else name


def counted(measure: str) -> str:
    """What n counts beside the value of one night."""
    entry = read_glossary().get(measure)
    return "wave" if entry and entry.group in _OF_WAVES else "epoch"


def stages_name(stages: str) -> str:
    """Stages as a sleep researcher writes them: ``NREM`` is N2+N3."""
    return _STAGES.get(stages, stages)


def stages_in_words(stages: str) -> str:
    """What the short name of stages means; empty where it says so itself."""
    return f"N2+N3: {DEEPER_SLEEP}" if stages == "NREM" else ""


def window_in_words(window: str) -> str:
    """What the name of a NREM cycle means; empty where a window's name says so itself."""
    which = Window(window)
    if which.kind != "cycle":
        return ""
    return f"{_NUMBERED['cycle']} {which.number:g}: the {_ordinal(which.number)} stretch of non-REM sleep"


def window_in_sentence(window: str, settings: Settings) -> str:
    """A window within a sentence: ``NREM cycle 1``, ``the second hour after sleep onset``, ``the whole night``."""
    which = Window(window)
    if which.kind in _NUMBERED and which.kind != "cycle":
        return f"the {_ordinal(which.number)} {in_sentence(_NUMBERED[which.kind])}"
    name = in_sentence(window_name(window, settings))
    return name if which.kind == "cycle" else f"the {name}"


def window_for_everyone(window: str, settings: Settings) -> str:
    """``the first sleep cycle (NREM cycle 1)``: a window as everybody says it, and its exact name behind it."""
    which, exact = Window(window), window_in_sentence(window, settings)
    return f"the {_ordinal(which.number)} sleep cycle ({exact})" if which.kind == "cycle" else exact


def _ordinal(number: float) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(int(number), f"{number:g}th")


def electrodes_in_words(channel: str) -> str:
    """``F3-M2: left frontal electrode against the right mastoid``; empty where the name does not say so much."""
    name, reference = electrode_name(channel), _REFERENCES.get(channel.partition("-")[2])
    return f"{channel}: {name} against the {reference}" if name and reference else ""


def electrode_name(channel: str) -> str:
    """``left frontal electrode``; empty where the name does not say so much."""
    place, number = region(channel), channel.partition("-")[0].lstrip(string.ascii_letters)
    if not place or (number and not number.isdecimal()):
        return ""
    side = "midline" if not number else "left" if int(number) % 2 else "right"
    return f"{side} {place} electrode"


def window_name(window: str, settings: Settings) -> str:
    """Name of a window of the night."""
    which = Window(window)
    if which.kind == "night":
        return "Whole night"
    if which.kind == "matched":
        return f"First {settings.windows.matched_min:g} min of clean NREM"
    if which.kind == "first":
        return f"First {which.number:g} min after sleep onset, any stage"
    return f"{_NUMBERED[which.kind]} {which.number:g}" if which.kind else window


def where_measured(marker: Marker) -> str:
    """Stages and channel; empty for sleep architecture, which is of none."""
    return "" if marker.channel == ALL else f"{stages_name(marker.stages)}, {marker.channel}"


def named(name: object, contrasts: Mapping[str, Contrast]) -> str:
    """A contrast of a table in words; its name where nobody said what it holds against what."""
    known = contrasts.get(str(name))
    return known.in_words if known else str(name)


def in_sentence(name: str) -> str:
    """The same name within a sentence: first letter small, unless the word is an abbreviation."""
    return name if name[:2].isupper() else name[:1].lower() + name[1:]


def file_name(*names: str) -> str:
    """Letters and digits of each name, for names of files and marks."""
    return "_".join(
        "".join(letter for letter in name if letter.isascii() and letter.isalnum()) or "x" for name in names
    )


def contrast_file(contrast: Contrast) -> str:
    """Name of a contrast in names of files and marks."""
    names = dict.fromkeys((contrast.treatment, contrast.comparator, contrast.first, contrast.second))
    return file_name(*(name for name in names if name))
