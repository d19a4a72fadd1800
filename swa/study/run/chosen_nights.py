"""Which nights a call works at; it is refused where those that it does not name could not stay as they were."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from swa.errors import SettingsError, StudyError
from swa.settings import AFTERWARDS
from swa.study.plan.manifest import Study
from swa.study.plan.selection import UNDONE, LeftOut, night_names
from swa.study.run.night_task import NightTask
from swa.study.store import NIGHT_FORMAT
from swa.tables.night_document import NightDocument
from swa.tables.toml_text import toml_value

MOST_TOLD = 3  # settings in a message


def choose_nights(
    tasks: Mapping[int, NightTask],
    study: Study,
    left_out: Mapping[str, LeftOut],
    chosen: Collection[str] | None,
    is_finished: Callable[[NightTask], bool],
    *,
    has_tables: bool = True,
) -> tuple[dict[int, NightTask], dict[int, LeftOut]]:
    """Tasks of this call, and why other nights are none: those that it does not name stay where they are finished.

    Parameters
    ----------
    tasks : dict
        What would be done with each night, by its place in the plan.
    study : Study
        The plan.
    left_out : dict
        Why nights are left out, by ``SUBJECT/SESSION``.
    chosen : collection of str or None
        ``SUBJECT/SESSION`` of the nights that the call names; None works at all.
    is_finished : callable
        Whether a night is stored as its task would give it.
    has_tables : bool
        Whether tables are made of what the call leaves; where other calls work at the other nights none is lost.

    Raises
    ------
    SettingsError, StudyError
        A night that is not named is stored as other settings, another version or other files gave it: it could neither
        be compared with those that are named, nor stay in the tables.
    """
    names = night_names(study.nights)
    excluded = {int(i): left_out[name] for i, name in zip(names.index, names, strict=True) if name in left_out}
    if chosen is None:
        return dict(tasks), excluded
    kept: dict[int, NightTask] = {}
    unlike: list[NightTask] = []
    for place, task in tasks.items():
        usual = replace(task, overwrite=False)
        if names[place] in chosen:
            kept[place] = task
        elif is_finished(usual):
            kept[place] = usual
        elif task.folder.document() is not None:
            unlike.append(usual)
    if unlike and has_tables:
        raise _refuse(unlike)
    undone = {i: UNDONE for i in names.index if i not in kept and names[i] not in chosen}
    return kept, undone | excluded


def _refuse(unlike: Sequence[NightTask]) -> SettingsError | StudyError:
    """Why stored nights that are not named do not fit the call: their settings, their version, or what they rest on."""
    documents = [document for task in unlike if (document := task.folder.document()) is not None]
    several = len(unlike) > 1
    which = f"{unlike[0].subject}/{unlike[0].session}" + (f" and {len(unlike) - 1} more" if several else "")
    were, them = ("were", "them") if several else ("was", "it")
    if any(document["format"] != NIGHT_FORMAT for document in documents):
        return StudyError(
            f"--only does not name {which}, which another version of swa measured; nothing was changed.",
            f"Run without --only, which measures {them} again.",
        )
    changed = dict.fromkeys(text for pair in zip(unlike, documents, strict=True) for text in _other_settings(*pair))
    if changed:
        told = ", ".join(list(changed)[:MOST_TOLD])
        more = f" and {len(changed) - MOST_TOLD} more" if len(changed) > MOST_TOLD else ""
        return SettingsError(
            f"--only does not name {which}, which {were} measured with other settings ({told}{more}); nothing was "
            "changed.",
            f"Give the same --settings as before, or run without --only, which measures {them} again.",
        )
    return StudyError(
        f"--only does not name {which}, and the recording, the scoring, the row of the study file or the stored files "
        f"changed since {'they' if several else 'it'} {were} measured; nothing was changed.",
        f"Name {them} too, or run without --only.",
    )


def _other_settings(task: NightTask, document: NightDocument) -> Iterator[str]:
    """Settings of the night that are not those which it was measured with."""
    now: Mapping[str, Mapping[str, object]] = task.settings.model_dump(mode="json", exclude=AFTERWARDS)
    before = document["provenance"]["settings"]
    for group, values in now.items():
        former = before.get(group)
        if not isinstance(former, dict):
            continue
        for name, value in values.items():
            if name in former and former[name] != value:
                yield f"{group}.{name} was {_text(former[name])} and is {_text(value)}"


def _text(value: object) -> str:
    return toml_value(tuple(value) if isinstance(value, list) else value)
