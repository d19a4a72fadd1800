"""Makes docs/measures.md, tables.md and choices.md from what the package knows of itself, and pictures.

python docs/make_measures.py
"""

import inspect
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from swa.comparison.controls.registry import control, group_control
from swa.comparison.designs import known_designs
from swa.comparison.designs.base import ContrastDesign, WithinSubjects
from swa.glossary import Entry, read_glossary, read_groups
from swa.measures.aperiodic import fit_aperiodic
from swa.measures.matched_slopes import fit_slope_line, reference_amplitude
from swa.measures.power import compute_window_spectra
from swa.measures.process_s import fit_process_s
from swa.measures.slow_waves import detect_in_trace, filter_for_waves
from swa.settings import ComparabilitySettings, Settings, WaveCriteria
from swa.sleep.formats.registry import FORMATS
from swa.tables.results_tables import MEASURES, STORED, SUBJECT_MEASURES
from swa.tables.schema import Column, fill

DOCS = Path(__file__).parent
INK, SOFT, ACCENT, SECOND = "#1f2933", "#9aa5b1", "#0b6e99", "#c2571a"
DESIGNS = """## Designs

The first of this order is taken whose rule the nights of a pair of conditions fit; `comparison.design` states one. Only
subjects who had both conditions count, so that a missing night makes a study smaller and no mixed model. Nights that
are left out take no part: where the design is another one than with them, `swa inspect` and `swa run` say so.
"""
INTRODUCTION = """# Measures

*Made from `swa/glossary.toml` by `docs/make_measures.py`; change it there.*

Every number of `measures.parquet` has one definition, one unit and one home in the code. Three words are never mixed:
**slow-wave activity** (SWA) is spectral power from 0.5 to 4 Hz, a **slow wave** is an event, a **slow oscillation** is
below 1 Hz. Signals are in µV, times in s from the first sample, densities per minute of *analysed* time. A value that
is missing has its reason in the column `note`; 0 means that none was there.

Each limit that is named here is a default: `swa settings` prints all of them, and the report those of a run.

## What holds for all of them

- **All of these are markers, not measurements of plasticity.** Circadian phase, prior wake, age, sex, medication and
  electrode gain move them as well.
- **A gain is not an effect.** An electrode or amplifier change by a factor g multiplies powers by g², amplitudes and
  slopes by g, and slopes at equal amplitude by g^(1−b). The gain check of `comparability.tsv` looks for it where a drug
  should not act; below its limit a change of gain is not excluded.
- **The filter is part of the definition.** The zero-phase band-pass of 0.5–4 Hz takes about a fifth off an isolated
  wave (more off long ones) and adds rebounds before and after it. Compare like with like: the presets of
  `WaveCriteria` differ in their amplitudes by more than many effects.
- **The window leaks.** A 5-s Hann window lets power in from below. On a spectrum that falls as 1/f² the band 0.5–1 Hz
  reads 10 % high when the recording's high-pass is at 0.3 Hz and 21 % when it is at 0.1 Hz, SWA 7 and 13 %, delta 3 %;
  bands above 4 Hz are within 0.2 %. Both nights of a comparison leak alike unless their high-pass or steepness differs.
- **A count without an amplitude limit measures nothing.** 45–57 half-waves a minute are found in N2, N3, REM, wake and
  pure 1/f² noise alike.
- **Means over waves above a limit are truncated.** When all waves grow by 20 %, their mean grows by 4–8 %, since small
  waves come over the limit. The 90th percentile of all half-waves grows by 20 %.
- **Stages.** NREM is N2 and N3. A drug that raises delta can move the border between them, so no headline rests on N3
  alone, and the windows `first60min`, `first90min`, `first120min` ask for no stage at all.

## Windows and stages

A row of `measures.parquet` and `contrasts.tsv` says over which part of the night it was taken. Windows are fixed
beforehand; none is chosen from the data.

- `night`: all epochs of the stages. SWA falls over a night, so that the mean of a shorter one is larger: N2 and N3 of a
  subject's nights are cut to the NREM time that all of them have, from sleep onset on. The variant `all minutes` is the
  whole. Aperiodic measures, spindles and coupling cannot be cut; where the nights' minutes differ by more than a tenth
  they are `caution`, with the size of what that length alone would do. One night alone is not cut.
- `cycle-1`, `cycle-2` …: one NREM cycle, that is the NREM period, by the rule of [methods](methods.md): at least
  15 min, ended by a REM period alone; for REM sleep the REM period after it (at least 5 min; the first may be shorter).
  A cycle with less than 15 min of N2 and N3 keeps its number and is not measured.
- `matched`: the first 60 min of clean N2 and N3, the same amount in every night; a night with less has no value.
- `hour-1`, `hour-2` …: N2 and N3 in each clock hour since sleep onset.
- `dosehour-1` …: N2 and N3 in each clock hour since the dose (`dose_start` of the study file). A night without a dose
  has the same clock hours, counted from the time of day of its subject's doses (of the study's where the subject had
  none), as though it had been given on the day of that night; where doses lie more than half an hour apart it has none.
- `first60min`, `first90min`, `first120min`: all clean epochs of the first minutes after sleep onset, **whatever their
  stage**, by the median over epochs. No stager can move them.

| stages | which epochs |
| --- | --- |
| `NREM` | N2 and N3 together |
| `N2`, `N3`, `REM`, `W` | one stage; single epochs and waves have `R` for REM sleep, as in AASM scoring |
| `any` | every stage |

**Sleep onset** is the first of three epochs of sleep in a row (setting: first N2). `SOL_min` of `nights.tsv` is
another definition, that of sleep laboratories: from lights off to the first single epoch of sleep.

**Clean** means that no artefact rule marks it. Shares of a night that rules remove are judged twice, for two questions:
a *night* gets a caution when they removed more than 5 % of its slow waves (setting `quality.lost_waves_share`), a
*contrast* when its nights differ by more than 3 points of the waves or 10 points of NREM
(`comparability.rejection_waves`, `comparability.rejection_share`).
"""
TABLES = """# Tables

*Made from `swa/tables/results_tables.py` by `docs/make_measures.py`; change it there.*

Every table of a results folder, column by column. `.tsv` files open in a spreadsheet, `n/a` is a missing value; the
same texts lie in the folder as JSON. Parquet files open with `swa.read_results`, pandas, R (`arrow`) or DuckDB.
"""
CHOICES = """# Designs, scorings and controls

*Made by `docs/make_measures.py` from what the files of `swa/comparison/designs/`, `swa/sleep/formats/` and
`swa/comparison/controls/` say of themselves; change it there.*
"""
PICTURES = {
    "waves": (
        "half-wave.svg",
        "One slow wave: start, negative peak, mid-crossing, positive peak, end; grey is the signal before the filter. "
        "The slopes are those of the straight lines; the maximum slopes are the steepest places of the curve.",
    ),
    "power": ("bands.svg", "A NREM spectrum of the simulator with its bands."),
    "aperiodic": (
        "aperiodic.svg",
        "The same spectrum with its aperiodic line; the area above it is `swa_above_aperiodic`.",
    ),
    "homeostasis": (
        "process-s.svg",
        "Process S of two nights of a simulated subject: one asymptote, one time constant, an initial level each.",
    ),
    "matched": (
        "matched-slope.svg",
        "Slope against amplitude of two simulated nights. Waves of the second are larger by 1.3, at the same relation "
        "of slope and amplitude: the mean slope rises, the slope at the reference amplitude hardly moves.",
    ),
}


def markdown() -> str:
    """Text of docs/measures.md."""
    entries = [entry.filled(Settings()) for entry in read_glossary().values()]
    parts = [INTRODUCTION]
    for group, title in read_groups().items():
        members = [entry for entry in entries if entry.group == group]
        if not members:
            continue
        parts.append(f"## {title}\n")
        if group in PICTURES:
            file, caption = PICTURES[group]
            parts.append(f"![{caption}](images/{file})\n\n*{caption}*\n")
        parts += [_section(entry) for entry in members]
    return "\n".join(parts)


def _section(entry: Entry) -> str:
    symbol = f", {entry.symbol}" if entry.symbol else ""
    unit = "no unit" if entry.unit == "1" else entry.unit
    lines = [f"### `{entry.measure}`", "", f"**{entry.name}**{symbol} ({unit}). {entry.definition}", ""]
    lines += [f"- Formula: {entry.formula}", f"- Source: {entry.source}"]
    lines += [f"- Raised by: {entry.raises}", f"- Lowered by: {entry.lowers}"]
    lines += [f"- Beware: {entry.note}"] if entry.note else []
    return "\n".join(lines) + "\n"


def tables() -> str:
    """Text of docs/tables.md."""
    parts = [TABLES]
    for table in STORED.values():
        if table == SUBJECT_MEASURES:  # has the rows of measures.parquet
            continue
        night = table.name.startswith("task-")
        shown = f"…_{table.name}" if night else "measures.parquet" if table == MEASURES else f"{table.name}.tsv"
        parts.append(f"## `{shown}`\n\n| column | unit | what it is |\n| --- | --- | --- |")
        parts += [_column(column) for column in (*table.columns, *([table.others] if table.others else []))]
        parts.append("")
    return "\n".join(parts)


def _column(column: Column) -> str:
    levels = "; ".join(f"`{level}` {meaning}" for level, meaning in column.levels.items())
    text = fill(column.text, Settings()) + (f": {levels}" if levels else "")
    return f"| {'others' if column.name == '*' else f'`{column.name}`'} | {column.unit} | {text} |"


def choices() -> str:
    """Text of docs/choices.md."""
    limits = Settings().comparability
    designs = [
        (
            f"`{known.kind}`",
            _said(known),
            _when(known),
            known(treatment="", baseline="").methods_words(Settings().comparison),
        )
        for known in known_designs()
    ]
    controls = [
        (", ".join(f"`{name}`" for name in names), _said(known.find), _weight(names, limits))
        for known in (*control, *group_control)
        for names in [dict.fromkeys(known.setting_of(name) for name in known.names)]
    ]
    return "\n".join(
        [
            CHOICES,
            DESIGNS,
            *_rows(("design", "what it is", "when it is taken", "how it is tested"), designs),
            "\n## Forms of scoring\n\nAsked in this order whether a file is one of theirs.\n",
            *_rows(("form", "asked", "what is read"), [(f.name, _said(f.fits), _said(f.read)) for f in FORMATS]),
            "\n## Controls\n\nWhat compared nights are held against, by their names in `comparability.caution` and "
            "`comparability.not_comparable`: first those of a subject's nights, then those of all subjects together.\n",
            *_rows(("control", "what it finds", "a flag makes a contrast"), controls),
            "",
        ]
    )


def _when(design: type[ContrastDesign]) -> str:
    """When a design recognises itself."""
    if issubclass(design, WithinSubjects):
        words = _said(design.fits).removeprefix("Whether ")
        return words[0].upper() + words[1:]
    return "Beside the changes within subjects, where the study file has such sides."


def _said(what: object) -> str:
    return inspect.getdoc(what).splitlines()[0].replace("``", "`").replace("|", "\\|")


def _weight(names: Iterable[str], limits: ComparabilitySettings) -> str:
    worst, caution = (set(names) & set(kept) for kept in (limits.not_comparable, limits.caution))
    words = [f"{word}{_of(found, names)}" for word, found in (("not comparable", worst), ("caution", caution)) if found]
    return "; ".join(words) or "nothing: it is told"


def _of(found: set[str], names: Iterable[str]) -> str:
    return "" if found == set(names) else f" ({', '.join(f'`{name}`' for name in names if name in found)})"


def _rows(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (head, ("---",) * len(head), *rows)]


def draw(folder: Path) -> None:
    """All pictures, as SVG of equal bytes each time."""
    import matplotlib as mpl

    mpl.use("svg")
    style = {
        "svg.hashsalt": "swa",
        "svg.fonttype": "path",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": SOFT,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "figure.constrained_layout.use": True,
    }
    folder.mkdir(exist_ok=True)
    with mpl.rc_context(style):
        for name, picture in {
            "half-wave": _half_wave,
            "bands": _bands,
            "aperiodic": _aperiodic,
            "process-s": _process_s,
            "matched-slope": _matched_slope,
        }.items():
            figure = picture()
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None})


def _axes(width: float = 6.4, height: float = 3.2):
    from matplotlib import pyplot as plt

    return plt.subplots(figsize=(width, height))


def _half_wave():
    rate_hz = 100
    time_s = np.arange(0, 12, 1 / rate_hz)
    signal = np.zeros_like(time_s)
    down, up = (time_s >= 5) & (time_s < 5.5), (time_s >= 5.5) & (time_s < 6.1)
    signal[down] = -110 * np.sin(np.pi * (time_s[down] - 5) / 0.5)
    signal[up] = 75 * np.sin(np.pi * (time_s[up] - 5.5) / 0.6)
    trace = filter_for_waves(signal, rate_hz, WaveCriteria())
    waves = detect_in_trace(trace, rate_hz, WaveCriteria())
    wave = waves.iloc[waves["negative_amplitude_uv"].argmax()]
    figure, axes = _axes()
    axes.axhline(0, color=SOFT, lw=0.8)
    axes.plot(time_s - 5, signal, color=SOFT, lw=1)
    axes.plot(time_s - 5, trace, color=INK, lw=1.6)
    points = {
        "start": (wave["start_s"], 0, (-8, 8), "right"),
        "negative peak": (wave["negative_peak_s"], -wave["negative_amplitude_uv"], (16, -3), "left"),
        "mid-crossing": (wave["midcrossing_s"], 0, (8, -12), "left"),
        "positive peak": (wave["positive_peak_s"], wave["positive_amplitude_uv"], (12, 4), "left"),
        "end": (wave["end_s"], 0, (8, 6), "left"),
    }
    for label, (at_s, height, offset, side) in points.items():
        axes.plot(at_s - 5, height, "o", color=ACCENT, ms=5)
        axes.annotate(label, (at_s - 5, height), xytext=offset, textcoords="offset points", ha=side, color=ACCENT)
    times = [wave[name] - 5 for name in ("start_s", "negative_peak_s", "midcrossing_s")]
    depth = -wave["negative_amplitude_uv"]
    axes.plot(times, [0, depth, 0], "--", color=SECOND, lw=1.2)
    axes.text(times[0] - 0.02, depth * 0.6, f"slope down\n{wave['slope_down_uv_s']:.0f} µV/s", ha="right", color=SECOND)
    axes.text(times[2] + 0.05, depth * 0.75, f"slope up\n{wave['slope_up_uv_s']:.0f} µV/s", color=SECOND)
    axes.annotate("", (-0.85, depth), (-0.85, 0), arrowprops={"arrowstyle": "<->", "color": INK})
    axes.text(-0.88, depth / 2, f"{-depth:.0f} µV", ha="right", va="center")
    axes.set(xlim=(-1.4, 2.2), xlabel="s", ylabel="µV")
    return figure


def _spectrum() -> tuple[np.ndarray, np.ndarray]:
    """Mean spectrum of ten minutes of waves, spindles and 1/f background."""
    rng = np.random.default_rng(1)
    rate_hz, seconds = 100, 600
    frequencies = np.fft.rfftfreq(rate_hz * seconds, 1 / rate_hz)
    shape = np.where(frequencies > 0.15, np.maximum(frequencies, 0.15) ** -0.9, 0)
    bumps = 1 + 1.2 * np.exp(-(((frequencies - 0.9) / 0.5) ** 2)) + 1.1 * np.exp(-(((frequencies - 13) / 1.1) ** 2))
    signal = np.fft.irfft(np.fft.rfft(rng.normal(size=rate_hz * seconds)) * shape * bumps)
    signal *= 25 / signal.std()
    spectra = compute_window_spectra(signal.astype(np.float32), rate_hz)
    return spectra.frequencies_hz, spectra.density.mean(axis=0, dtype=float)


def _bands():
    hz, density = _spectrum()
    figure, axes = _axes()
    axes.loglog(hz[2:], density[2:], color=INK, lw=1.4)
    low, high = density[(hz > 0.3) & (hz < 40)].min() * 0.6, density.max() * 2
    settings = Settings().power
    names = {"slow_oscillation": "SO", "delta": "δ", "theta": "θ", "alpha": "α", "sigma": "σ", "beta": "β"}
    for number, (name, label) in enumerate(names.items()):
        first, last = getattr(settings, f"{name}_hz")
        edges = np.r_[first, hz[(hz > first) & (hz < last)], last]
        axes.fill_between(
            edges, low, np.interp(edges, hz, density), color=(ACCENT, SECOND)[number % 2], alpha=0.18, lw=0
        )
        axes.text((first * last) ** 0.5, low * 1.3, label, ha="center")
    first, last = settings.swa_hz
    axes.annotate("", (first, high * 0.7), (last, high * 0.7), arrowprops={"arrowstyle": "<->", "color": INK})
    axes.text((first * last) ** 0.5, high * 0.8, "SWA", ha="center", va="bottom")
    axes.set(xlim=(0.4, 40), ylim=(low, high * 1.6), xlabel="Hz", ylabel="µV²/Hz")
    _plain_hz(axes)
    return figure


def _aperiodic():
    hz, density = _spectrum()
    settings = Settings()
    fit = fit_aperiodic(hz, density, settings.power.aperiodic_hz, settings.aperiodic)
    figure, axes = _axes()
    axes.loglog(hz[2:], density[2:], color=INK, lw=1.4)
    axes.loglog(hz[5:150], fit.density(hz[5:150]), color=SECOND, lw=1.4)
    axes.loglog(hz[2:6], fit.density(hz[2:6]), ":", color=SECOND, lw=1.4)
    first, last = settings.power.swa_hz
    edges = np.r_[first, hz[(hz > first) & (hz < last)], last]
    axes.fill_between(edges, fit.density(edges), np.interp(edges, hz, density), color=ACCENT, alpha=0.25, lw=0)
    axes.text(6, fit.density(np.array([6.0]))[0] * 2.2, f"slope −β, β = {fit.exponent:.2f}", color=SECOND)
    axes.set(xlim=(0.4, 40), xlabel="Hz", ylabel="µV²/Hz")
    _plain_hz(axes)
    return figure


def _plain_hz(axes) -> None:
    ticks = [0.5, 1, 2, 4, 8, 16, 30]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()


def _process_s():
    rng = np.random.default_rng(4)
    midpoints = np.array([0.6, 2.2, 3.8, 5.4, 7.0])
    truth = {"baseline": 620.0, "treatment": 800.0}
    asymptote, tau_h = 120.0, 2.6
    times = np.tile(midpoints, 2)
    nights = np.repeat(list(truth), 5)
    initial = np.repeat(list(truth.values()), 5)
    level = (asymptote + (initial - asymptote) * np.exp(-times / tau_h)) * np.exp(rng.normal(0, 0.1, 10))
    fit = fit_process_s(times, level, nights)
    figure, axes = _axes()
    fine = np.linspace(0, 7.6, 200)
    floor = fit.asymptote_uv2.value
    for night, colour in zip(truth, (INK, ACCENT), strict=True):
        value = fit.initial_uv2[night].value
        axes.plot(times[nights == night], level[nights == night], "o", color=colour, label=night)
        axes.plot(fine, floor + (value - floor) * np.exp(-fine / fit.tau_h.value), color=colour, lw=1.4)
        axes.annotate(
            "S₀", (0, value), xytext=(-6, 0), textcoords="offset points", ha="right", va="center", color=colour
        )
    axes.axhline(floor, ls=":", color=SECOND)
    axes.text(7.6, floor * 0.55, f"LA, τ = {fit.tau_h.value:.1f} h", ha="right", color=SECOND)
    axes.set(xlim=(-0.6, 7.7), ylim=(0, None), xlabel="h since sleep onset", ylabel="SWA 0.75–4.5 Hz, µV²")
    axes.legend(frameon=False)
    return figure


def _matched_slope():
    rng = np.random.default_rng(3)
    figure, axes = _axes()
    nights = {}
    for label, size in (("baseline", 1.0), ("larger waves", 1.3)):
        amplitude = 62 * size * np.exp(rng.normal(0, 0.4, 400))
        table = pd.DataFrame({"a": amplitude, "k": 5.2 * amplitude**0.92 * np.exp(rng.normal(0, 0.16, 400))})
        nights[label] = table[table["a"] >= 40]
    reference = reference_amplitude([nights["baseline"]["a"].to_numpy()])
    for (label, table), colour in zip(nights.items(), (INK, ACCENT), strict=True):
        shown = table.iloc[:150]
        axes.loglog(shown["a"], shown["k"], ".", ms=3, alpha=0.5, color=colour)
        line = fit_slope_line(table["a"].to_numpy(), table["k"].to_numpy(), reference)
        span = np.array([40, 250])
        text = f"{label}: mean {table['k'].mean():.0f}, at A₀ {line.at_reference:.0f} µV/s"
        axes.loglog(span, line.at_reference * (span / reference) ** line.exponent, color=colour, lw=1.4, label=text)
    axes.axvline(reference, ls=":", color=SECOND)
    axes.text(reference * 1.02, axes.get_ylim()[0] * 1.1, "A₀", color=SECOND)
    axes.set(xlabel="negative amplitude, µV", ylabel="slope up, µV/s")
    ticks = [40, 60, 100, 150, 250]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    ticks = [100, 200, 400, 800]
    axes.set_yticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.legend(frameon=False, loc="upper left", fontsize=8)
    return figure


if __name__ == "__main__":
    (DOCS / "measures.md").write_text(markdown(), encoding="utf-8", newline="\n")
    (DOCS / "choices.md").write_text(choices(), encoding="utf-8", newline="\n")
    (DOCS / "tables.md").write_text(tables(), encoding="utf-8", newline="\n")
    draw(DOCS / "images")
