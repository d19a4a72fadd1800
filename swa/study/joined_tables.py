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
from swa.tables.results_tables import REJECTION


def join_rejection(results: Path, nights: pd.DataFrame) -> None:
    """What each artefact rule removed of NREM, SWA and slow waves, of every night and channel: ``rejection.tsv``."""
    tables = []
    for night in nights.to_dict("records"):
        table = NightFolder(results, night["subject_label"], night["session_label"]).read("rejection")
        tables.append(table.assign(**{name: night[name] for name in ("subject", "session", "condition")}))
    write_table(REJECTION.typed(pd.concat(tables)) if tables else REJECTION.empty(), results / "rejection.tsv")


def mark_copies(results: Path) -> None:
    """Say in `nights.tsv` which nights of a subject are one and the same recording, from what was stored of them."""
    nights = read_results(results).nights
    shared = pd.Series("", index=nights.index, dtype=object)
    done = select(nights, status="done")
    lengths = ["subject", *(["recording_min"] if "recording_min" in nights else [])]  # others need not be opened
    for _, alike in done[done.duplicated(lengths, keep=False)].groupby(lengths, sort=False):
        folders = [NightFolder(results, *labels) for labels in alike[["subject_label", "session_label"]].to_numpy()]
        contents = [_content(folder) for folder in folders]
        for place, content in zip(alike.index, contents, strict=True):
            same = [session for session, other in zip(alike["session"], contents, strict=True) if content & other]
            if len(same) > 1:
                shared[place] = ", ".join(map(str, same))
    write_believed(table_text(nights.assign(same_recording=shared)), results / "nights.tsv")


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
