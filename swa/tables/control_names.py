"""Which conditions and arms are controls, by their names."""

import re

CONTROLS = {
    *("placebo", "sham", "saline", "vehicle", "control", "controls"),
    *("plazebo", "placébo", "kontrolle", "kochsalz", "kochsalzlösung", "nacl", "vehikel"),
    *("témoin", "temoin", "véhicule"),
}
_JOINED = re.compile(r"[+&/]|\b(?:and|plus|vs|versus|or|und|oder|et|ou|y)\b")
_GIVEN_IN = re.compile(r"(?<=\S)\s+(?:in|with|dissolved|diluted|mit|dans|avec|en|con)\s")


def is_control(condition: str) -> bool:
    """Whether the name of a condition or arm is that of a control: ``saline 0.9 %``, not ``ketamine+placebo``.

    Of a name that joins several each must be one; what something is given in (``ketamine in saline``) does not count.
    """
    parts = [re.findall(r"[^\W\d_]+", part) for part in _JOINED.split(_GIVEN_IN.split(condition.casefold())[0])]
    return all(words and {words[0], words[-1]} & CONTROLS for words in parts)
