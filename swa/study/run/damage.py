"""Stored nights that cannot be trusted: their files, and what the table of nights says of them."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pandas as pd

from swa.study.run.faults import describe_fault
from swa.study.store import NightFolder


def find_damage(folders: Sequence[NightFolder]) -> list[str]:
    """Why each stored night cannot be trusted; empty for those that can. Threads: no worker is woken for hashes."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(_find_damage_of, folders))


def _find_damage_of(folder: NightFolder) -> str:
    try:
        return folder.find_damage()
    except Exception as error:  # what cannot be looked at is not trusted
        return f"its files could not be looked at ({describe_fault(error)})"


def misnamed(row: pd.Series, folder: NightFolder) -> str:
    """What the table of nights says of a stored night that the night does not say of itself."""
    document = folder.document()
    if document is None:
        return ""
    facts = document["provenance"]
    for name, own in (("subject", facts.get("subject")), ("condition", facts.get("condition"))):
        if own is not None and own != str(row[name]):
            return f"nights.tsv gives {row[name]!r} as its {name}, and the night was measured as {own!r}"
    return ""
