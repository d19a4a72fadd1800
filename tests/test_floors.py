"""Imports go down only, each big library has its home, and nothing reads facts back out of words."""

import ast
import functools
import graphlib
import os
import re
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

SOURCE = Path(os.environ.get("SWA_SOURCE", Path(__file__).parents[1]))
FLOORS = [
    "errors",
    "tables",
    "glossary",
    "settings",
    "recordings",
    "measures",
    "simulation",
    "sleep",
    "night",
    "study",
    "comparison",
    "report",
    "figures",
    "tables_of_study",
    "pipeline",
]
HOMES = {
    "yasa": ("sleep", "measures"),
    "mne": ("recordings", "comparison", "report/figures", "sleep/staging.py"),
    "matplotlib": ("report/figures",),
    "jinja2": ("report/pages",),
    "dask": ("study/run/batch.py",),
    "distributed": ("study/run/batch.py",),
    "edfio": ("recordings", "simulation"),
    "typer": (),
    "rich": (),
}

pytestmark = pytest.mark.skipif(not (SOURCE / "swa").is_dir(), reason="needs the source tree")


def _imports(path: Path, modules: Collection[str] = (), *, running: bool = False) -> Iterator[str]:
    """Modules that a file imports, within functions too; those for type checkers alone where it is not `running`.

    ``from swa.tables import notes`` imports swa.tables.notes where that is one of the `modules`, else swa.tables.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if running and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in modules else node.module for name in names)


def _files() -> list[Path]:
    return sorted((SOURCE / "swa").rglob("*.py"))


def _name(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def _floor(parts: tuple[str, ...]) -> int:
    return FLOORS.index(parts[0].removesuffix(".py"))


@functools.cache
def _graph() -> dict[str, set[str]]:
    """Files that each file of the package imports; the package itself, whose names are lazy, is none of them."""
    modules = {_name(path).removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for path in _files()}
    modules.pop("swa")
    return {module: {name for name in _imports(path, modules) if name in modules} for module, path in modules.items()}


# Two ends of an interval side by side, in an f-string or in a template. A band has a hyphen, and what something was
# held to is said with a word before it (`from 30 to 45 Hz`, `expected 1 to 8`).
LOW, HIGH = (rf"\{{[^{{}}]*\b(?:\w+_)?(?:{name})(?:_\w+)?\b[^{{}}]*\}}" for name in ("low|lower", "high|upper"))
BY_HAND = re.compile(rf"(?<!from )(?<!outside )(?<!expected ){LOW}(?!-).{{1,5}}{HIGH}")


def intervals_by_hand(code: str) -> Iterator[int]:
    """Lines of code that write an interval in a form of their own."""
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.JoinedStr(values=parts):
                text = "".join(str(one.value) if isinstance(one, ast.Constant) else _field(one) for one in parts)
            case ast.Constant(value=str() as text):
                pass
            case _:
                continue
        if BY_HAND.search(text):
            yield getattr(node, "lineno", 0)


def _field(part: ast.expr) -> str:
    return "{" + re.sub("[{}]", "", ast.unparse(part.value if isinstance(part, ast.FormattedValue) else part)) + "}"


def test_the_form_of_an_interval_stands_in_one_place() -> None:
    found = [
        f"{_name(path)}:{line}"
        for path in [*_files(), *(SOURCE / "cli").rglob("*.py")]
        for line in intervals_by_hand(path.read_text(encoding="utf-8"))
    ]
    assert [where.partition(":")[0] for where in found] == ["swa/tables/interval.py"], found


@pytest.mark.parametrize(
    "code",
    [
        'text = f"{change(low)} to {change(high)}"',
        "text = f\"[{percent(row['ci_low'])}, {percent(row['ci_high'])}]\"",
        'declare("t_is", "t({df}), {low:.3g} to {high:.3g}")',
        'note = f"{level} interval {estimate.low:.4g}; {estimate.high:.4g}"',
        "cell = lambda row: f\"{row['subjects_low']} to {row['subjects_high']}\"",
    ],
)
def test_an_interval_in_a_form_of_its_own_is_found(code: str) -> None:
    assert list(intervals_by_hand(code))


def test_limits_and_the_interval_of_the_one_place_are_left_alone() -> None:
    assert not list(
        intervals_by_hand(
            'f"from {low:g} to {high:g} Hz, {low:g}-{high:g} Hz, {Interval(low, high):.3g}"; "{low to high:.3g}"'
        )
    )


def longest_chain(graph: dict[str, set[str]]) -> list[str]:
    """Longest chain of files that import each other.

    Raises
    ------
    graphlib.CycleError
        Some import each other in a circle.
    """
    chains: dict[str, list[str]] = {}
    for module in graphlib.TopologicalSorter(graph).static_order():
        below = [chains[name] for name in graph.get(module, ())]
        chains[module] = [module, *max(below, key=len, default=[])]
    return max(chains.values(), key=len)


def test_no_files_import_each_other_in_a_circle() -> None:
    longest_chain(_graph())


def test_a_circle_of_files_is_found() -> None:
    with pytest.raises(graphlib.CycleError):
        longest_chain({"a": {"b"}, "b": {"c"}, "c": {"a"}})


def test_no_chain_of_imports_is_longer_than_14_files() -> None:
    chain = longest_chain(_graph())
    assert len(chain) <= 14, " → ".join(chain)


def test_to_read_results_imports_no_analysis(tmp_path: Path) -> None:
    names = "subject\tsession\tcondition\tstatus\tsubject_label\tsession_label\n"
    (tmp_path / "nights.tsv").write_text(f"{names}S1\ta\ta\tdone\tS1\ta\n", encoding="utf-8")
    read = "import sys, swa; swa.read_results(sys.argv[1]).nights; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", read, str(tmp_path)], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert "swa.study.store" in loaded
    analysis = ("swa.night", "swa.measures", "swa.sleep", "swa.comparison", "swa.report", "yasa", "mne", "matplotlib")
    assert not [name for name in loaded if name.startswith(analysis)]


@pytest.mark.parametrize("path", _files(), ids=_name)
def test_imports_go_down_only(path: Path) -> None:
    parts = path.relative_to(SOURCE / "swa").parts
    if parts in (("__init__.py",), ("__main__.py",)):  # `python -m swa` starts the command line
        return
    for module in _imports(path):
        names = tuple(module.split("."))
        if names[0] == "swa_cli":
            pytest.fail(f"{path} imports the command line")
        if names[0] == "swa" and len(names) > 1 and names[1] in FLOORS:
            assert _floor(names[1:2]) <= _floor(parts), f"{path} imports {module} from a floor above"


def test_files_of_measures_do_not_know_each_other() -> None:
    for path in (SOURCE / "swa" / "measures").glob("*.py"):
        own = f"swa.measures.{path.stem}"
        others = [
            module for module in _imports(path) if module.startswith("swa.measures") and not module.startswith(own)
        ]
        assert not others, f"{path} imports {others}"


@pytest.mark.parametrize("path", _files(), ids=_name)
def test_big_libraries_stay_at_home(path: Path) -> None:
    place = path.relative_to(SOURCE / "swa").as_posix()
    for module in _imports(path, running=True):
        library = module.split(".")[0]
        if library in HOMES:
            assert place.startswith(HOMES[library]), f"{place} imports {library}"


def test_command_line_imports_are_relative() -> None:
    for path in (SOURCE / "cli").glob("*.py"):
        assert not [module for module in _imports(path) if module.split(".")[0] in ("cli", "swa_cli")], path


def test_no_file_prints_outside_the_command_line() -> None:
    for path in _files():
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        assert not [call for call in calls if ast.unparse(call.func) == "print"], path


# --- facts first, words last: nothing outside swa/tables/ reads a text ---------------------------------------------
#
# A text is a name, an attribute or a constant subscript that is called so (`WATCHED`), what passes it on unchanged
# (str(note), rows["note"].fillna("")), and within a function what it was assigned to or is looped over. To read it is a
# method of str that splits, searches or replaces; `.str` of a column; a regular expression; ==, != and in, and their
# methods in pandas; match. To ask whether there is a note or a reason at all is none.

WATCHED = {"note", "notes", "method", "contrast", "variant", "reason", "reasons", "verdict_reasons"}
STRING_METHODS = {
    *("split", "rsplit", "partition", "rpartition", "splitlines", "startswith", "endswith", "removeprefix"),
    *("removesuffix", "find", "rfind", "index", "rindex", "replace", "count", "translate"),
}
COMPARING_METHODS = {"eq", "ne", "isin"}
REGEX_METHODS = {"search", "match", "fullmatch", "findall", "finditer", "sub", "subn", "split"}
PASSING_METHODS = {
    *("astype", "fillna", "to_numpy", "tolist", "unique", "strip", "lower", "upper", "casefold", "item", "copy"),
    *("dropna", "drop_duplicates", "first", "max", "fromkeys", "keys", "reindex", "sort_values", "where"),
}
PASSING_FUNCTIONS = {"str", "list", "set", "tuple", "sorted", "dict", "reversed", "iter", "next", "frozenset"}
PASSING_ATTRIBUTES = {"values", "array", "iloc", "loc", "iat", "at", "cat", "categories"}


def readings(source: str) -> Iterator[tuple[int, str]]:
    """Line and code of each place that reads a text."""
    tree = ast.parse(source)
    scopes = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)]
    seen = set()
    for scope in (tree, *scopes):
        known = WATCHED | _passed_on(scope)
        for node in _inside(scope):
            if id(node) not in seen and _reads(node, known):
                seen.add(id(node))
                yield node.lineno if isinstance(node, ast.expr) else node.subject.lineno, ast.unparse(node)


def _inside(scope: ast.AST) -> Iterator[ast.AST]:
    """Nodes of a scope, those of functions within it among them, so that they see its names."""
    if isinstance(scope, ast.Module):  # of a module its own statements alone
        functions = [node for node in ast.walk(scope) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        within = {id(node) for function in functions for node in ast.walk(function)}
        yield from (node for node in ast.walk(scope) if id(node) not in within)
    else:
        yield from ast.walk(scope)


def _passed_on(scope: ast.AST) -> set[str]:
    """Names within a scope that hold a text under another name."""
    known: set[str] = set()
    while True:
        found = {name for node in _inside(scope) for name in _bound(node, WATCHED | known)}
        if found <= known:
            return known
        known |= found


def _bound(node: ast.AST, known: set[str]) -> Iterator[str]:
    match node:
        case ast.Assign(targets=[target], value=value) | ast.NamedExpr(target=target, value=value):
            yield from _targets(target, value, known)
        case ast.For(target=target, iter=values) | ast.comprehension(target=target, iter=values):
            yield from _looped(target, values, known)
        case ast.Call(func=ast.Attribute(attr="map" | "apply", value=value), args=[ast.Lambda(args=given), *_]):
            if _is_text(value, known):
                yield from (argument.arg for argument in given.args)


def _looped(target: ast.expr, values: ast.expr, known: set[str]) -> Iterator[str]:
    match values, target:
        case ast.Call(func=ast.Name(id="zip"), args=args), ast.Tuple(elts=targets):
            for one, many in zip(targets, args, strict=False):
                yield from _targets(one, many, known)
        case ast.Call(func=ast.Name(id="enumerate"), args=[many, *_]), ast.Tuple(elts=[_, one]):
            yield from _targets(one, many, known)
        case ast.Call(func=ast.Attribute(attr="groupby"), args=[by, *_]), ast.Tuple(elts=[one, _]):
            keys = by.elts if isinstance(by, ast.List | ast.Tuple) else [by]
            names = one.elts if isinstance(one, ast.Tuple) else [one]
            pairs = zip(keys, names, strict=False)
            yield from (name.id for key, name in pairs if _is_watched_word(key) and isinstance(name, ast.Name))
        case _:
            yield from _targets(target, values, known)


def _targets(target: ast.expr, value: ast.expr, known: set[str]) -> Iterator[str]:
    match target, value:
        case ast.Name(id=name), _ if _is_text(value, known):
            yield name
        case ast.Tuple(elts=targets), ast.Tuple(elts=values):
            for one, its in zip(targets, values, strict=False):
                yield from _targets(one, its, known)


def _is_watched_word(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value in WATCHED


def _is_text(node: ast.expr, known: set[str]) -> bool:
    match node:
        case ast.Name(id=name):
            return name in known
        case ast.Attribute(value=value, attr=name):
            return name in WATCHED or (name in PASSING_ATTRIBUTES and _is_text(value, known))
        case ast.Subscript(value=value, slice=place):
            if isinstance(place, ast.Constant) and isinstance(place.value, str):
                return place.value in WATCHED
            if isinstance(place, ast.Tuple) and place.elts:  # table.loc[rows, "note"]
                return _is_watched_word(place.elts[-1])
            return _is_text(value, known)
        case ast.Call():
            return _gives_text(node, known)
        case ast.BoolOp(values=options):
            return any(_is_text(option, known) for option in options)
        case ast.IfExp(body=one, orelse=other):
            return _is_text(one, known) or _is_text(other, known)
        case ast.Starred(value=value):
            return _is_text(value, known)
    return False


def _gives_text(call: ast.Call, known: set[str]) -> bool:
    match call:
        case ast.Call(func=ast.Attribute(attr="get"), args=[key, *_]):
            return _is_watched_word(key)
        case ast.Call(func=ast.Attribute(attr="fromkeys"), args=[value, *_]):
            return _is_text(value, known)
        case ast.Call(func=ast.Attribute(value=value, attr=name)):
            return name in PASSING_METHODS and _is_text(value, known)
        case ast.Call(func=ast.Name(id=name), args=[value, *_]):
            return name in PASSING_FUNCTIONS and _is_text(value, known)
    return False


def _reads(node: ast.AST, known: set[str]) -> bool:
    match node:
        case ast.Attribute(attr="str", value=value):
            return _is_text(value, known)
        case ast.Call(func=ast.Attribute(attr="query"), args=[ast.Constant(value=str(asked)), *_]):
            return any(word in asked for word in WATCHED)
        case ast.Call(func=ast.Attribute(value=value, attr=name), args=args):
            if name in STRING_METHODS | COMPARING_METHODS and _is_text(value, known):
                return True
            return name in REGEX_METHODS and any(_is_text(argument, known) for argument in args)
        case ast.Compare(left=left, ops=ops, comparators=others):
            sides = [left, *others]
            if not any(isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for op in ops):
                return False
            texts = [side for side in sides if _is_text(side, known)]
            return bool(texts) and not _asks_whether_any(texts, sides)
        case ast.Match(subject=subject):
            return _is_text(subject, known)
    return False


def _asks_whether_any(texts: list[ast.expr], sides: list[ast.expr]) -> bool:
    """Whether there is a note or a reason; the empty variant and contrast are chosen by `select`."""
    empty = any(isinstance(side, ast.Constant) and side.value == "" for side in sides)
    return empty and not any(word in ast.unparse(text) for text in texts for word in ("contrast", "variant"))


# Files that still do: a file that no longer does fails here and leaves the list, which shrinks to nothing.
READ_TEXTS: set[str] = set()


@pytest.mark.parametrize("path", [*_files(), *sorted((SOURCE / "cli").rglob("*.py"))], ids=_name)
def test_no_code_reads_facts_out_of_words(path: Path) -> None:
    if (SOURCE / "swa" / "tables") in path.parents:
        return
    found = [f"{_name(path)}:{line}: {code}" for line, code in readings(path.read_text(encoding="utf-8"))]
    if _name(path) in READ_TEXTS:
        assert found, f"{_name(path)} no longer reads texts: take it off the list"
    else:
        assert not found, "\n".join(found)


def test_the_list_of_files_that_read_texts_has_no_other() -> None:
    assert not READ_TEXTS - {_name(path) for path in [*_files(), *(SOURCE / "cli").rglob("*.py")]}


@pytest.mark.parametrize(
    "code",
    [
        'parts = note.split("; ")',
        'method.startswith("no interval")',
        'treatment, _, base = str(contrast).partition(":")',
        'doubt = rows["note"].astype(str).str.startswith("doubtful")',
        'row.note.removeprefix("above ")',
        'float(re.search("above ([0-9.]+)", note)[1])',
        'LIMIT.findall(row["note"])',
        'own = rows[rows["contrast"] == "ketamine:baseline"]',
        'own = rows[rows["contrast"].isin(wanted)]',
        'whole = table[table["variant"].fillna("") == ""]',
        'whole = table[table["variant"].eq("")]',
        "own = table.query(\"contrast == 'a:b' and p < .05\")",
        'if "gain" in row["verdict_reasons"]:\n    pass',
        'if row.get("reason") != "minutes":\n    pass',
        'last = table.loc[rows, "note"].str[-1]',
        'match reason:\n    case "gain":\n        pass',
        'for part in notes:\n    part.endswith(".")',
        'names = [name.split(":")[0] for name in dict.fromkeys(rows["contrast"])]',
        'def f(rows):\n    text = rows["note"].iloc[0]\n    return text.partition(";")',
        'for (name, arm), own in rows.groupby(["contrast", "arm"]):\n    name.replace(":", " against ")',
        'for text, p in zip(rows["method"], rows["p"]):\n    text == "t"',
        'plain = rows["note"].map(lambda text: text.split(";")[0])',
    ],
)
def test_code_that_reads_a_text_is_found(code: str) -> None:
    assert list(readings(code))


@pytest.mark.parametrize(
    "code",
    [
        'note = "; ".join(reason.words for reason in reasons)',
        "told = KIND.among(reasons)",
        'if reason.code == "gain" and contrast.treatment == base:\n    pass',
        'if note or row["note"] != "":\n    pass',
        'own = select(rows, contrast=str(contrast), variant="")',
        'rows["note"] = rows["note"].where(known, "")',
        'for contrast, own in rows.groupby("contrast"):\n    tables[contrast] = own',
        'name.split(":")',
        'line = f"{note} ({method})"',
    ],
)
def test_code_that_writes_or_passes_a_text_on_is_left_alone(code: str) -> None:
    assert not list(readings(code))
