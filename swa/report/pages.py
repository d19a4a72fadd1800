"""The pages of a results folder: HTML that stands alone, opens from disk and asks nothing of any network."""

import base64
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from swa.report.shelf import Shelf
from swa.report.study_page import describe_study
from swa.report.subject_page import describe_subject
from swa.study.store import Results
from swa.tables.files import write_text


@dataclass(frozen=True, kw_only=True)
class PageTask:
    """The page of one subject.

    Attributes
    ----------
    results : Path
        The results folder.
    subject, label : str
        As in the study file, and as in file names.
    """

    results: Path
    subject: str
    label: str


Missing = list[tuple[str, Exception]]


def subject_page(task: PageTask) -> Path:
    """Where the page of a subject lies."""
    return task.results / f"sub-{task.label}" / f"sub-{task.label}.html"


def write_subject_page(task: PageTask) -> Missing:
    """Write ``RESULTS/sub-LABEL/sub-LABEL.html`` and its figures; returns the parts that could not be made, and why."""
    path = subject_page(task)
    shelf = Shelf(path.parent)
    content = describe_subject(Results(task.results), task.subject, shelf)
    write_text(render("subject.html", content | _told(shelf)), path)
    shelf.tidy()
    return shelf.missing


def write_study_page(results: Results) -> Missing:
    """Write ``RESULTS/index.html``, the methods text beside it, and its figures; returns as `write_subject_page`."""
    path = results.path / "index.html"
    shelf = Shelf(results.path)
    content = describe_study(results, shelf)
    write_text(render("study.html", content | _told(shelf)), path)
    write_text(content["methods"].text, results.path / "methods.txt")
    write_text(content["methods"].references, results.path / "methods.bib")
    shelf.tidy()
    return shelf.missing


def _told(shelf: Shelf) -> dict[str, Any]:
    return {"missing": [what for what, _ in shelf.missing]}


def write_placeholder(path: Path) -> None:
    """Write a page that says that it could not be made: one of an earlier run would show other numbers."""
    text = "This page could not be made. The tables of the results folder are whole; problems.tsv says why."
    write_text(
        f'<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><title>Not made</title><p>{text}</p></html>\n', path
    )


def render(template: str, content: dict[str, Any]) -> str:
    """Fill a template; every value is escaped, a missing one is an error."""
    script = _script()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # Only this script can run, and nothing can ask a network, whatever a name or note of a study contains.
    return _environment().get_template(template).render(content, script=script, script_hash=f"sha256-{digest}")


@lru_cache(maxsize=1)
def _script() -> str:
    return (files("swa.report") / "templates" / "page.js").read_text(encoding="utf-8").strip()


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("swa.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
