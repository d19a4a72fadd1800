"""What the stored nights of a study say together: rejection, copies, and headline columns of the table of nights."""

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from swa.glossary import short_names
from swa.study.store import NightFolder, content_of, read_results
from swa.study.written import write_believed
from swa.tables.files import table_text, write_table
from swa.tables.marker import REGIONS, select
from swa.tables.results_tables import REJECTION, SAME_RECORDING, SHARED_RECORDING

# Minutes that two nights of two people hardly ever have in common, all of them.
SAME_SLEEP = ("recording_min", "sleep_onset_min", *(f"{name}_min" for name in ("TST", "WASO", "N1", "N2", "N3", "REM")))


def join_rejection(results: Path, nights: pd.DataFrame) -> None:
    """What each artefact rule removed of NREM, SWA and slow waves, of every night and channel: ``rejection.tsv``."""
    tables = []
    for night in nights.to_dict("records"):
        table = NightFolder(results, night["subject_label"], night["session_label"]).read("rejection")
        tables.append(table.assign(**{name: night[name] for name in ("subject", "session", "condition")}))
    write_table(REJECTION.typed(pd.concat(tables)) if tables else REJECTION.empty(), results / "rejection.tsv")


def mark_copies(results: Path) -> None:
    """Say in `nights.tsv` which nights are one and the same recording, from what the run told and what was stored.

    Only nights that may be are opened: those of a subject that last as long, and those of several subjects whose sleep
    is the same to the minute.
    """
    nights = read_results(results).nights
    done = select(nights, status="done")
    within = ["subject", *(name for name in ("recording_min",) if name in nights)]
    across = [name for name in SAME_SLEEP if name in nights]
    to_open = done.duplicated(within, keep=False)
    if len(across) == len(SAME_SLEEP):
        to_open |= done.duplicated(across, keep=False) & done[across].notna().all(axis=1)
    told = done.reindex(columns=[SAME_RECORDING, SHARED_RECORDING]).fillna("").astype(str)
    first: dict[int, int] = {}
    known: dict[tuple[str, str], int] = {}
    for place, subject, *labels, opened in zip(
        done.index, *(done[name] for name in ("subject", "subject_label", "session_label")), to_open, strict=True
    ):
        said = {(str(subject), told.loc[place, SAME_RECORDING]), ("", told.loc[place, SHARED_RECORDING])}
        stored = {("", text) for text in _content(NightFolder(results, *labels))} if opened else set()
        facts = [fact for fact in said | stored if fact[1]]
        first[place] = min((known[fact] for fact in facts if fact in known), default=place)
        known |= {fact: known.get(fact, first[place]) for fact in facts}
    write_believed(table_text(nights.assign(**name_copies(nights, first))), results / "nights.tsv")


def name_copies(nights: pd.DataFrame, first: Mapping[int, int]) -> pd.DataFrame:
    """Columns of the table of nights that say which of those that are done are one and the same recording.

    Parameters
    ----------
    nights : DataFrame
        All nights.
    first : mapping of int to int
        Row of a night to that of the first one with the same signals.
    """
    named = pd.DataFrame("", index=nights.index, columns=[SAME_RECORDING, SHARED_RECORDING], dtype=object)
    done = select(nights, status="done")
    of_first = pd.Series([first.get(place, place) for place in done.index], index=done.index)
    for _, alike in done[of_first.duplicated(keep=False)].groupby(of_first, sort=False):
        for _, own in alike.groupby("subject", sort=False):
            if len(own) > 1:
                named.loc[own.index, SAME_RECORDING] = ", ".join(own["session"].astype(str))
        if alike["subject"].nunique() > 1:
            both = alike["subject"].astype(str) + " " + alike["session"].astype(str)
            named.loc[alike.index, SHARED_RECORDING] = ", ".join(both)
    return named


def _content(folder: NightFolder) -> set[str]:
    document = folder.document()
    return set(content_of(document, folder.read("spectra"))) if document else set()


def add_headlines(results: Path, doubtful: Mapping[str, Collection[str]]) -> None:
    """Headline markers of each night beside its sleep: of N2+N3 of the whole night, at one channel of each subject.

    Parameters
    ----------
    results : Path
        The results folder.
    doubtful : mapping of str to collection of str
        Channels of a subject that are not to speak for it where it has another.
    """
    found = read_results(results)
    nights, keys = found.nights, ["subject", "session"]
    for name in short_names():
        rows = select(found.measure(name), stages="NREM", window="night", variant="").astype(dict.fromkeys(keys, str))
        front = select(rows, channel=REGIONS[0])
        places = zip(rows["subject"], rows["channel"], strict=True)
        doubt = [channel in doubtful.get(subject, ()) for subject, channel in places]
        first = rows.assign(doubt=doubt).sort_values("doubt", kind="stable").drop_duplicates(keys)
        chosen = pd.concat([front, first[~first["subject"].isin(front["subject"])]])
        values = chosen.set_index(keys)["value"].round(4).to_dict()
        nights[name] = [values.get(key, np.nan) for key in zip(nights["subject"], nights["session"], strict=True)]
    write_believed(table_text(nights), results / "nights.tsv")
