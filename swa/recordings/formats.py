"""Which files are recordings: EDF and BDF by their header, whatever their name; what mne reads by its name."""

import re
from pathlib import Path
from typing import NamedTuple

from swa.recordings.edf.header import HEAD, holds_annotations_alone, is_eyelink, sample_width
from swa.recordings.edf.packed import read_head

READ_BY_MNE = {".vhdr": "BrainVision", ".set": "EEGLAB", ".mff": "EGI", ".fif": "FIF", ".fif.gz": "FIF"}
_EDF = (".edf", ".bdf", ".edf.gz", ".bdf.gz", ".rec.gz")
ENDINGS = (*_EDF, ".rec", *READ_BY_MNE)
FORMATS = "EDF, BDF, BrainVision (.vhdr), EEGLAB (.set), EGI (.mff) or FIF"
_MOST_LABELS = 16_384  # bytes of a header that are read for the labels
# Not opened: texts, tables, pictures, programs, archives, copies under way, and the other files of a recording.
_OTHERS = re.compile(
    r"\.(?:tsv|csv|txt|json|xml|html?|pdf|png|jpe?g|svg|xlsx?|xlsm|ods|docx?|md|py[cdo]?|m|r|toml|ya?ml|log|parquet|np[yz]"
    r"|mat|zip|gz|7z|tar|eannot|annot|vmrk|eeg|fdt|ini|bidsignore|bak|tmp|part|old|orig|crdownload)~?$|~$",
    re.IGNORECASE,
)
# Names that mne gives to files that hold no continuous signal, and to the later parts of a recording.
_NO_RAW = re.compile(
    r"[-_](?:ave|cov|epo|fwd|inv|ica|src|bem|sol|trans|proj|eve|tfr|csd|stc|dig|lout|head)\.fif(?:\.gz)?"
    r"|-\d+\.fif(?:\.gz)?|_split-(?!0*1_)\d+_\w+\.fif(?:\.gz)?",
    re.IGNORECASE,
)


class Look(NamedTuple):
    """Whether a file is a recording; `why_not` names what is only called like one."""

    is_recording: bool
    why_not: str = ""
    may_be_scoring: bool = False


def ending_of(name: str) -> str:
    """The ending of a recording, in lower case: ``.edf.gz`` is one."""
    found = [ending for ending in ENDINGS if name.lower().endswith(ending)]
    return max(found, key=len) if found else Path(name).suffix.lower()


def stem_of(name: str) -> str:
    """The name of a recording without its ending."""
    return name[: len(name) - len(ending_of(name))]


def look_at(path: Path) -> Look:
    """Tell whether a file, or the folder of an EGI recording, is a recording.

    What is called ``.edf`` or ``.bdf`` is one, readable or not, unless it holds annotations alone or is another
    program's; other names are taken for EDF by their header.
    """
    ending = ending_of(path.name)
    if ending in READ_BY_MNE:
        is_matlab = ending != ".set" or read_head(path, 6) == b"MATLAB"  # other programs have files of that ending
        return Look(is_recording=is_matlab and _NO_RAW.search(path.name) is None)
    if ending not in _EDF and _OTHERS.search(path.name):
        return Look(is_recording=False)
    head = read_head(path, HEAD)
    if sample_width(head):
        head = read_head(path, HEAD + _MOST_LABELS)
    if is_eyelink(head):
        return Look(is_recording=False, why_not="recordings of an EyeLink eye tracker")
    if holds_annotations_alone(head):
        return Look(is_recording=False, why_not="EDF files that hold annotations alone", may_be_scoring=True)
    return Look(is_recording=ending in _EDF or sample_width(head) > 0)  # why it cannot be read is told in the run


def files_of(path: Path) -> tuple[Path, ...]:
    """All files of a recording, the one that names it first: BrainVision has three, EGI a folder of them."""
    ending = ending_of(path.name)
    if ending == ".mff":
        return tuple(sorted(file for file in path.rglob("*") if file.is_file()))
    others: list[Path] = []
    if ending == ".vhdr":
        text = path.read_bytes().decode("latin-1")
        named = re.findall(r"^(?:Data|Marker)File\s*=\s*(.+?)\s*$", text, re.MULTILINE)
        others = [path.resolve().parent / name.replace("$b", stem_of(path.name)) for name in named]
    elif ending == ".set":
        others = [path.resolve().with_suffix(".fdt")]
    elif ending in (".fif", ".fif.gz"):
        place = path.resolve()
        part = re.compile(rf"{re.escape(stem_of(place.name))}-\d+\.fif")
        others = sorted(file for file in place.parent.glob("*.fif*") if part.match(file.name))
    elif ending == ".edf":
        others = list(parts_of(path)[1:]) if parts_of(path)[0] == path.resolve() else []
    return (path, *(file for file in others if file.is_file()))


def parts_of(path: Path) -> tuple[Path, ...]:
    """Files of one signal each that are one recording, those of EEG first: ZMax has a file for each of its signals.

    They lie in one folder, are called as their signal is, begin together and last as long. Any other file is alone.
    """
    place = path.resolve()
    own = _single_signal(place)
    if own is None:
        return (path,)
    parts = [file for file in sorted(place.parent.glob("*.[eE][dD][fF]")) if _single_signal(file) == own]
    return tuple(sorted(parts, key=lambda file: not file.name.upper().startswith("EEG")))


def _single_signal(path: Path) -> bytes | None:
    """Start and length of an EDF whose only signal is called as the file; None for any other."""
    head = read_head(path, HEAD + 16)
    label = head[HEAD:].decode("latin-1").strip()
    if sample_width(head) != 2 or head[252:256].strip() != b"1" or label.casefold() != path.stem.casefold():
        return None
    return head[168:184] + head[236:252]


def signal_file(path: Path) -> Path:
    """The file of a recording that holds its samples: the largest."""
    if ending_of(path.name) not in READ_BY_MNE:
        return path
    try:
        return max(files_of(path), key=lambda file: file.stat().st_size)
    except (OSError, ValueError):
        return path
