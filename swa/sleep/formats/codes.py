"""What a label of a scoring means: the words of labs and vendors, and the tables by which numbers stand for stages.

Rechtschaffen & Kales' (1968) S1 is N1, S2 is N2, S3 and S4 are N3; movement time and everything unscored is no stage
(AASM manual, 2007 on). Numbers are read by one table for all scorings of a study, and asked about where the scorings
do not tell which.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from swa.errors import AmbiguousScoringError, ScoringError
from swa.sleep.formats.cells import is_number
from swa.sleep.formats.document import Document, EmptyScoringError, Marks

# --- words

_WORDS = {
    "W": "w,wake,awake,wakefulness,wk,wach,wachzustand,wachheit,eveil,eveille,veille,veglia,vigilia,despierto,acordado,"
    "desperto,wakker,waak,vaken,vaket,vagen,hereilla,valve,czuwanie,bdeni,bdelost,uyanik,uyanık,uyaniklik,uyanıklık,ebrenlet,"
    "бодрствование,覚醒,清醒,觉醒,각성,s0,0",
    "N1": "n1,s1,n 1,s 1,nrem1,nrem 1,nonrem1,nonrem 1,non rem 1,non rem1,1,i",
    "N2": "n2,s2,n 2,s 2,nrem2,nrem 2,nonrem2,nonrem 2,non rem 2,non rem2,2,ii",
    "N3": "n3,n4,s3,s4,n 3,n 4,s 3,s 4,nrem3,nrem 3,nrem4,nrem 4,nonrem3,nonrem 3,nonrem4,nonrem 4,non rem 3,"
    "non rem 4,non rem3,non rem4,3,4,3/4,3+4,n3/n4,s3/s4,n3+n4,s3+s4,iii,iv",
    "R": "r,rem,paradoxal,mor",
    "UNS": "?,uns,unscored,notscored,not scored,art,artifact,artefact,artefakt,artefatto,artefacto,artefato,mt,m,"
    "movement,movement time,mouvement,movimento,movimiento,beweging,bewegung,u,l,unknown,undefined,unsure,nan,n/a,"
    "no stage,nostage,nicht bewertet,nicht klassifiziert,unbewertet,bewegungszeit,"
    "non classe,non score,sin clasificar,no clasificado,nao classificado",
}
_SLEEP = {
    "W": "sdo:wakestate,sro:wake",
    "N1": "sdo:nonrapideyemovementsleep n1,sro:stage1sleep",
    "N2": "sdo:nonrapideyemovementsleep n2,sro:stage2sleep",
    "N3": "sdo:nonrapideyemovementsleep n3,sdo:nonrapideyemovementsleep n4,sro:stage3sleep,sro:stage4sleep,"
    "sro:stage34sleep,slow wave sleep,sws,deep sleep,tiefschlaf,sommeil profond,sommeil lent profond,sonno profondo,"
    "sueno profundo,sono profundo,diepe slaap",
    "R": "rem sleep,sdo:rapideyemovementsleep,sro:rapideyemovement,sommeil paradoxal,paradoxical sleep,sonno rem,"
    "sueno rem,sono rem,rem schlaf,remschlaf,rem slaap,remslaap,rem somn,remsomn,rem sovn,remsovn,rem uni,rem unisi,"
    "sen rem,rem spanek,rem uykusu,быстрый сон,レム睡眠,rem睡眠,快速眼动,快速眼动期,rem수면",
}
_PREFIXES = (
    "stage", "sleep stage", "nrem stage", "stade", "stade de sommeil", "stadium", "schlafstadium", "stadio",
    "stadio sonno", "fase", "fase de sueno", "etapa", "estadio", "estagio", "slaapstadium", "stadie", "sovnstadie",
    "sovnstadium", "somnstadium", "faza", "stadium snu", "spankove stadium", "evre", "uyku evresi", "vaihe", "univaihe",
    "стадия", "段階", "睡眠段階", "阶段", "睡眠阶段", "단계", "수면단계",
)  # fmt: skip
_PREFIXED = {word: stage for stage, words in _WORDS.items() for word in words.split(",") if word}
_NAMES = {word: stage for word, stage in _PREFIXED.items() if not re.fullmatch(r"\d|[iv/34+]+", word)}
# Numbers are stages only behind a word that says so: `stage 2`, `sleep stage 2`, `2 sleep` no more than `2`.
STAGE_BY_WORD = (
    _NAMES
    | {f"{prefix} {word}": stage for prefix in _PREFIXES for word, stage in _PREFIXED.items()}
    | {f"{prefix}{word}": stage for prefix in _PREFIXES for word, stage in _PREFIXED.items() if word[-1:] in "1234"}
    | {f"sleep {word}": stage for word, stage in _NAMES.items() if len(word) > 1}
    | {
        f"{word} sleep": stage
        for word, stage in _NAMES.items()
        if re.fullmatch(r"[ns] ?[1-4]|n(on|on )?rem ?[1-4]", word)
    }
    | {f"stage {n} sleep": _PREFIXED[n] for n in "1234"}
    | {word: stage for stage, words in _SLEEP.items() for word in words.split(",")}
    | {"": "UNS"}
)
# Measured on 66 public nights, their naps of 20 to 45 min and 44 tables that are none (benchmarks/no_scorings.py).
NIGHT_EPOCHS = 40  # of a nap of 20 min
_FEWEST_CODES = 3  # of a nap in numbers: less are flags
MOST_LABELS = 12  # of a night in words that nobody knows
SAME_AGAIN = 0.6  # of the epochs of a night; nine of ten are as the one before
_COLON = re.compile(rf"\b({'|'.join(_PREFIXES)}):")
_LIGHTS = re.compile(r"(?:lights?[ -]?(?:(?P<off>off|out)|on)|licht (?:(?P<aus>aus)|an))(?![a-z])")


@lru_cache(maxsize=2048)
def plain_word(label: str) -> str:
    """A label in lower case without accents, with single spaces; a number in its shortest form."""
    if is_number(label):
        return f"{float(label):g}"
    text = unicodedata.normalize("NFKD", label.casefold().replace("[", "").replace("]", ""))
    if text.isascii() or re.search("[a-z]", text):  # scripts without case lose nothing but their marks
        text = "".join(letter for letter in text if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[_-]+", " ", _COLON.sub(r"\1 ", unicodedata.normalize("NFKC", text))).split())


def is_stage_word(label: str, words: Mapping[str, str] = STAGE_BY_WORD) -> bool:
    """Whether a label is the name of a stage."""
    return plain_word(label) in words


def known_words(codes: Mapping[str, str]) -> Mapping[str, str]:
    """Stage by word, those of the settings among them."""
    return STAGE_BY_WORD | own_words(codes)


def own_words(codes: Mapping[str, str]) -> dict[str, str]:
    """Stage by word as the settings say; a number counts behind a word for stages, too (`Sleep stage 2`)."""
    own = {plain_word(code): stage for code, stage in codes.items()}
    named = {f"{prefix} {code}": stage for code, stage in own.items() if is_number(code) for prefix in _PREFIXES}
    return named | {f"stage {code} sleep": stage for code, stage in own.items() if is_number(code)} | own


def is_code(label: str) -> bool:
    """Whether a label is a whole number as codes of stages are."""
    return is_number(label) and re.fullmatch(r"-?\d", plain_word(label)) is not None


def is_night_of_codes(labels: Sequence[str]) -> bool:
    """Whether labels are number codes of a whole night, most of them as the one before: nothing else in a list is."""
    words = [plain_word(label) for label in labels if label]
    codes = [word for word in words if is_code(word)]
    again = sum(one == other for one, other in pairwise(codes))
    whole = len(codes) >= NIGHT_EPOCHS and len(codes) >= len(words) - 1
    return whole and len(set(codes) & set("012345")) >= _FEWEST_CODES and again >= SAME_AGAIN * len(codes)


def is_night_of_labels(labels: Sequence[str]) -> bool:
    """Whether labels, one an epoch, are nothing but the words or codes of a whole night."""
    words = [plain_word(label) for label in labels]
    again = sum(one == other for one, other in pairwise(words))
    whole = len(words) >= NIGHT_EPOCHS and all(word and (is_code(word) or word in STAGE_BY_WORD) for word in words)
    return whole and len(set(words)) >= _FEWEST_CODES and again >= SAME_AGAIN * len(words)


@lru_cache(maxsize=2048)
def lights_of(label: str) -> str:
    """``off`` or ``on`` where a label marks lights off or on, else empty: `Lights off@@EEG F4-A1`, `LIGHTS-ON`."""
    match = _LIGHTS.match(plain_word(label))
    if match is None:
        return ""
    return "off" if match["off"] or match["aus"] else "on"


# --- numbers

# What all known tables leave unscored: movement time (6), unscored (7, 8, 9), artefact and unscored of YASA.
_HIGH_CODES = ("6", "7", "8", "9")
_UNSCORED = dict.fromkeys((*_HIGH_CODES, "-1", "-2"), "UNS")
AASM_CODES = {"0": "W", "1": "N1", "2": "N2", "3": "N3", "4": "R", **_UNSCORED}
RK_CODES = {"0": "W", "1": "N1", "2": "N2", "3": "N3", "4": "N3", "5": "R", **_UNSCORED}
# Rechtschaffen & Kales' codes of Profusion as labels; 6 is movement time, 9 unscored.
PROFUSION_LABELS = {"0": "W", "1": "S1", "2": "S2", "3": "S3", "4": "S4", "5": "REM", "6": "MT", "9": "?"}
_DREAMS = (
    '[scoring] codes = { "5" = "W", "4" = "R", "3" = "N1", "2" = "N2", "1" = "N3", "0" = "N3", "-1" = "UNS", '
    '"-2" = "UNS", "-3" = "UNS" } and epoch_s = 5'
)
_MOST_SHOWN, _LONGEST_SHOWN = 5, 20  # labels in a message, and their letters
_MOST_REM = 0.6  # of sleep; real nights have at most a third
_S4_BESIDE_S3 = 0.6
_REM_BESIDE_N3 = 0.2  # of the changes from or to REM; in 89 real nights at most one of six


@dataclass(frozen=True, kw_only=True)
class CodesFound:
    """The number codes that a scoring uses for stages, where nothing else in it says what they mean.

    Attributes
    ----------
    codes : frozenset of str
        Those that at least one known table has for a stage.
    first : str
        Code of the first scored epoch.
    """

    codes: frozenset[str]
    first: str


def codes_found(marks: Marks) -> CodesFound | None:
    """The codes of a scoring that only other scorings or the settings can explain; None where there are none."""
    plain = [plain_word(label) for label in marks.labels]
    if marks.codes is not None:
        return None
    scored = [label for label in plain if is_code(label) and label not in _UNSCORED]
    if not scored or {"W", "R"} & {STAGE_BY_WORD.get(label) for label in plain}:
        return None
    return CodesFound(codes=frozenset(scored), first=scored[0])


def choose_codes(found: Iterable[CodesFound]) -> Mapping[str, str] | None:
    """The one table by which the number codes of all scorings of a study are read; None where they do not tell.

    A 4 is REM (AASM) or S4 (Rechtschaffen & Kales), and a 5 decides for the latter, unless nights begin with it: then
    it is wake, and the table runs the other way. A highest code of 3 may be N3 of nights without REM, or REM behind
    light and deep sleep, and a highest code of 2 REM behind sleep of one kind. A lowest code of 1 may be S1 of nights
    without wake, or wake.
    """
    scorings = list(found)
    codes = frozenset[str]().union(*(scoring.codes for scoring in scorings))
    if not {"0", "5"} <= codes:
        return None
    # Nights begin awake: with 0 by Rechtschaffen & Kales, with 5 where 0 is S4 (DREAMS) or REM.
    firsts = {scoring.first for scoring in scorings if {"0", "5"} <= scoring.codes}
    return RK_CODES if firsts == {"0"} else None


def to_stages(
    document: Document, marks: Marks, settings_codes: Mapping[str, str], study_codes: Mapping[str, str] | None
) -> tuple[list[str], bool]:
    """Stage of each label, and whether number codes were read by a table that nobody has named.

    Parameters
    ----------
    document : Document
        The file, for messages.
    marks : Marks
        Its labels, none of another event.
    settings_codes : mapping
        What the settings say of codes; it wins.
    study_codes : mapping or None
        The table of all scorings of the study, empty where they do not tell; None reads this one by itself.
    """
    plain = [plain_word(label) for label in marks.labels]
    own = own_words(settings_codes)
    codes = marks.codes or RK_CODES  # words for wake or REM leave numbers to the depth of sleep
    guessed = False
    if any(is_number(code) for code in settings_codes):
        codes = own
    elif (found := codes_found(marks)) is not None:
        told = choose_codes([found]) if study_codes is None else study_codes
        if not told:
            raise ambiguous_codes(document, found.codes | {word for word in plain if word in _HIGH_CODES})
        if told == RK_CODES and "5" not in found.codes and _may_be_rem(plain):
            raise AmbiguousScoringError(
                f"{document.name}: it has a 4 and no 5, others here have a 5: its 4 lies as REM does.",
                "Codes hold for all scorings of a study: write the stages of this one in words (W, N1, N2, N3, R).",
            )
        codes, guessed = told, True
    meanings = {**STAGE_BY_WORD, **codes, **own}
    unknown = [i for i, word in enumerate(plain) if word not in meanings]
    if len(unknown) == len(plain):
        refuse_one_label(document, marks.labels)
    if unknown:
        among = [i for i in unknown if 0 < i < len(plain) - 1 and {plain[i - 1], plain[i + 1]} <= set(meanings)]
        raise unknown_stages(document, [marks.labels[i] for i in unknown], [marks.labels[i] for i in among])
    return [meanings[label] for label in plain], guessed


def _may_be_rem(codes: Sequence[str]) -> bool:
    """Whether code 4 lies as REM does: S4 comes from S3 and goes to it (0.67 to 1 of its changes in 9 real nights)."""
    changes = [{before, after} for before, after in pairwise(codes) if before != after]
    of_four = [pair for pair in changes if "4" in pair]
    return sum("3" in pair for pair in of_four) < _S4_BESIDE_S3 * len(of_four)


def note_unscored_codes(marks: Marks, settings_codes: Mapping[str, str]) -> list[str]:
    """The codes above those of all tables that are read as unscored, where nobody has said so."""
    if marks.codes is not None or any(is_number(code) for code in settings_codes):
        return []
    counts = Counter(word for word in map(plain_word, marks.labels) if word in _HIGH_CODES)
    return [
        f"code {code} ({count} of {len(marks.labels)} stages) is read as unscored; [scoring] codes says what it means"
        for code, count in sorted(counts.items())
    ]


def check_plausible(document: Document, stages: NDArray[np.str_], labels: Sequence[str], *, whole: bool) -> None:
    """Refuse a reading of number codes (`labels`) that is no night of anybody; `whole` asks for wake at one end.

    Raises
    ------
    AmbiguousScoringError
        REM lies beside N3 again and again, more than 60 % of sleep is REM, neither end is awake, there is neither N2
        nor N3, or sleep begins otherwise than with N1 (76 of 78 real nights begin so, or do so most of the time).
    """
    scored = stages[stages != "UNS"]
    changes = [{before, after} for before, after in pairwise(scored) if before != after]
    of_rem = [pair for pair in changes if "R" in pair]
    beside = sum("N3" in pair for pair in of_rem)
    asleep = int(np.sum(scored != "W"))
    onsets = [str(after) for before, after in pairwise(scored) if before == "W" != after]
    wrong = ""
    if beside >= 2 and beside >= _REM_BESIDE_N3 * len(of_rem):
        wrong = f"{beside} of {len(of_rem)} changes from or to REM are from or to N3"
    elif asleep and np.sum(scored == "R") > _MOST_REM * asleep:
        wrong = f"{100 * np.sum(scored == 'R') / asleep:.0f} % of sleep is REM"
    elif whole and asleep and "W" not in (scored[0], scored[-1]):
        wrong = "neither its first nor its last epoch is wake"
    elif whole and not np.isin(scored, ("N2", "N3")).any():
        wrong = "there is neither N2 nor N3"
    elif whole and onsets and onsets[0] != "N1" and 2 * onsets.count("N1") <= len(onsets):
        wrong = f"sleep begins with {onsets[0]}, and {onsets.count('N1')} of {len(onsets)} times that it does with N1"
    if wrong:
        raise AmbiguousScoringError(
            f"{document.name}: its stage codes, as far as they tell their meaning, make no night: {wrong}.",
            name_them(sorted({plain_word(label) for label in labels if is_code(label)})),
        )


def shown_labels(labels: Sequence[str]) -> list[str]:
    """Labels that can be repeated: what stands in a file once may be a person's name."""
    return sorted(
        label
        for label, count in Counter(labels).items()
        if (count > 1 or len(label) <= 3) and len(label) <= _LONGEST_SHOWN and label.isprintable()
    )


def name_them(codes: Sequence[str]) -> str:
    """The line of settings that says what codes mean, with a gap for each answer: no example is taken for one."""
    if not codes:
        return 'Say what each means in the settings, quoted as it stands there: [scoring] codes = { "…" = "N2" }.'
    gaps = ", ".join(f'"{code}" = "…"' for code in codes[: _MOST_SHOWN if not all(map(is_code, codes)) else None])
    return f"Say what each means in the settings: [scoring] codes = {{ {gaps} }}, with W, N1, N2, N3, R or UNS for …."


def may_be_stages(name: str, labels: Sequence[str]) -> AmbiguousScoringError:
    """Ask about labels that stand where stages do and are none that is known."""
    shown = shown_labels(labels)
    found = ", ".join(map(repr, shown[:_MOST_SHOWN])) or f"{len(set(labels))} of its labels"
    return AmbiguousScoringError(
        f"{name}: {found} may be stages in words that are not known here: they last whole epochs where no other stage "
        f"stands.",
        name_them(shown),
    )


def refuse_one_label(document: Document, labels: Sequence[str]) -> None:
    """Say that a whole night has one label, and that this is no stage.

    Raises
    ------
    EmptyScoringError
        It names the label.
    """
    if len(set(labels)) == 1 and len(labels) >= NIGHT_EPOCHS and len(labels[0]) <= _LONGEST_SHOWN:
        told = f"{document.name}: all of its {len(labels)} stages are {labels[0]!r}, and that is none known here."
        raise EmptyScoringError(told, name_them(labels[:1]))


def unknown_stages(document: Document, labels: Sequence[str], among: Sequence[str] = ()) -> ScoringError:
    """Say that labels are no stages, and in which line of the file the first of each stands.

    Those `among` stages are no person's name, and are shown.
    """
    shown = list(dict.fromkeys([*(label for label in among if len(label) <= _LONGEST_SHOWN), *shown_labels(labels)]))
    lines = document.lines_with({*shown[:_MOST_SHOWN], *([] if shown else labels)})
    if not shown:
        number = len(set(labels))
        where = ", ".join(map(str, sorted(lines.values())[:_MOST_SHOWN]))
        where = f" (line{'s' if len(lines) > 1 else ''} {where})" if lines else ""
        found = f"{number} of its labels{where} {'is' if number == 1 else 'are'} no stage"
    else:
        named = [f"{label!r} (line {lines[label]})" if label in lines else repr(label) for label in shown]
        found = f"{', '.join(named[:_MOST_SHOWN])} {'is no stage' if len(shown) == 1 else 'are no stages'}"
    return ScoringError(f"{document.name}: {found} known here.", name_them(shown))


def ambiguous_codes(document: Document, numbers: Iterable[str]) -> AmbiguousScoringError:
    """Ask what number codes mean, with the line of settings that answers where it can be guessed."""
    codes = sorted(numbers)
    found = f"{document.name}: its stage codes ({', '.join(codes)}) could mean several things."
    named = document.table.names[:1] and document.table.names[0].startswith("hypnogram")
    if named and "5" in codes:
        return AmbiguousScoringError(
            found, f"If it is one of the DREAMS databases, set {_DREAMS}; else name each code there."
        )
    if set(codes) <= set("01234") and {"0", "4"} <= set(codes):
        return AmbiguousScoringError(
            found,
            'If 4 is REM, set [scoring] codes = { "0" = "W", "1" = "N1", "2" = "N2", "3" = "N3", "4" = "R" }; '
            'if it is S4, "4" = "N3" there.',
        )
    if set(codes) <= set("0123"):
        found = f"{found[:-1]}: {codes[-1]}, the highest, is REM in some tables and depth of sleep in others."
    return AmbiguousScoringError(found, name_them(codes))
