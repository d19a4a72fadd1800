"""Stored nights whose files are not as they were written."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pandas as pd

from swa.measures.quality import UNUSABLE
from swa.study.problems import Problem, as_table
from swa.study.run.faults import describe_fault
from swa.study.run.work import Work
from swa.study.store import NightFolder, Results, read_results
from swa.study.written import write_believed
from swa.tables.files import table_text, write_table


def leave_out_damaged(work: Work) -> None:
    """Nights whose files are not as they were written are no longer done: no recording is read that could mend them."""
    nights, problems = read_results(work.results).nights, Results(work.results).problems
    problems = problems[problems["step"] != "store"]
    done = nights.index[nights["status"] == "done"]
    labels = zip(nights.loc[done, "subject_label"], nights.loc[done, "session_label"], strict=True)
    folders = [NightFolder(work.results, *map(str, pair)) for pair in labels]
    damage = [
        why or _misnamed(nights.loc[place], folder)
        for place, folder, why in zip(done, folders, find_damage(folders), strict=True)
    ]
    told = {int(place): why for place, why in zip(done, damage, strict=True) if why}
    if told:
        nights.loc[list(told), "status"] = "failed"
        nights.loc[list(told), ["verdict", "verdict_reasons"]] = [UNUSABLE, "failed (see problems.tsv)"]
        write_believed(table_text(nights), work.results / "nights.tsv")
    rows = [
        Problem(
            **{name: str(nights.loc[place, name]) for name in ("subject", "session", "recording")},
            step="store",
            problem=f"the stored night cannot be used: {why}.",
            remedy="`swa run` does it again, and leaves the other nights as they are.",
        )
        for place, why in told.items()
    ]
    write_table(pd.concat([problems, as_table(rows)], ignore_index=True), work.results / "problems.tsv")


def find_damage(folders: Sequence[NightFolder]) -> list[str]:
    """Why each stored night cannot be trusted; empty for those that can. Threads: no worker is woken for hashes."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(_find_damage_of, folders))


def _find_damage_of(folder: NightFolder) -> str:
    try:
        return folder.find_damage()
    except Exception as error:  # what cannot be looked at is not trusted
        return f"its files could not be looked at ({describe_fault(error)})"


def _misnamed(row: pd.Series, folder: NightFolder) -> str:
    """What the table of nights says of a stored night that the night does not say of itself."""
    document = folder.document()
    if document is None:
        return ""
    facts = document["provenance"]
    for name, own in (("subject", facts.get("subject")), ("condition", facts.get("condition"))):
        if own is not None and own != str(row[name]):
            return f"nights.tsv gives {row[name]!r} as its {name}, and the night was measured as {own!r}"
    return ""
