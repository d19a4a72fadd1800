"""Every form of scoring that is read: how it is recognised, and how. The first that fits reads the file."""

from collections.abc import Callable
from typing import NamedTuple

from swa.settings import ScoringSettings
from swa.sleep.formats.document import Document, Marks
from swa.sleep.formats.edf import is_edf, is_read_by_mne, read_edf, read_through_mne
from swa.sleep.formats.exports import (
    is_annot,
    is_domino,
    is_elan,
    is_remlogic,
    is_visbrain,
    read_annot,
    read_domino,
    read_elan,
    read_remlogic,
    read_visbrain,
)
from swa.sleep.formats.tables import (
    is_anything,
    is_array,
    is_changes,
    is_epochs,
    is_events,
    is_json,
    is_snooz,
    is_stretches,
    read_array,
    read_changes,
    read_epochs,
    read_events,
    read_json,
    read_lines,
    read_snooz,
    read_stretches,
)
from swa.sleep.formats.xml import is_xml, read_xml


class Format(NamedTuple):
    """A form of scoring."""

    name: str
    fits: Callable[[Document], bool]
    read: Callable[[Document, ScoringSettings], Marks]


FORMATS = (
    Format("recording of BrainVision, EEGLAB, EGI or FIF", is_read_by_mne, read_through_mne),
    Format("EDF+ scoring", is_edf, read_edf),
    Format("Profusion, NSRR, Luna, Philips or Wonambi XML", is_xml, read_xml),
    Format("JSON list of stages", is_json, read_json),
    Format("NumPy array of stages", is_array, read_array),
    Format("DOMINO sleep profile", is_domino, read_domino),
    Format("RemLogic event export", is_remlogic, read_remlogic),
    Format("Luna .annot file", is_annot, read_annot),
    Format("visbrain hypnogram", is_visbrain, read_visbrain),
    Format("Elan hypnogram", is_elan, read_elan),
    Format("Snooz annotations", is_snooz, read_snooz),
    Format("table of onset, duration and stage", is_events, read_events),
    Format("table of stretches without column names", is_stretches, read_stretches),
    Format("table of times and stages", is_changes, read_changes),
    Format("table of epochs and stages", is_epochs, read_epochs),
    Format("list of one stage a line", is_anything, read_lines),
)
