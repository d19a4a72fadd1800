"""Settings as TOML writes them, and what to write where a value or a line of a file is otherwise."""

import json
import math
import re
import tomllib
from collections.abc import Callable
from typing import NamedTuple

_NUMBER = re.compile(r"\d+[.,]\d+|\d+|[.,]\d+")
_QUANTITY = re.compile(rf"\s*({_NUMBER.pattern})\s*([a-zµ]*|%)\s*", re.IGNORECASE)
_QUOTES = "\"'“”„‟«»‘’‚`"
_KEY = re.compile(r"\s*([\w.\-]+)\s*[=:]\s*(.*?)\s*")
_GROUP = re.compile(r"\s*\[\s*(\w+)\s*\]?\s*(?:#.*)?")
_AT_LINE = re.compile(r"\(?at line (\d+), column \d+\)?")
_COUNTS = {2: "two numbers", 3: "three numbers"}
LONGEST_LINE = 100  # characters of a line in a message


class Option(NamedTuple):
    """A setting as far as its form goes: `is_open` are lists of any length."""

    name: str
    default: object
    description: str
    is_open: bool = False


def toml_value(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{toml_value(key)} = {toml_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, tuple):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    if isinstance(value, float) and math.isinf(value):
        return "inf"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def expected_form(option: Option, given: object) -> str:
    """What a setting is to be, and how it is written: with what was given where that tells it, else as the default.

    Parameters
    ----------
    option : Option
        The setting.
    given : object
        Its value in the wrong form, or the text of a line behind its key.
    """
    default = option.default
    if isinstance(default, bool):
        what, own = "true or false", str(given).lower() if str(given).lower() in ("true", "false") else ""
    elif isinstance(default, int):
        what, own = "a whole number", ""
    elif isinstance(default, float):
        what, own = "a number, with a point", _number(given)
    elif isinstance(default, tuple) and default and not isinstance(default[0], str):
        numbers = "numbers" if option.is_open else _COUNTS.get(len(default), "numbers")
        what, own = f"{numbers}, with points, in brackets", _numbers(given, 0 if option.is_open else len(default))
    elif isinstance(default, tuple):
        named = str(given).strip(f"{_QUOTES}[] ")
        what, own = "names in quotes and brackets", f'["{named}"]' if _is_name(named) else ""
    elif isinstance(default, dict):
        example = re.search(r"\{.*\}", option.description)
        return f"expected are pairs in braces, like {option.name} = {example[0] if example else toml_value(default)}"
    else:
        text = str(given).strip(f"{_QUOTES} ")
        what, own = "a text in quotes", toml_value(text) if text and not isinstance(given, list | dict) else ""
    shown = f": {option.name} = {own}" if own else f", like {option.name} = {toml_value(default)}"
    return f"expected {'are' if isinstance(default, tuple) else 'is'} {what}{shown}"


def _is_name(text: str) -> bool:
    return bool(text) and not re.search(r'[,{}"=]', text)


def _number(given: object) -> str:
    """The one number of a text, also with a decimal comma, a unit or per cent; empty where there is none or two."""
    match = _QUANTITY.fullmatch(str(given).strip(_QUOTES)) if isinstance(given, str) else None
    if match is None:
        return ""
    number = float(match[1].replace(",", "."))
    return f"{number / 100 if match[2] == '%' else number:g}"


def _numbers(given: object, wanted: int) -> str:
    """The numbers of a text in brackets; empty unless it has as many as are wanted (0: any number of them)."""
    found = [] if isinstance(given, list | dict) else [f"{float(each.replace(',', '.')):g}" for each in
                                                       _NUMBER.findall(str(given))]  # fmt: skip
    return f"[{', '.join(found)}]" if found and len(found) == (wanted or len(found)) else ""


def tell_line(text: str, error: ValueError, find: Callable[[str], Option | None]) -> str:
    """Show the line of a settings file that the parser of TOML stumbles over, and how to write it.

    Parameters
    ----------
    text : str
        The file.
    error : ValueError
        Of the parser; it names the line, unless that is the last one.
    find : callable
        Finds the setting of a key such as ``power.swa_hz``.
    """
    lines = text.rstrip().splitlines()
    named = _AT_LINE.search(str(error))
    number = min(int(named[1]), len(lines)) if named else len(lines)
    line = lines[number - 1].strip() if lines else ""
    why = re.sub(r" *\(at [^()]*\)$", "", str(error))
    told = f"not readable as TOML ({why}), line {number}: {line[:LONGEST_LINE]}"
    if line.startswith("["):
        return told + ("" if _is_toml(line) else "; a group stands in a line of its own, in brackets, like [power]")
    key = _KEY.fullmatch(line)
    if key is None or _is_toml(line):
        return told
    groups = [match[1] for above in lines[: number - 1] if (match := _GROUP.fullmatch(above))]
    option = find(".".join([*groups[-1:], key[1]]))
    return f"{told}; {expected_form(option, key[2])}" if option else told


def _is_toml(line: str) -> bool:
    try:
        return bool(tomllib.loads(line))
    except ValueError:
        return False
