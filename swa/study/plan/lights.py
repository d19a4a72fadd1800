"""Times of the study file on the line of a recording, and lights off and on that do not lie in it."""

import datetime
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from swa.errors import SwaError
from swa.recordings.edf.fields import HIDDEN_DATE
from swa.recordings.recording import read_recording
from swa.recordings.starts import read_start
from swa.settings import Settings
from swa.study.infusions import DAY_S
from swa.study.plan.bids import channel_settings

BEFORE_START_S = 6 * 3600.0  # lights off lies at most so long before the recording begins
LIGHTS_REMEDY = "Correct the time in the study file: until then lights off and on say nothing of this night."
_SURE_S = 2 * 3600.0  # lights off up to so long after the start of a recording lies in any night
_HALF_DAY = datetime.timedelta(hours=12)


def clock_offset_s(text: str, start: datetime.datetime) -> float:
    """Seconds from the start of the recording to a time.

    Parameters
    ----------
    text : str
        ISO 8601 (a time zone is not looked at: recordings have none), or HH:MM or HH:MM:SS of the recording's night. A
        time of day up to 6 h before the start lies before it, any other after it.
    start : datetime.datetime
        Clock time of the first sample.

    Raises
    ------
    ValueError
        The text is no time.
    """
    if "T" in text or "-" in text:
        return (datetime.datetime.fromisoformat(text).replace(tzinfo=None) - start).total_seconds()
    clock = datetime.time.fromisoformat(text)
    offset_s = (datetime.datetime.combine(start.date(), clock) - start).total_seconds() % DAY_S
    return offset_s if offset_s < DAY_S - BEFORE_START_S else offset_s - DAY_S


def find_misfits(nights: pd.DataFrame, settings: Settings) -> dict[int, str]:
    """Places of nights whose lights off or on are not used, as they do not lie in the recording, with the sentence.

    Only headers of recordings are read whose lights could be wrong: lights off within the first two hours,
    and lights on after it, lie in any night.
    """
    columns = [name for name in ("lights_off", "lights_on") if name in nights]
    found = {}
    for place, row in nights[nights["path"].astype(bool)].iterrows() if columns else ():
        given = {name: str(row[name]) for name in columns if row[name] and not pd.isna(row[name])}
        if not given:
            continue
        start = read_start(row["path"])
        try:
            if not (start and _is_sure(given, start)) and (wrong := _misfit(row["path"], given, settings)):
                found[int(str(place))] = wrong
        except (SwaError, ValueError):  # told where the night is read
            continue
    return found


def _is_sure(given: Mapping[str, str], start: datetime.datetime) -> bool:
    off_s = clock_offset_s(given["lights_off"], start) if "lights_off" in given else 0.0
    on_s = clock_offset_s(given["lights_on"], start) if "lights_on" in given else DAY_S
    return -BEFORE_START_S <= off_s <= _SURE_S and max(off_s, 0.0) < on_s


def _misfit(path: str, given: Mapping[str, str], settings: Settings) -> str:
    """What does not fit, and which other half of the day would; empty where all does."""
    recording = read_recording(path, channel_settings(Path(path), settings))
    start = recording.start
    if start is None:
        if recording.clock is None or any("T" in text or "-" in text for text in given.values()):
            return ""
        start = datetime.datetime.combine(HIDDEN_DATE, recording.clock)
    end = start + datetime.timedelta(seconds=recording.duration_s)

    def fits(times: Mapping[str, str], before_s: float = BEFORE_START_S) -> bool:
        off_s = clock_offset_s(times["lights_off"], start) if "lights_off" in times else 0.0
        on_s = clock_offset_s(times["lights_on"], start) if "lights_on" in times else recording.duration_s
        return -before_s <= off_s and max(off_s, 0.0) < min(on_s, recording.duration_s)

    if fits(given):
        return ""
    other = {name: _other_half(text) for name, text in given.items()}
    meant = next((name for name in given if fits({**given, name: other[name]}, _SURE_S)), "")
    wrong = {meant: given[meant]} if meant else given
    told = " and ".join(f"{name} {_shown(text)}" for name, text in wrong.items())
    hint = f"; did you mean {_shown(other[meant])}?" if meant else ""
    lie = "do" if len(wrong) > 1 else "does"
    # Lights off long before the recording cut nothing off, with lights on or without.
    kept = "" if "lights_on" in given and meant == "lights_off" else ", all of it is measured"
    return f"{told} {lie} not fit the recording ({start:%H:%M} to {end:%H:%M}){kept}{hint}"


def _other_half(text: str) -> str:
    """The same time on a clock of twelve hours, of the other half of the day; a date stays one of the same night."""
    if "T" in text or "-" in text:
        moment = datetime.datetime.fromisoformat(text)
        return (moment - _HALF_DAY if moment.hour >= _HALF_DAY.seconds // 3600 else moment + _HALF_DAY).isoformat()
    moment = datetime.datetime.combine(HIDDEN_DATE, datetime.time.fromisoformat(text))
    return (moment + _HALF_DAY).time().isoformat()


def _shown(text: str) -> str:
    return text.removesuffix(":00") if text.count(":") > 1 else text
