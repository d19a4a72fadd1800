"""What one label of a recording says: the kind of signal, its electrodes, and the name we give it.

Only the words are judged here; rates, units and derivations are the business of `channels`.
"""

import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

# Labels are compared in lower case without accents, so the patterns below are lower case.
_SEPARATOR = r"[\s:/.\-]*"
SITE = r"(?:fp|af|ft|fc|tp|cp|po|f|t|c|p|o)(?:z|10|[1-9])|nz|iz"
MASTOID = r"[ma][12]"
EYE = r"e[12]|loc|roc|eog\s?[lrhv12]|[lrhv]\s?eog|pg[12]|[lr]\s?eye"
_LINKED = r"\(?([ma])1\s?[+/]?\s?[ma]2\)?(?:\s?/\s?2)?"
COMMON_REFERENCES = {
    "le": "LE", "ref": "Ref", "reference": "Ref", "avg": "AVG", "ave": "AVG", "av": "AVG", "average": "AVG",
    "car": "CAR", "ar": "AR", "cle": "CLE", "linked": "LE", "vref": "VRef", "org": "Org", "cs": "CS", "nose": "Nose",
    "ler": "LER", "lm": "LM", "g2": "G2", "x": "x",
}  # fmt: skip
_COMMON_REFERENCE = "|".join(sorted(COMMON_REFERENCES, key=len, reverse=True))
_DERIVATION = re.compile(
    rf"(?P<plus>{EYE}|{SITE}|{MASTOID})(?:{_SEPARATOR}(?:eeg\s)?[(\[]?"
    rf"(?P<minus>{_LINKED}|{_COMMON_REFERENCE}|{EYE}|{SITE}|{MASTOID})[)\]]?(?:-\d)?|-0)?"
)  # mne numbers labels that repeat: `C3-A2-0`, `C3-A2-1`
_DEVICE = re.compile(r"(?:psg|pol)[\s:\-]+(.+)")  # what some systems write before every label
_PREFIX = re.compile(r"(eeg|eog|emg|ecg|ekg)(?:[\s:\-]+|(?=[(\[]))(.+)")
_EGI_ELECTRODE = re.compile(rf"(?:eeg )?(e\d{{1,3}})(?:{_SEPARATOR}(?:{_COMMON_REFERENCE}))?")
_BIOSEMI_ELECTRODE = re.compile(r"(?:eeg )?([a-h]\d{1,2})")
_NET_SIZE = 8  # this many E1, E2, E3 ... are a net: an eye montage has two, with spares four

_PLAIN_EEG = re.compile(
    r"eeg[\s\-]?(?:(?:ch(?:an(?:nel)?)?|lead)?[\s\-]?\d{1,3}|[lr]|[(\[]?(?:sec|second|left|right|frontal|central|occipital)[)\]]?)?"
)
_IMPEDANCE = re.compile(r"\bimp\b|imp[a-z]{0,2}dan[cz]")  # `Impédance` whose é was lost reads `impdance`
_HEART = re.compile(r"\b(?:ecg|ekg)|(?:ecg|ekg)\b")
_EYES = re.compile(r"eog|(?:\b|left|right)eyes?\b")
_LEG = re.compile(r"leg|tib|plm|limb|jambe|bein|pierna|gamba|\b[lr]at\b")
_OTHER_MUSCLE = re.compile(
    r"\barm|masseter|intercost|diaphr|deltoid|bicep|neck|trapez|scalen|\bf[di]s\b|\bedb\b|\bfdi\b"
)
CHIN = re.compile(r"(?<!ma)chin|mental|menton|kinn|\bment\b")
_MUSCLE = re.compile(r"\bemg|emg\d?\b")
_NOX_CHIN = re.compile(r"([12])-([2f])")
_OTHER: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("annotations", re.compile(r"annotation")),
    ("a scoring stored as a signal", re.compile(r"hypno|stage|stade|scoring")),
    ("status, trigger or marker", re.compile(r"status|marker|event|trig|\bdc ?\d*\b|batter|akku|voltage|erg\d|sync")),
    ("oxygen, carbon dioxide or pulse", re.compile(
        r"o2|satur|\box\b|pleth?|puls|\bptt\b|\bpwa\b|\bpr\b|heart|\bh\.?r\b|\bbeat")),
    ("respiration", re.compile(
        r"resp|flow|\bair\b|nasal|thor|\bther|\babd|abdo|chest|effort|snor|cpap|pres|\brip|\bn[ap]f|\bv(?:ab|th)")),
    ("position or movement", re.compile(r"\bpos|lage|activ|accel|axis|elevation|movement|angle|gravity")),
    ("temperature, light or sound", re.compile(r"temp|light|licht|audio|volume|sound|phono|\bmic")),
)  # fmt: skip
# Rows of sites, in per cent of the arc from nasion to inion.
_ROWS = {
    "n": 0, "fp": 10, "af": 20, "f": 30, "fc": 40, "ft": 40, "c": 50, "t": 50, "cp": 60, "tp": 60, "p": 70, "po": 80,
    "o": 90, "i": 100,
}  # fmt: skip
SHORT_LEAD = "a short bipolar lead: slow waves are smaller than against a mastoid, for which limits in µV are made"
_UNKNOWN = "not recognised; if it is one, name its role in the setting channels.roles"


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What a label says. `plus` and `minus` are electrodes, empty where the label names none."""

    role: str
    name: str
    plus: str = ""
    minus: str = ""
    note: str = "as recorded"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What only the labels of the whole file tell."""

    net: re.Pattern[str] | None = None  # electrodes of a net whose names look like eyes, mastoids or 10-20 sites
    nox_chin: bool = False  # chin electrodes 1, 2 and F


def find_layout(labels: Iterable[str]) -> Layout:
    """Look for what no label tells alone: E1 may be an eye or one of 256 electrodes, A1 a mastoid or one of 32."""
    texts = {clean_label(label) for label in labels}
    nox_chin = bool(texts & {"1-f", "2-f"})
    for pattern, letter in ((_BIOSEMI_ELECTRODE, "a"), (_EGI_ELECTRODE, "e")):
        electrodes = {match.group(1) for text in texts if (match := pattern.fullmatch(text))}
        if sum(electrode.startswith(letter) for electrode in electrodes) >= _NET_SIZE:
            return Layout(net=pattern, nox_chin=nox_chin)
    return Layout(nox_chin=nox_chin)


def read_label(label: str, layout: Layout) -> Meaning:
    """Tell what one label means; what a label rules out (impedance, heart) is asked before what it may be."""
    text, tidy = clean_label(label), tidy_label(label)
    if device := _DEVICE.fullmatch(text):
        text = device[1]
    return _read_by_layout(text, tidy, layout) or _read_electrodes(text, tidy) or _read_words(text, tidy)


def _read_by_layout(text: str, tidy: str, layout: Layout) -> Meaning | None:
    """What is no voltage of the body, and what only the labels of the whole file tell."""
    if _IMPEDANCE.search(text):
        return Meaning(role="ignore", name=tidy, note="impedance")
    if layout.net is not None and (electrode := layout.net.fullmatch(text)):
        name = electrode.group(1).upper()
        if layout.net is _BIOSEMI_ELECTRODE:
            name = f"Net {name}"  # its C4 is not the C4 of the 10-20 system
        return Meaning(role="eeg", name=name, note="electrode of a numbered net, recorded reference")
    if layout.nox_chin and _NOX_CHIN.fullmatch(text):
        return Meaning(role="emg", name=f"Chin{text.upper()}", note="chin electrodes 1, 2 and F (Nox labels)")
    return Meaning(role="ecg", name=tidy) if _HEART.search(text) else None


def _read_electrodes(text: str, tidy: str) -> Meaning | None:
    prefix, rest = _split_prefix(text)
    derivation = _DERIVATION.fullmatch(rest)
    if derivation and (prefix in ("", "eeg") or (prefix == "eog" and re.fullmatch(EYE, derivation["plus"]))):
        return _read_derivation(derivation["plus"], derivation["minus"] or "", tidy)
    if prefix == "eog" or (not prefix and _EYES.search(text)):
        return Meaning(role="eog", name=_without_prefix(tidy, prefix, rest))
    return None


def _read_words(text: str, tidy: str) -> Meaning:
    if _LEG.search(text) or _OTHER_MUSCLE.search(text):
        return Meaning(role="ignore", name=tidy, note="a muscle other than the chin")
    for reason, pattern in _OTHER:
        if pattern.search(text):
            return Meaning(role="ignore", name=tidy, note=reason)
    prefix, rest = _split_prefix(text)
    if CHIN.search(text) or prefix == "emg" or _MUSCLE.search(text):
        note = "as recorded" if CHIN.search(text) else "EMG whose muscle the label does not name, taken for the chin"
        return Meaning(role="emg", name=_without_prefix(tidy, prefix, rest), note=note)
    if _PLAIN_EEG.fullmatch(text):
        return Meaning(role="eeg", name=tidy, note="as recorded; the label does not name the electrode")
    return Meaning(role="ignore", name=tidy, note=_UNKNOWN)


def _read_derivation(plus: str, minus: str, tidy: str) -> Meaning:
    plus, minus = _format_electrode(plus), _format_electrode(minus)
    name = f"{plus}-{minus}" if minus else plus
    is_eye = re.fullmatch(EYE, plus.lower()) is not None
    if not re.fullmatch(MASTOID, plus.lower()):
        note = f"as recorded; {SHORT_LEAD}" if is_short_lead(name) else "as recorded"
        return Meaning(role="eog" if is_eye else "eeg", name=name, plus=plus, minus=minus, note=note)
    if minus and minus not in COMMON_REFERENCES.values():
        both = re.match(MASTOID, minus.lower()) is not None
        note = "mastoid against mastoid" if both else "mastoid minus electrode: the polarity is inverted"
        return Meaning(role="ignore", name=tidy, note=note)
    return Meaning(role="mastoid", name=name, plus=plus, minus=minus, note="mastoid electrode: a reference, not a site")


def is_short_lead(name: str) -> bool:
    """Whether a derivation lies between two sites less than two steps of the 10-20 system (40 % of an arc) apart."""
    places = [_place(electrode) for electrode in name.lower().split("-")]
    if len(places) != 2 or places[0] is None or places[1] is None:
        return False
    return math.dist(places[0], places[1]) < 40


def _place(electrode: str) -> tuple[int, int] | None:
    """Site on the scalp in per cent of the arcs: from left to right, and from nasion to inion."""
    electrode = {"t3": "t7", "t4": "t8", "t5": "p7", "t6": "p8"}.get(electrode, electrode)
    site = re.fullmatch(r"([a-z]+?)(z|\d+)", electrode)
    if not re.fullmatch(SITE, electrode) or site is None:
        return None
    number = 0 if site[2] == "z" else int(site[2])
    return (number + 1) // 2 * (-10 if number % 2 else 10), _ROWS[site[1]]


def _format_electrode(text: str) -> str:
    """Write an electrode or reference as the 10-20 system does: ``FPZ`` is ``Fpz``, ``a1+a2`` is ``A1A2``."""
    if text in COMMON_REFERENCES:
        return COMMON_REFERENCES[text]
    if linked := re.fullmatch(_LINKED, text):
        return f"{linked.group(1)}1{linked.group(1)}2".upper()
    if re.fullmatch(SITE, text):
        letters = text.rstrip("z0123456789")
        return ("Fp" if letters == "fp" else letters.upper()) + text[len(letters) :]
    return re.sub(r"\s", "", text).upper()


def _split_prefix(text: str) -> tuple[str, str]:
    """Split `eeg c4-a1` into the kind of signal and the rest; the kind is empty where the label does not begin so."""
    if match := _PREFIX.fullmatch(text):
        return match.group(1), re.sub(r"^[(\[]|[)\]]$", "", match.group(2)).strip()
    glued = text.removeprefix("eeg")
    return ("eeg", glued) if glued != text and _DERIVATION.fullmatch(glued) else ("", text)


def _without_prefix(tidy: str, prefix: str, rest: str) -> str:
    """Drop the prefix of `EMG EMG1` and `EMG Chin`, where the rest says as much; keep that of `EOG horizontal`."""
    if prefix and (rest.startswith(prefix) or "chin" in rest):
        return tidy[len(prefix) :].strip(" _:-()[]") or tidy
    return tidy


def tidy_label(label: str) -> str:
    """Write the label as in the file, without control characters and repeated spaces."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in label).split())


def clean_label(label: str) -> str:
    """Lower case, no accents, one kind of dash, single spaces, no brackets around the whole."""
    text = re.sub(r"[\u2010-\u2015\u2212]", "-", label)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    text = " ".join(re.sub(r"[_\x00-\x1f\x7f]", " ", text).split()).rstrip(" .")
    return text[1:-1].strip() if re.fullmatch(r"\([^()]*\)|\[[^\[\]]*\]", text) else text
