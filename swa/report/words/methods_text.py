"""The methods paragraph for a paper, made from the settings in force, with its references."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from swa.comparison.compared_nights import MOST_NAMED, text_column
from swa.comparison.designs import ContrastDesign
from swa.comparison.designs.statement import find_limits
from swa.report.facts import StudyFacts, count_uses, done_nights, of_conditions
from swa.report.words.afterwards import changed_nights, named_late
from swa.report.words.names import in_sentence
from swa.report.words.numbers import join, limit, plural, share, span
from swa.report.words.references import bibtex, cite, source
from swa.report.words.sentences import LIMITS
from swa.settings import Settings
from swa.study.store import StoredNight
from swa.tables.design_limit import DesignLimit

FIELD = re.compile(r"\{\{|\}\}|\{cite:(?P<keys>[^{}]+)\}|\{(?P<group>\w+)\.(?P<key>\w+)\}")
# Settings that are a choice between ways, in words.
CHOICES = {
    ("cycles.sleep_onset", "sustained"): "first epoch of 90 s or more of uninterrupted sleep",
    ("cycles.sleep_onset", "first_n2"): "first epoch of N2",
    ("cycles.rule", "sleepcycles"): "a REM period alone and never by wakefulness",
    ("cycles.rule", "feinberg1979"): "a REM period or as long without NREM sleep",
    ("cycles.split_skipped_rem", True): "were split at the first N3 after more than 12 min without N3",
    ("cycles.split_skipped_rem", False): "were not split",
    ("waves.filter", "butterworth"): "a Butterworth filter run forward and backward",
    ("waves.filter", "fir"): "a zero-phase FIR filter",
    ("windows.common_minutes", True): "cut to the minutes of N2 and N3 that the compared nights of a subject share",
    ("windows.common_minutes", False): "uncut, however long",
    ("spindles.channels", "central"): "one central derivation",
    ("spindles.channels", "all"): "every derivation",
}
SHARES = ("artifacts.bad_channel_share", "power.overlap", "comparison.confidence", "comparison.cv")
AMPLITUDES = ("waves.negative_uv", "waves.peak_to_peak_uv")
PRESET_SOURCES = {
    "massimini2004": "massimini2004",
    "carrier2011": "carrier2011",
    "molle": "molle2002",
    "yasa": "vallat2021",
}
# What a methods section needs and no recording says.
LEFT_TO_FILL_IN = (
    "amplifier, electrodes, montage, online reference, ground, hardware filters and impedances",
    "participants, their selection, medication and diagnosis; ethics approval",
    "dose, route and time of each treatment; randomisation and blinding",
    "who scored the nights where the scoring was not automatic, and how raters agreed",
    "when the primary outcome was decided on, and where that is registered",
    "availability of the data",
)


@dataclass(frozen=True, kw_only=True)
class Section:
    """A paragraph with what a page writes over and below it: its title, and what it cites."""

    title: str
    text: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MethodsText:
    """A methods section.

    Attributes
    ----------
    sections : tuple of Section
        The text.
    references : str
        What it cites, as BibTeX.
    missing : tuple of str
        What it cannot know.
    """

    sections: tuple[Section, ...]
    references: str
    missing: tuple[str, ...]

    @property
    def text(self) -> str:
        """The paragraphs, with an empty line between them."""
        return "\n\n".join(section.text for section in self.sections) + "\n"


class _Writer:
    """Fills ``{group.key}`` with a setting and ``{cite:key}`` with a reference, and remembers which it wrote."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.said: set[str] = set()
        self.cited: dict[str, None] = {}

    def section(self, title: str, template: str) -> Section:
        """Fill a paragraph and list what it cites."""
        known = dict(self.cited)
        self.cited = {}
        text = FIELD.sub(self._write, template)
        here, self.cited = self.cited, known | self.cited
        return Section(title=title, text=text, sources=tuple(source(key) for key in here))

    def _write(self, field: re.Match[str]) -> str:
        if field["keys"]:
            keys = field["keys"].split("+")
            self.cited |= dict.fromkeys(keys)
            return "; ".join(cite(key) for key in keys)
        if not field["group"]:
            return field[0][0]  # a brace of a name
        name = f"{field['group']}.{field['key']}"
        self.said.add(name)
        return write_setting(name, getattr(getattr(self.settings, field["group"]), field["key"]))


def write_setting(name: str, value: object) -> str:
    """A setting, by its name ``group.key``, as a text writes it."""
    if isinstance(value, str | bool) and (name, value) in CHOICES:
        return CHOICES[name, value]
    match value:
        case (float() as low, float() as high):
            if name not in AMPLITUDES and math.isfinite(high):
                return span((low, high))
            return limit((low, high), "µV" if name in AMPLITUDES else "").strip()
        case tuple():
            return join([write_setting(name, part) for part in value]) or "none"
        case dict():
            return "; ".join(f"{key}: {write_setting(name, part)}" for key, part in value.items()) or "none"
        case float():
            return share(value) if name in SHARES else f"{value:g}"
    return str(value)


def write_methods(
    facts: StudyFacts,
    nights: Iterable[StoredNight],
    *,
    primary: str = "",
    designs: Sequence[ContrastDesign] = (),
    losses: Sequence[str] = (),
) -> MethodsText:
    """Write the methods section of a study.

    Parameters
    ----------
    facts : StudyFacts
        Nights and settings.
    nights : iterable of StoredNight
        The finished nights, for channels and versions.
    primary : str
        The declared primary in words; empty where none was declared.
    designs : sequence of ContrastDesign
        Of the contrasts over subjects, which say how they are tested.
    losses : sequence of str
        Contrasts of which more subjects are lost on one side, in words.

    Notes
    -----
    Every setting in force is either in the text or listed at its end where it differs from the default, so that texts
    of two runs differ exactly in what differs between their settings.
    """
    if done_nights(facts.nights).empty:
        nothing = Section(title="Nights", text="No night could be analysed, so there are no methods to report.")
        return MethodsText(sections=(nothing,), references="", missing=LEFT_TO_FILL_IN)
    writer = _Writer(facts.settings)
    found = _collect(nights)
    versions = {name: " / ".join(values) for name, values in found.versions.items()}
    preset = PRESET_SOURCES.get(facts.settings.waves.name)
    dropped = DROPPED if _has_pairs(facts) else DOUBTED
    follow = f" These limits follow ({{cite:{preset}}})." if preset else ""
    compared = COMPARISON + _primary(primary, named_late(facts.late_primary, facts.settings)) + _tests(designs, facts)
    compared += "".join(f" {_literal(said)}" for said in (*losses, changed_nights(facts.late_nights)) if said)
    sections = [
        Section(title="Recordings", text=_recordings(facts, found)),
        writer.section(
            "Signal, sleep stages and cycles", _signal(versions) + _staging(facts) + _cycles(facts.settings)
        ),
        writer.section("Unusable time", ARTIFACTS + dropped),
        writer.section("Power", POWER),
        writer.section("Slow waves", WAVES + follow),
        writer.section("Homeostasis, spindles and windows of the night", HOMEOSTASIS + SPINDLES + WINDOWS),
        *([writer.section("Comparison of nights", compared)] if facts.is_compared else []),
    ]
    closing = writer.section("Reporting", CLOSING)
    rest = _other_settings(facts.settings, writer.said | ({"comparison.primary"} if facts.is_compared else set()))
    return MethodsText(
        sections=(*sections, replace(closing, text=f"{rest} {closing.text}".strip())),
        references=bibtex(writer.cited, versions.get("swa", "")),
        missing=LEFT_TO_FILL_IN,
    )


CYCLES = (
    " Sleep onset was the {{cycles.sleep_onset}}. NREM periods ({{cite:{sources}}}) began with "
    "{{cycles.nrem_starts_with}}, lasted at least {{cycles.nrem_minimum_min}} min, tolerated REM sleep shorter than "
    "{{cycles.rem_minimum_min}} min and were ended by {{cycles.rule}}; {long} of more than 120 min "
    "{{cycles.split_skipped_rem}}. Cycles with less than {{cycles.n2_n3_minimum_min}} min of N2 and N3 were not "
    "measured."
)
CYCLE_RULES = {
    "sleepcycles": {"sources": "feinberg1979+blume2021", "long": "NREM periods"},
    "feinberg1979": {"sources": "feinberg1979", "long": "first NREM periods"},
}
ARTIFACTS = (
    "Signal was unusable, per derivation, where {artifacts.clipped_samples} or more consecutive samples lay at "
    "the limit of the recording, where it exceeded {artifacts.amplitude_uv} µV after a 0.3-Hz high-pass, where "
    "its range over 5 s was below {artifacts.flat_uv} µV, and where power at {artifacts.muscle_band_hz} Hz "
    "({artifacts.muscle_band_low_passed_hz} Hz in low-passed recordings) exceeded {artifacts.muscle_factor} times"
    " its moving median of {artifacts.muscle_median_s} s ({cite:brunner1996}) and {artifacts.muscle_least_uv} µV rms, "
    "which an amplifier may add ({cite:nuwer1998}). No rule removed slow waves for their"
    " size relative to the same night. A derivation with more than {artifacts.bad_channel_share} of its NREM "
    "sleep unusable in a night "
)
DROPPED = "was left out of all nights of the subject."
DOUBTED = "was marked as doubtful and left out of regional means."  # nothing is compared that it could distort
POWER = (
    "Power spectra ({cite:welch1967}) were computed over {power.window_s}-s Hann windows with {power.overlap} "
    "overlap inside clean runs of one stage, each less its polynomial trend (order {power.trend_order}), and averaged "
    "arithmetically over windows and epochs. Slow-wave "
    "activity was the power at {power.swa_hz} Hz in N2 and N3 together; further bands were slow oscillation "
    "({power.slow_oscillation_hz} Hz), delta ({power.delta_hz} Hz), theta ({power.theta_hz} Hz), alpha "
    "({power.alpha_hz} Hz), sigma ({power.sigma_hz} Hz) and beta ({power.beta_hz} Hz); relative power was the "
    "share of {power.total_hz} Hz. The aperiodic exponent and offset came from a robust line through the log–log "
    "spectrum at {power.aperiodic_hz} Hz, on which peaks have no weight."
)
WAVES = (
    "Slow waves were detected with the criteria {waves.name} ({cite:riedner2007+esser2007}): the EEG was "
    "band-passed at {waves.band_hz} Hz ({waves.filter}, order {waves.filter_order}), negative half-waves of "
    "{waves.halfwave_s} s between zero crossings were measured, and a half-wave counted as a slow wave with a "
    "negative peak of {waves.negative_uv} and a peak-to-peak amplitude of {waves.peak_to_peak_uv}. Density is per"
    " minute of analysed time. The amplitude effect is that of the 90th percentile of all negative half-waves; "
    "densities of large waves use the 90th percentile of the subject's baseline nights as limit in all nights. "
    "Slopes are the negative peak over the time from the preceding, or to the following, zero crossing; to "
    "separate steepness from size they were also read off a robust log–log line of slope on amplitude at the 75th"
    " percentile of the subject's baseline waves."
)
HOMEOSTASIS = (
    "The dissipation of slow-wave activity ({homeostasis.band_hz} Hz) was described by an exponential decay to an"
    " asymptote, fitted to the log means of NREM cycles of a subject's nights with an initial level for each night "
    "({cite:rusterholz2010}), where at least {homeostasis.cycles_minimum} cycle means were available. Conditions were"
    " allowed to differ in the time constant or in the asymptote, and the initial levels are the average of these "
    "two models by their Akaike weights. "
)
SPINDLES = (
    "Spindles ({spindles.band_hz} Hz, {spindles.duration_s} s) were detected in {spindles.channels} "
    "({cite:vallat2021}). "
)
WINDOWS = (
    "Markers were taken over windows fixed beforehand: each NREM period, the whole night "
    "({windows.common_minutes}), and the first "
    "{windows.matched_min} min of clean NREM sleep, which are the same amount in every night; windows with less "
    "than {windows.minimum_min} min of usable signal were treated as missing."
)
COMPARISON = (
    "Nights were compared as log ratios to the baseline (the first found of {comparison.baseline}; minutes, "
    "latencies, counts and what can be negative as differences), with {comparison.confidence} intervals. The interval "
    "of one subject's change (± quantile × SD between nights × √(1/m + 1/k) for m treatment and k baseline nights) "
    "rests on the SD between baseline nights from {comparison.baseline_pairs_df} degrees of freedom on, otherwise on a "
    "stated reliability (ICC {comparison.icc}, CV {comparison.cv}; its use: {cite:jacobson1991}; the usual ICC of 0.76 "
    "is derived from {cite:tan2000}; parts of a night vary by multiples of it). The unit of every test was the night "
    "within the subject; tests were two-sided."
)
ADJUSTED = (
    "The p of the marker that leads was adjusted over the contrasts against the same condition, where there were "
    "several ({cite:holm1979}), and a change of it is told only where that p allows it; other p values were adjusted "
    "within contrast and role ({cite:benjamini1995}). Intervals were not adjusted."
)
CLOSING = (
    "This text holds the recommended items of reporting (COBIDAS-MEEG; {cite:pernet2020}) that recordings and settings "
    "know."
)


def _has_pairs(facts: StudyFacts) -> bool:
    """Whether a subject has more than one night."""
    return bool(done_nights(facts.nights)["subject"].duplicated().any())


@dataclass(frozen=True, kw_only=True)
class _Collected:
    channels: dict[str, dict[str, None]]
    rates: set[float]
    versions: dict[str, dict[str, None]]


def _collect(nights: Iterable[StoredNight]) -> _Collected:
    """EEG derivations with what was done to them, recording rates, and versions, over nights."""
    channels: dict[str, dict[str, None]] = {}
    rates: set[float] = set()
    versions: dict[str, dict[str, None]] = {}
    for night in nights:
        provenance = night.document.get("provenance", {})
        for channel in provenance.get("channels", []):
            if channel["role"] == "eeg":
                channels.setdefault(channel["name"], {})[channel["note"] or "as recorded"] = None
                rates.add(float(channel["rate_hz"]))
        for name, version in provenance.get("versions", {}).items():
            versions.setdefault(name, {})[version] = None
    return _Collected(channels=channels, rates=rates, versions=versions)


def _recordings(facts: StudyFacts, found: _Collected) -> str:
    text = _count_nights(facts)
    if found.channels:
        rates = join([f"{rate:g}" for rate in sorted(found.rates)])
        text += f" The EEG, recorded at {rates} Hz, was {_derivations(found.channels)}."
    which = {"all": " The recordings are simulated, not measured.", "some": " Some of the recordings are simulated."}
    return text + which.get(facts.simulated, "")


def _derivations(channels: Mapping[str, Iterable[str]]) -> str:
    """Derivations by how they were made: ``C4-M1 and F3-M2 (as recorded)``."""
    alike: dict[str, list[str]] = {}
    for name, notes in channels.items():
        for note in notes:
            alike.setdefault(note, []).append(name)
    return join([f"{_shown(names)} ({note})" for note, names in alike.items()])


def _shown(names: Sequence[str]) -> str:
    # Sixty-four derivations are no reading matter: the first and the last stand for them.
    return join(names) if len(names) <= 8 else f"{len(names)} derivations, {names[0]} to {names[-1]}"


def _count_nights(facts: StudyFacts) -> str:
    """How many nights were analysed, how many of them are compared, and why the others are not."""
    done = done_nights(facts.nights)
    use = count_uses(facts)
    parts = [f"{plural(n, 'night')} {name}" for name, n in use.by_condition.items()]
    parts += [f"{plural(use.before, 'night')} before the infusion"] if use.before else []
    text = f"We analysed {plural(len(done), 'night')} of {plural(done['subject'].nunique(), 'subject')}"
    text += f" and compared {use.compared} of them" if use.compared < len(done) else ""
    text += f" ({join(parts)})." if parts else "."
    reasons = text_column(facts.nights, "exclude")[text_column(facts.nights, "status") == "excluded"]
    given = reasons[reasons != ""].value_counts(sort=False)
    told = [of_conditions(facts), *(f"{reason}: {n}" for reason, n in given.items())]
    named = f" ({said})" if (said := "; ".join(text for text in told if text)) else ""
    for n, what, why in (
        (use.adaptation, "adaptation night", "not compared"),
        (use.copied, "further night", "not compared, since one recording stood for several nights"),
        (len(reasons), "further night", f"excluded by the user{named}"),
    ):
        text += f" {plural(n, what)} {'was' if n == 1 else 'were'} {why}." if n else ""
    lost = len(facts.nights) - len(done) - len(reasons)
    return text + (f" {plural(lost, 'further night')} could not be used." if lost else "")


def _signal(versions: Mapping[str, str]) -> str:
    others = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()) if name != "swa")
    program = f"swa {versions.get('swa', '')}".strip() + (f" (with {others})" if others else "")
    return (
        f"Recordings were processed with {program}. EEG was resampled once to {{signal.rate_hz}} Hz (SoX resampler, "
        "anti-aliased)."
    )


def _staging(facts: StudyFacts) -> str:
    """Who scored how many nights. Names of files often hold the date of a visit, and stand in no paper."""
    sources = text_column(done_nights(facts.nights), "staging_source")
    of_yasa = sources.str.startswith("YASA")
    if sources[of_yasa].nunique() > MOST_NAMED:  # other channels in each night
        sources = sources.str.partition(" (")[0]
    named = sources.where(of_yasa, "the scoring that came with the recording")
    counts = named.value_counts().sort_index()
    parts = [
        f"{_literal(str(name))}{' ({cite:vallat2021})' if str(name).startswith('YASA') else ''}"
        + (f" in {plural(int(n), 'night')}" if len(counts) > 1 else "")
        for name, n in counts.items()
    ]
    return f" Sleep stages came from {join(parts)}."


def _cycles(settings: Settings) -> str:
    return CYCLES.format(**CYCLE_RULES[settings.cycles.rule])


def _primary(primary: str, late: str) -> str:
    """What was named as the primary: when it was decided on, only a preregistration can say."""
    if not primary:
        return " No primary outcome was declared, so all results are exploratory."
    named = f" The primary outcome, as named in the settings or the study file, was {_literal(primary)}; "
    if late:
        return f"{named}{_literal(in_sentence(late)).removesuffix('.')}, so that all results are exploratory."
    return f"{named}all others were secondary or exploratory."


def _tests(designs: Sequence[ContrastDesign], facts: StudyFacts) -> str:
    """How the rows over subjects are tested, as their designs say; which contrasts, where not all in one way."""
    said: dict[str, list[ContrastDesign]] = {}
    for design in designs:
        said.setdefault(design.methods_words(facts.settings.comparison), []).append(design)
    if not said:
        return ""
    texts = []
    for words, own in said.items():
        names = f"{join([design.key.in_words for design in own])}: " if len(said) > 1 else ""
        cited = f" ({{cite:{'+'.join(own[0].sources)}}})." if own[0].sources else ""
        texts.append(_literal(f"{names}{words.removesuffix('.') if cited else words}") + cited)
    return f" Over subjects: {' '.join(texts)} {ADJUSTED}{_left_open(designs, facts)}"


def _left_open(designs: Sequence[ContrastDesign], facts: StudyFacts) -> str:
    """What the designs leave open of the cause of a change, and of which contrasts where not of all."""
    limits = find_limits(facts.nights, designs, facts.baseline)
    named: dict[DesignLimit, list[str]] = {}
    for contrast, found in limits.items():
        for one in found:
            named.setdefault(one, []).append(contrast.in_words)
    texts = [
        LIMITS[limit][1] if len(names) == len(limits) else f"{join(names)}: {in_sentence(LIMITS[limit][1])}"
        for limit, names in named.items()
    ]
    return "".join(f" {_literal(text)}" for text in texts)


def _literal(text: str) -> str:
    """A name within a template: its braces are no setting."""
    return text.replace("{", "{{").replace("}", "}}")


def _other_settings(settings: Settings, said: set[str]) -> str:
    """Settings that the text has not named and that are not the defaults."""
    usual = Settings()
    changed = []
    for group in type(settings).model_fields:
        own, default = getattr(settings, group), getattr(usual, group)
        for key in type(own).model_fields:
            name, value = f"{group}.{key}", getattr(own, key)
            if name not in said and value != getattr(default, key):
                changed.append(f"{name} = {write_setting(name, value)}")
    return f"Further settings that differ from the defaults: {'; '.join(changed)}." if changed else ""
