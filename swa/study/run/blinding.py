"""Blinding: conditions become codes before the first recording is read, and the key brings their names back.

Whoever holds only the results folder can tell the conditions apart neither by name nor by order nor by the time of a
file: codes are drawn by lot, nights are processed in the order of the codes, recordings are read through links that
carry the codes, dates and what the study file knows of one condition alone (dose, order) are left out. The reference of
the contrasts is drawn as well, so that their direction tells nothing; `unblind_results` is followed by contrasts with
the true baseline. What blinding cannot hide: conditions with different numbers of nights, and what a drug does.
"""

import hashlib
import hmac
import itertools
import json
import os
import secrets
import shutil
import string
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict, cast

import numpy as np
import pandas as pd

from swa.errors import StudyError
from swa.recordings.formats import ending_of
from swa.settings import Settings, check_settings
from swa.study.plan.manifest import NIGHT_COLUMNS, Study
from swa.study.plan.names import file_label, natural_key
from swa.study.plan.sheet import DATE
from swa.study.store import BLINDING_RECORD, NIGHT_TABLES, NightFolder, is_blinded, read_results
from swa.study.written import write_believed
from swa.tables.files import read_json, table_text, write_json, write_table

KEY_FILE = "key.json"
UNTOLD = "The recording or the scoring of this night cannot be used."
# A time of the night says nothing of the condition, a date does; these are kept as times.
_CLOCK_COLUMNS = ("lights_off", "lights_on", "wake_time")
# What is given for each night and belongs to the design: kept where every condition has every value of it.
_DESIGN_COLUMNS = ("period", "phase")
_LOT = secrets.SystemRandom()

_Cell = str | int | float | bool | None
_Plan = dict[str, _Cell]  # a row of the study file, and the codes of its session


class _Key(TypedDict):
    """What the key file holds: codes by name, and the plan of the nights."""

    conditions: dict[str, str]
    arms: dict[str, str]
    reference: str
    secret: str
    baseline: list[str]
    nights: list[_Plan]


@dataclass(frozen=True, kw_only=True)
class Blinded:
    """A study under codes.

    Attributes
    ----------
    study : Study
        The plan with codes for conditions, sessions and recordings.
    settings : Settings
        With the reference condition that was drawn.
    sessions : dict of (subject, session) to str
        Code of each night's session.
    originals : dict of str to Path
        The recording behind each link.
    key : Path
        The key file.
    """

    study: Study
    settings: Settings
    sessions: dict[tuple[str, str], str]
    originals: dict[str, Path]
    key: Path

    def translate(self, name: str) -> str:
        """``SUBJECT/SESSION`` as it is called under codes."""
        subject, slash, session = name.partition("/")
        return f"{subject}{slash}{self.sessions.get((subject, session), session)}"


def key_folder(results: Path) -> Path:
    """Where the key of a results folder is kept: beside it, never within."""
    return results.parent / f"{results.name}-blinding-key"


def check_not_blinded(results: Path) -> None:
    """Refuse to write names into a blinded results folder.

    Raises
    ------
    StudyError
        The folder is blinded.
    """
    if is_blinded(results):
        raise StudyError(
            f"{results}: the conditions of these results are blinded.",
            "Give --blind again to go on, or put the names back with `swa unblind`.",
        )


def blind_study(study: Study, settings: Settings, results: Path) -> Blinded:
    """Put codes in the place of conditions, sessions and recordings.

    Parameters
    ----------
    study : Study
        The plan.
    settings : Settings
        `comparison.baseline` becomes the code of a condition drawn by lot.
    results : Path
        The results folder; the key is written to the folder ``RESULTS-blinding-key`` beside it, and used again by the
        next run.

    Returns
    -------
    Blinded

    Raises
    ------
    StudyError
        There are no conditions to blind, the results folder holds nights under their names, its key is missing, or
        the system can make no links.
    """
    results = Path(os.path.abspath(results))
    if study.needs_template:
        raise StudyError("--blind: the names of the recordings tell no condition.", "Write a study file first.")
    key = _read_or_draw_key(results, study.nights, settings)
    nights = _code_nights(study.nights, key)
    nights = _link_files(nights, key_folder(results) / "recordings", list(key["conditions"]))
    originals = dict(zip(nights["path"], (Path(path) for path in nights.pop("original")), strict=True))
    sessions = {}
    for plan, code, label in zip(nights.pop("plan"), nights["session"], nights["session_label"], strict=True):
        sessions[str(plan["subject"]), str(plan["session"])] = code
        given = {name: None if pd.isna(cell) else _cell(cell) for name, cell in plan.items()}
        key["nights"].append(given | {"code_session": code, "code_session_label": label})
    write_json(key, key_folder(results) / KEY_FILE, private=True)
    results.mkdir(parents=True, exist_ok=True)
    _write_record(results, "blinded", key)
    return Blinded(
        study=replace(
            study, nights=nights, notes=_notes(key, settings), scorings=replace(study.scorings, used=(), unused=())
        ),
        settings=_with_baseline(settings, (key["reference"],)),
        sessions=sessions,
        originals=originals,
        key=key_folder(results) / KEY_FILE,
    )


def _notes(key: _Key, settings: Settings) -> tuple[str, ...]:
    """What the codes do, and what they keep from being tested: which condition is two in one would tell them all."""
    codes = "blinded: conditions are codes, their reference drawn by lot"
    if settings.comparison.factors or any("+" in name for name in key["conditions"]):
        return (codes, "blinded: whether two treatments add up is tested once `swa unblind` has put the names back")
    return (codes,)


def unblind_results(results: Path, key_file: Path) -> Settings:
    """Put the names back into a results folder; what a killed call left is finished by the next.

    Contrasts and pages under codes are deleted: `swa.pipeline.unblind_study` makes them again with the true baseline.

    Parameters
    ----------
    results : Path
        A blinded results folder.
    key_file : Path
        Its key.

    Returns
    -------
    Settings
        Those of the results, with the true baseline.

    Raises
    ------
    StudyError
        The folder is not blinded, or this is not its key.
    """
    key = _read_key(key_file)
    record = read_json(results / BLINDING_RECORD)
    if record.get("status") != "blinded":
        raise StudyError(f"{results}: these results are not blinded.", "There is nothing to put back.")
    if record.get("keyed_hash") != _keyed_hash(key):
        raise StudyError(
            f"{key_file}: this is not the key of {results}.", "Give the key that was written when they were blinded."
        )
    for plan in key["nights"]:
        _rename_night(results, plan)
    _restore_tables(results, key["nights"])
    for page in (*results.glob("index.html"), *results.glob("sub-*/sub-*.html"), results / "contrasts.tsv"):
        page.unlink(missing_ok=True)
    for figures in (results / "figures", *results.glob("sub-*/figures")):
        shutil.rmtree(figures, ignore_errors=True)
    return _with_baseline(read_results(results).settings, tuple(key["baseline"]))


def mark_unblinded(results: Path, key_file: Path) -> None:
    """Note that the names are back; from here on `swa compare` can finish what is left."""
    _write_record(results, "unblinded", _read_key(key_file))


# --- the key


def _read_or_draw_key(results: Path, nights: pd.DataFrame, settings: Settings) -> _Key:
    path = key_folder(results) / KEY_FILE
    record, has_nights = read_json(results / BLINDING_RECORD), (results / "nights.tsv").is_file()
    if record.get("status") == "unblinded" or (has_nights and not record):
        raise StudyError(f"{results}: these results carry the names of the conditions.", "Choose another folder: -o.")
    if record and not path.is_file():
        raise StudyError(f"{results}: blinded, and the key {path} is not there.", "Put the key file back to go on.")
    key = _read_key(path) if path.is_file() else None
    if record and key and record.get("keyed_hash") != _keyed_hash(key):
        raise StudyError(f"{path}: this is not the key of {results}.", "Put the right key file back to go on.")
    conditions = _draw_codes("condition", nights, key["conditions"] if key else {})
    compared = nights[~nights["adaptation"].astype(bool)] if "adaptation" in nights else nights
    usable = list(dict.fromkeys(compared["condition"].astype(str))) or list(conditions)
    return {
        "conditions": conditions,
        "arms": _draw_codes("arm", nights, key.get("arms", {}) if key else {}),
        "reference": key["reference"] if key else conditions[_LOT.choice(usable)],
        "secret": key["secret"] if key else secrets.token_hex(32),
        "baseline": list(settings.comparison.baseline),
        "nights": [],
    }


def _draw_codes(column: str, nights: pd.DataFrame, known: dict[str, str]) -> dict[str, str]:
    """Codes of the names in a column: those that are known, and for the others free ones by lot."""
    names = dict.fromkeys(nights[column].astype(str)) if column in nights else ()
    fresh = [name for name in names if name not in known]
    _LOT.shuffle(fresh)
    letters = (parts for size in (1, 2) for parts in itertools.product(string.ascii_uppercase, repeat=size))
    free = (code for parts in letters if (code := f"{column}-{''.join(parts)}") not in known.values())
    return known | dict(zip(fresh, itertools.islice(free, len(fresh)), strict=True))


def _read_key(path: Path) -> _Key:
    key = read_json(path)
    if {"secret", "conditions", "reference"} <= set(key):
        return cast(_Key, key)
    raise StudyError(f"{path}: this is no key file of a blinded study.", "Give the key.json that --blind wrote.")


def _keyed_hash(key: _Key) -> str:
    """Proof of the codes that tells nothing without the secret."""
    codes = json.dumps([key["conditions"], key["reference"]], sort_keys=True).encode()
    return hmac.new(key["secret"].encode(), codes, hashlib.sha256).hexdigest()


def _write_record(results: Path, status: str, key: _Key) -> None:
    codes = sorted(key["conditions"].values())
    record: dict[str, object] = {"status": status, "codes": codes, "keyed_hash": _keyed_hash(key)}
    if status == "unblinded":
        record["conditions"] = {code: name for name, code in key["conditions"].items()}
    write_json(record, results / BLINDING_RECORD)


def _with_baseline(settings: Settings, baseline: tuple[str, ...]) -> Settings:
    comparison = settings.comparison.model_copy(update={"baseline": baseline})
    return check_settings(settings.model_copy(update={"comparison": comparison}).model_dump())


# --- the plan


def _code_nights(nights: pd.DataFrame, key: _Key) -> pd.DataFrame:
    """Nights in the order of their codes, without what tells one condition from another."""
    coded = nights.copy()
    plans = nights.drop(columns=["path", "hypnogram"]).assign(order_in_file=range(len(nights))).to_dict("records")
    coded["plan"] = pd.Series(plans, index=nights.index, dtype=object)
    coded["condition"] = [key["conditions"][str(name)] for name in nights["condition"]]
    if "arm" in coded:
        coded["arm"] = [key["arms"][str(name)] for name in nights["arm"]]
    for column in _CLOCK_COLUMNS:
        if column in coded:
            coded[column] = nights[column].map(_clock)
    coded = coded.drop(columns=[name for name in coded if not _is_kept(str(name), coded)])
    count = coded.groupby(["subject", "condition"]).cumcount() + 1
    coded["session"] = [
        name if number == 1 else f"{name}-{number}" for name, number in zip(coded["condition"], count, strict=True)
    ]
    coded["session_label"] = [file_label(session) for session in coded["session"]]
    coded["recording"] = [f"{a}_{b}.edf" for a, b in zip(coded["subject_label"], coded["session_label"], strict=True)]
    coded["problem"] = [UNTOLD if problem else "" for problem in nights["problem"]]
    first = {subject: i for i, subject in reversed(list(enumerate(coded["subject"])))}
    order = sorted(
        range(len(coded)),
        key=lambda i: (first[coded["subject"].iloc[i]], natural_key(str(coded["session"].iloc[i]))),
    )
    return coded.iloc[order].reset_index(drop=True)


def _is_kept(column: str, nights: pd.DataFrame) -> bool:
    """Whether a column of the study file tells nothing of a night's condition."""
    if column in (*NIGHT_COLUMNS, *_CLOCK_COLUMNS, "arm", "adaptation", "plan"):
        return True
    if column in _DESIGN_COLUMNS:
        seen = nights.groupby(column)["condition"].nunique()
        return bool((seen == nights["condition"].nunique()).all())
    # What is the same in all nights of a person belongs to the person.
    return column not in ("order", DATE) and bool((nights.groupby("subject")[column].nunique(dropna=False) <= 1).all())


def _clock(cell: object) -> object:
    text = str(cell)
    return text.partition("T")[2] if "T" in text else text.rpartition(" ")[2] if "-" in text else cell


def _cell(cell: object) -> _Cell:
    """A cell of the study file as JSON can hold it."""
    plain = cell.item() if isinstance(cell, np.generic) else cell
    return plain if isinstance(plain, str | int | float | bool) else str(plain)


def _link_files(nights: pd.DataFrame, folder: Path, conditions: list[str]) -> pd.DataFrame:
    """Links to recordings and scorings that carry codes: no message, note or table can then name the file."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.parent.chmod(0o700)  # the links tell the conditions as the key does
    paths, scorings, names = [], [], []
    for night in nights.itertuples():
        stem = f"{night.subject_label}_{night.session_label}"
        recording = Path(str(night.path)) if night.path else None
        ending = ending_of(recording.name) if recording else ".edf"
        names.append(f"{stem}{ending}")
        paths.append(str(_link(recording, folder / names[-1])) if recording else "")
        scoring = Path(str(night.hypnogram)) if night.hypnogram else None
        ending = _scoring_ending(scoring, recording, conditions) if scoring else ""
        if scoring == recording:  # it holds its stages itself
            scorings.append(paths[-1])
        else:
            scorings.append(str(_link(scoring, folder / f"{stem}{ending}")) if scoring else "")
    return nights.assign(original=nights["path"], path=paths, hypnogram=scorings, recording=names)


def _scoring_ending(scoring: Path, recording: Path | None, conditions: list[str]) -> str:
    """What a scoring's name has beyond its recording's: it may tell the format, but must not tell the condition."""
    stem = recording.stem if recording else ""
    rest = scoring.name[len(stem) :] if stem and scoring.name.startswith(stem) else f"_scoring{scoring.suffix}"
    tells = any(name.casefold() in rest.casefold() for name in conditions)
    return f"_scoring{scoring.suffix}" if tells else rest


def _link(target: Path, link: Path) -> Path:
    link.unlink(missing_ok=True)
    try:
        link.symlink_to(target)
    except OSError:
        try:
            os.link(target, link)  # Windows makes symbolic links for some users only
        except OSError as error:
            raise StudyError(
                f"--blind: no link to a recording could be made in {link.parent} ({error.strerror}).",
                "Choose a results folder on the disk of the recordings.",
            ) from None
    return link


# --- back to names


def _rename_night(results: Path, plan: _Plan) -> None:
    """Move the files of a night to their own names; `desc-night.json`, which makes it finished, goes last."""
    subject = str(plan["subject_label"])
    coded = NightFolder(results, subject, str(plan["code_session_label"]))
    named = NightFolder(results, subject, str(plan["session_label"]))
    document = coded.document()
    if document is None:
        return
    named.path.mkdir(parents=True, exist_ok=True)
    for ending in NIGHT_TABLES.values():
        if coded.file(ending).is_file():
            os.replace(coded.file(ending), named.file(ending))
    provenance = document["provenance"]
    provenance["session"], provenance["condition"] = str(plan["session"]), str(plan["condition"])
    provenance["recording"] = str(plan["recording"])
    named.finish(document)
    shutil.rmtree(coded.path.parent, ignore_errors=True)


def _restore_tables(results: Path, plans: list[_Plan]) -> None:
    found = read_results(results)
    nights, problems = found.nights, found.problems
    places = {(str(plan["subject"]), str(plan["code_session"])): plan for plan in plans}
    if set(zip(nights["subject"], nights["session"], strict=True)) <= set(places):
        rows = [places[subject, session] for subject, session in zip(nights["subject"], nights["session"], strict=True)]
        given = pd.DataFrame(rows, index=nights.index).drop(columns=["problem", "code_session", "code_session_label"])
        place = given.pop("order_in_file")
        measured = nights.drop(columns=[name for name in nights if name in given])
        nights = pd.concat([given, measured], axis=1).loc[place.sort_values().index]
        problems = _name_problems(problems, places)
        write_table(problems, results / "problems.tsv")
        write_believed(table_text(nights), results / "nights.tsv")


def _name_problems(problems: pd.DataFrame, places: dict[tuple[str, str], _Plan]) -> pd.DataFrame:
    named = problems.copy()
    first = ~problems.duplicated(["subject", "session", "step"])  # before a night's own problem stands no other
    for (i, row), is_first in zip(problems.iterrows(), first, strict=True):
        plan = places.get((row["subject"], row["session"]))
        if plan is None:
            continue
        named.loc[i, "session"], named.loc[i, "recording"] = plan["session"], plan["recording"]
        if row["step"] == "plan" and is_first and plan["problem"]:
            named.loc[i, "problem"] = f"{str(plan['problem']).rstrip('.')}."
    return named
