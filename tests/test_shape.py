"""Functions that fit on a page and take no more than one can tell apart; types that say what they are."""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(os.environ.get("SWA_SOURCE", Path(__file__).parents[1]))
LONGEST_BODY, MOST_PARAMETERS, MOST_ANY = 60, 8, 69
Function = ast.FunctionDef | ast.AsyncFunctionDef

pytestmark = pytest.mark.skipif(not (SOURCE / "swa").is_dir(), reason="needs the source tree")


def _functions() -> Iterator[tuple[str, Function]]:
    for folder in ("swa", "cli"):
        for path in sorted((SOURCE / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, Function):
                    yield f"{path.relative_to(SOURCE).as_posix()}:{node.name}", node


def _body_lines(function: Function) -> int:
    """Lines from the first statement after the docstring to the end."""
    statements = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (function.end_lineno or 0) - statements[0].lineno + 1 if statements else 0


def _parameters(function: Function) -> int:
    names = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return len([name for name in names if name.arg not in ("self", "cls")])


def _public() -> set[str]:
    """Names of `swa` and of `swa.figures`, whose callers choose among many options by name."""
    figures = ast.parse((SOURCE / "swa" / "report" / "figures" / "__init__.py").read_text(encoding="utf-8"))
    lazy = ast.parse((SOURCE / "swa" / "__init__.pyi").read_text(encoding="utf-8"))
    imports = [node for tree in (figures, lazy) for node in tree.body if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in imports for alias in node.names}


def test_no_body_is_longer_than_a_page() -> None:
    assert [name for name, function in _functions() if _body_lines(function) > LONGEST_BODY] == []


def test_no_function_but_the_public_ones_has_more_than_8_parameters() -> None:
    public = _public()
    many = [
        (name, _parameters(function))
        for name, function in _functions()
        if _parameters(function) > MOST_PARAMETERS and function.name not in public and not name.startswith("cli/")
    ]
    # What matplotlib calls has its parameters.
    assert [name for name, _ in many if not name.startswith("swa/report/figures/files.py:draw_")] == []


def test_types_are_said_where_they_can_be() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (SOURCE / "swa").rglob("*.py")]
    used = sum(
        len(re.findall(r"\bAny\b", line)) for text in texts for line in text.splitlines() if "import" not in line
    )
    assert used <= MOST_ANY


@pytest.mark.parametrize(
    ("code", "lines"), [("def f():\n    '''Text.'''\n    a = 1\n\n    return a\n", 3), ("def f(): pass", 1)]
)
def test_lines_of_a_body_are_counted_without_its_docstring(code: str, lines: int) -> None:
    (function,) = ast.parse(code).body
    assert isinstance(function, ast.FunctionDef)
    assert _body_lines(function) == lines
