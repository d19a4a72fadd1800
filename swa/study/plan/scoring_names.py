"""Which files are called as scorings are, and which folders hold results of this package."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from swa.study.plan.names import natural_key
from swa.tables.files import read_json

WORDS = (
    r"(?:desc-)?hypnogram(?:_events)?|hypno(?:gramme?)?|hyp|sleep[-_ ]?scor(?:ing|es?)|scorings?|scor(?:ed|es?)"
    r"|sleep[-_ ]?stag(?:es?|ing)|stages?|staging|sleep[-_ ]?profile|schlafprofil|schlafstadien|stadien|stades"
    r"|hipnograma|ipnogramma|profusion|nsrr|allscore"
)
TABLES = r"(?:xml|rml|eannot|annot|csv|tsv|txt|json|ids|hyp|xlsx|xlsm|xls|ods|npy)(?:\.gz)?"
RARE = r"sta|stg|slp|dat"  # of texts, and of other programs' recordings
DOCUMENTS = r"mat|npz|h5|hdf5|pkl|parquet|feather|rds|rdata|sav|pdf|rtf|docx?|odt"  # in which stages may stand
UNREAD = rf"{DOCUMENTS}|zip|7z|rar"
_SCORED_EDF = re.compile(r".*[-_ ](?:hypnogram|hypno|sleep[-_ ]?scoring|scoring|sleep[-_ ]?stages)\.[eb]df", re.I)
MASS = re.compile(r"(.+) base\.edf", re.IGNORECASE)


def is_scoring_name(name: str, others: Iterable[str] = ()) -> bool:
    """Whether an EDF is named as a scoring, so that it is no recording; `others` are the names beside it."""
    if _SCORED_EDF.fullmatch(name) is not None:
        return True
    mass = MASS.fullmatch(name)
    return mass is not None and f"{mass[1]} psg.edf".casefold() in {other.casefold() for other in others}


def is_results(folder: Path) -> bool:
    """Whether a folder holds results of swa, under whatever name."""
    generators = read_json(folder / "dataset_description.json").get("GeneratedBy")
    return isinstance(generators, list) and any(
        isinstance(generator, dict) and generator.get("Name") == "swa" for generator in generators
    )


def scorings_of_derivatives(folder: Path) -> Iterator[Path]:
    """Files that are called as scorings in a folder of a BIDS data set that is no raw data, without results of swa."""
    for place, folders, files in os.walk(folder):
        if is_results(Path(place)):
            folders.clear()
            continue
        folders[:] = [name for name in folders if name[0] != "."]
        for name in sorted(files, key=natural_key):
            if is_table_name(name) and not name.endswith(".json") and is_named(Path(place, name)):
                yield Path(place, name)


def is_table_name(name: str) -> bool:
    """Whether a file has an ending of scorings, and of no recording, or is called a scoring and not read."""
    return re.search(rf"\.{TABLES}$", name, re.IGNORECASE) is not None or is_called(name, UNREAD)


def may_be_table(name: str) -> bool:
    """Whether a file that is no recording is looked into: it has no ending, or is called a scoring."""
    return "." not in name or is_table_name(name) or is_called(name, RARE)


def is_called(name: str, endings: str) -> bool:
    """Whether a word for scorings stands in the name of a file with one of these endings."""
    return re.search(rf"(?<![a-z])(?:{WORDS})(?![a-z]).*\.(?:{endings})$", name, re.IGNORECASE) is not None


def is_named(path: Path) -> bool:
    """Whether a word for scorings stands in the name of a file or of its folder."""
    return re.search(WORDS, f"{path.parent.name}/{path.name}", re.IGNORECASE) is not None
