"""Scorings in XML: Profusion and Luna, the NSRR's annotations, Philips Sleepware (``.rml``), Wonambi, EDFbrowser.

The layouts are those of Profusion and the annotation XML of the National Sleep Research Resource (its files, and its
EDF Editor and Translator), luna-doc ("Interval annotations"), Sleepware G3's PatientStudy as public readers take it,
and Wonambi's annotations, version 5.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from swa.errors import ScoringError
from swa.settings import ScoringSettings
from swa.sleep.formats.cells import is_number
from swa.sleep.formats.codes import PROFUSION_LABELS, own_words
from swa.sleep.formats.document import (
    Document,
    Marks,
    choose_scorer,
    clock_start,
    luna_label,
    parse_duration,
    parse_seconds,
    read_times,
)
from swa.sleep.formats.tables import from_changes, one_after_the_other

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def is_xml(document: Document) -> bool:
    """Whether a file begins as XML does."""
    return document.head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<") or document.suffix == ".xml"


def read_xml(document: Document, settings: ScoringSettings) -> Marks:
    """One code an epoch (Profusion), events (NSRR, Luna), changes (Philips), or epochs of each rater (Wonambi)."""
    root = _parse_xml(document)
    for element in root.iter():  # Philips' have a namespace
        element.tag = element.tag.rpartition("}")[2]
    stages = root.find("SleepStages")
    if stages is not None:
        length = root.findtext("EpochLength") or "30"
        epoch_s = float(length) if is_number(length) else 0.0
        labels = [_label((stage.text or "").strip(), settings) for stage in stages]
        return one_after_the_other(document, labels, epoch_s)
    if root.find("ScoredEvents") is not None and root.tag != "CMPStudyConfig":
        return _from_nsrr(document, root, settings)
    if root.find("Instances") is not None:
        events = list(root.iter("Instance"))
        labels = [luna_label(event.findtext("Class") or "", event.findtext("Name") or "") for event in events]
        return _from_xml_events(document, events, labels, None)
    if root.find("ScoringData/StagingData") is not None:
        return _from_philips(document, root, settings)
    if root.find("rater") is not None:
        return _from_wonambi(document, root, settings)
    if root.tag == "annotationlist":
        return _from_edfbrowser(document, root)
    raise ScoringError(
        f"{document.name}: an XML file without sleep stages (its root is {root.tag[:40]!r}).",
        "Known are those of Profusion (SleepStages), the NSRR (ScoredEvents of the type Stages), Luna, Philips "
        "(StagingData), Wonambi (rater) and EDFbrowser (annotationlist).",
    )


def _from_edfbrowser(document: Document, root: "Element") -> Marks:
    """Annotations with an onset in s or as a moment; stages among them."""
    found = [[(each.findtext(name) or "").strip() for name in ("onset", "duration", "description")] for each in
             root.findall("annotation")]  # fmt: skip
    times = read_times(document, [onset.replace("T", " ")[:26] for onset, _, _ in found])
    durations = np.array([parse_duration(duration) for _, duration, _ in found])
    return Marks(onsets_s=times.seconds, ends_s=times.seconds + durations, labels=[label for _, _, label in found],
                 others=True, start=times.start, by_clock=times.start is not None)  # fmt: skip


def _from_philips(document: Document, root: "Element", settings: ScoringSettings) -> Marks:
    """Stages that last until the next, in s from the start of the recording; people's before the machine's."""
    staging = "ScoringData/StagingData/{}Staging//Stage"
    changes = root.findall(staging.format("User")) or root.findall(staging.format("Machine"))
    if not changes:
        raise ScoringError(f"{document.name}: nobody has staged this study.", "Export it again with its scoring.")
    try:
        times = np.array([parse_seconds(change.get("Start", "")) for change in changes])
        length_s = parse_seconds(root.findtext("Acquisition/Sessions/Session/Duration") or "0")
    except ValueError as error:
        raise ScoringError(f"{document.name}: a stage has no start in s ({error}).", "Export it again.") from None
    marks = from_changes(document, times, [change.get("Type", "") for change in changes], settings.epoch_s)
    ends = marks.ends_s.copy()
    ends[-1] = max(ends[-1], length_s)
    clock = (root.findtext("Acquisition/Sessions/Session/RecordingStart") or "").rpartition("T")[2]
    return Marks(onsets_s=marks.onsets_s, ends_s=ends, labels=marks.labels, start=clock_start(clock[:8]))


def _from_wonambi(document: Document, root: "Element", settings: ScoringSettings) -> Marks:
    raters = [rater for rater in root.findall("rater") if any(_is_scored(stage) for stage in rater.iter("stage"))]
    if not raters:
        raise ScoringError(f"{document.name}: none of its raters has scored a stage.", "Export it again.")
    names = [rater.get("name") or f"rater {number}" for number, rater in enumerate(raters, start=1)]
    epochs = list(raters[choose_scorer(document, names, settings.column)].iter("epoch"))
    try:
        onsets, ends = (
            np.array([parse_seconds(epoch.findtext(name) or "") for epoch in epochs])
            for name in ("epoch_start", "epoch_end")
        )
    except ValueError as error:
        raise ScoringError(f"{document.name}: an epoch has no start or end in s ({error}).", "Save it again.") from None
    clock = (root.findtext("dataset/start_time") or "").rpartition("T")[2]
    labels = [epoch.findtext("stage") or "" for epoch in epochs]
    return Marks(onsets_s=onsets, ends_s=ends, labels=labels, start=clock_start(clock[:8]))


def _is_scored(stage: "Element") -> bool:
    return (stage.text or "").strip().lower() not in ("", "unknown", "undefined")


def _parse_xml(document: Document) -> "Element":
    import defusedxml.ElementTree  # type: ignore[import-untyped, unused-ignore]
    from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped, unused-ignore]

    try:
        root: Element = defusedxml.ElementTree.fromstring(document.content)
    except DefusedXmlException:
        raise ScoringError(
            f"{document.name}: this XML defines entities of its own, which no scoring needs and attacks use.",
            "It was not read; export the scoring again.",
        ) from None
    except (ValueError, LookupError, SyntaxError):  # damaged, or in an encoding that nobody knows
        raise ScoringError(f"{document.name}: not readable as XML.", "Export the scoring again.") from None
    return root


def _label(code: str, settings: ScoringSettings) -> str:
    """The stage that a code of Profusion stands for, unless the settings say what it means."""
    return code if code in own_words(settings.codes) else PROFUSION_LABELS.get(code, code)


def _from_nsrr(document: Document, root: "Element", settings: ScoringSettings) -> Marks:
    events = list(root.iter("ScoredEvent"))
    labels = []
    start = None
    for event in events:
        concept = (event.findtext("EventConcept") or "").strip()
        is_stage = (event.findtext("EventType") or "").lower().startswith("stages")
        # "Stage 2 sleep|2": the number after the bar is Profusion's code.
        code = concept.rpartition("|")[2].strip()
        labels.append(_label(code, settings) if is_stage and code in PROFUSION_LABELS else concept)
        if concept.lower() == "recording start time":
            clock = (event.findtext("ClockTime") or "").split()
            start = clock_start(clock[-1]) if clock else None
    return _from_xml_events(document, events, labels, start)


def _from_xml_events(
    document: Document, events: Sequence["Element"], labels: Sequence[str], start: pd.Timestamp | None
) -> Marks:
    try:
        onsets = np.array([parse_seconds(event.findtext("Start") or "") for event in events])
        durations = np.array([parse_seconds(event.findtext("Duration") or "0") for event in events])
    except ValueError as error:
        raise ScoringError(
            f"{document.name}: an event has no start in s ({error}).", "Export the scoring again."
        ) from None
    return Marks(onsets_s=onsets, ends_s=onsets + durations, labels=labels, others=True, start=start)
