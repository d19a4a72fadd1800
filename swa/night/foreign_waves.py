"""Slow waves that another program detected, as rows of the long table, so that they enter the same comparison."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from swa.errors import ScoringError, StudyError
from swa.measures import slow_waves, windows
from swa.measures.slow_waves import SlowWaves
from swa.night.frame import make_frame
from swa.settings import Settings, WaveCriteria, criteria_of, given_or_default
from swa.sleep.hypnogram import check_hypnogram
from swa.tables.results_tables import NIGHT_MEASURES

if TYPE_CHECKING:
    import yasa

NEEDED = ("channel", "start_s", "negative_peak_s", "midcrossing_s", "end_s")
AMPLITUDES = ("negative_amplitude_uv", "positive_amplitude_uv", "peak_to_peak_uv")  # two of them give the third
TIMES = ("start_s", "negative_peak_s", "midcrossing_s", "end_s")
# Mean over half-waves that no limit has selected: a table of another program's waves has none.
UNSELECTED = ("halfwave_rate", "wave_amplitude_p90")
COLUMN_OF = {"wave_multipeak_fraction": "negative_peaks"} | {
    measure: column for measure, column, _ in slow_waves.SUMMARIES
}


def measures_from_waves(
    waves: pd.DataFrame | SlowWaves,
    hypnogram: "yasa.Hypnogram",
    *,
    subject: str,
    condition: str,
    detector: str,
    session: str = "",
    channels: Sequence[str] | None = None,
    usable_s: ArrayLike | None = None,
    dose_s: float | None = None,
    criteria: WaveCriteria | str | None = None,
    settings: Settings | None = None,
) -> pd.DataFrame:
    """Measures of slow waves that another program detected, ready for `compare_nights`.

    Parameters
    ----------
    waves : DataFrame or SlowWaves
        One row a wave; of `SlowWaves` those that it selects, with `criteria` all its half-waves. Needed are `channel`;
        the times `start_s`, `negative_peak_s`, `midcrossing_s` and `end_s` in s from the first sample of the
        recording; and two of `negative_amplitude_uv`, `positive_amplitude_uv` and
        `peak_to_peak_uv` in µV (the sign of the negative peak does not matter). Where they are missing, `duration_s`,
        `slope_down_uv_s` and `slope_up_uv_s` are computed from these as everywhere in swa (Riedner 2007); without
        `max_slope_down_uv_s`, `max_slope_up_uv_s` and `negative_peaks` their measures are NaN, with the reason.
        Other columns are not read: the stage of a wave is that of `hypnogram` at its negative peak.
    hypnogram : yasa.Hypnogram
        Stages of the night, from the first sample of the recording.
    subject, condition : str
        Whose night it is.
    detector : str
        Who detected the waves, for example ``yasa``: the `variant` of the rows, so that they are never mixed with swa's
        own waves.
    session : str, optional
        By default the condition.
    channels : sequence of str, optional
        Channels that were searched. One without any wave then has density 0; by default they are those of the table,
        and a channel without waves is missing.
    usable_s : array_like, shape (n_epochs,), optional
        Usable time of each epoch in s; by default all of it. Density is per minute of usable time.
    dose_s : float, optional
        Time of the dose in s from the first sample.
    criteria : WaveCriteria or str, optional
        Which rows are slow waves, by duration and amplitude; by default all, as the detector found them.
    settings : Settings, optional
        Windows and cycles.

    Returns
    -------
    DataFrame
        Long table: subject, session, condition, channel, stages, window, measure, variant, value, unit, n, note; the
        wave measures of METHODS §5 in every window of the night. `halfwave_rate` and `wave_amplitude_p90` are over
        *all* half-waves and cannot be had from detected waves: they are there only with `criteria`, which says that
        the table holds half-waves.

    Raises
    ------
    StudyError
        A column is missing, no number, or not in order; a time lies outside the hypnogram; there is no channel.
    ScoringError
        `hypnogram` is no `yasa.Hypnogram`, or `usable_s` has another number of epochs.

    See Also
    --------
    detect_slow_waves : swa's own detector.

    Examples
    --------
    Two waves of another program in ten minutes of N2, 0.2 a minute:

    >>> import pandas as pd, swa, yasa
    >>> waves = pd.DataFrame({"channel": "Cz", "start_s": [65.0, 90.0], "negative_peak_s": [65.3, 90.3],
    ...     "midcrossing_s": [65.6, 90.6], "end_s": [66.2, 91.2], "negative_amplitude_uv": [60.0, 80.0],
    ...     "peak_to_peak_uv": [100.0, 130.0]})
    >>> stages = yasa.Hypnogram(["N2"] * 20)
    >>> table = swa.measures_from_waves(waves, stages, subject="S01", condition="baseline", detector="lab")
    >>> night = table[(table["stages"] == "NREM") & (table["window"] == "night")].set_index("measure")["value"]
    >>> float(night["wave_density"]), float(night["wave_slope_up"].round())
    (0.2, 233.0)
    """
    settings = given_or_default(settings, Settings)
    criteria = None if criteria is None else criteria_of(criteria)
    check_hypnogram(hypnogram)
    frame = make_frame(hypnogram, settings, dose_s)
    n_epochs = len(frame.stages)
    usable = np.full(n_epochs, frame.epoch_s) if usable_s is None else np.asarray(usable_s, dtype=float)
    if usable.shape != (n_epochs,):
        raise ScoringError(
            f"usable_s has the shape {usable.shape}, the hypnogram {n_epochs} epochs of {frame.epoch_s:g} s.",
            "Give the usable time of each epoch in s.",
        )
    if isinstance(waves, SlowWaves):
        waves = waves.select() if criteria is None else waves.table
    table = _check_waves(waves, n_epochs * frame.epoch_s)
    found = tuple(dict.fromkeys(table["channel"])) if channels is None else tuple(channels)
    if not found:
        raise StudyError("The table of waves is empty, and no channels are named.", "Name those that were searched.")
    missing = sorted(set(table["channel"]) - set(found))
    if missing:
        raise StudyError(
            f"The table of waves has the channels {', '.join(missing)}, which `channels` does not name.",
            f"Named are {', '.join(found)}.",
        )
    absent = {column for column in COLUMN_OF.values() if column not in table}
    stretches = [*frame.stretches, windows.find_matched(frame.stretches, usable, settings.windows)]
    rows: list[tuple[object, ...]] = []
    for channel in found:
        own = table[table["channel"] == channel].reindex(columns=[*table.columns, *absent])
        epoch = (own["negative_peak_s"].to_numpy(dtype=float) / frame.epoch_s).astype(int)
        for stretch in stretches:
            if not stretch.median:
                of_stretch = _stretch_rows(own, epoch, stretch, usable, criteria, settings.windows.minimum_min, absent)
                rows += [(channel, stretch.stages, stretch.window, *row) for row in of_stretch]
    result = NIGHT_MEASURES.without("variant").frame(rows)
    result.insert(4, "variant", detector)
    for position, (name, text) in enumerate(
        {"subject": subject, "session": session or condition, "condition": condition}.items()
    ):
        result.insert(position, name, text)
    return result


def _stretch_rows(
    waves: pd.DataFrame,
    epoch: NDArray[np.int_],
    stretch: windows.Stretch,
    usable_s: NDArray[np.float64],
    criteria: WaveCriteria | None,
    minimum_min: float,
    absent: set[str],
) -> Iterator[tuple[str, float, str, int, str]]:
    """Measure, value, unit, n and note of one channel and stretch."""
    minutes = float(usable_s[stretch.epochs].sum()) / 60
    reason = stretch.reason
    if not reason and minutes < minimum_min:
        reason = f"{minutes:.1f} min of usable time, {minimum_min:g} are needed"
    chosen = np.ones(len(waves), bool) if criteria is None else None
    summary = slow_waves.summarize_waves(
        waves, criteria or WaveCriteria(), minutes or np.nan, stretch.epochs[epoch], chosen
    )
    yield "analysed_minutes", minutes, "min", int(stretch.epochs.sum()), stretch.reason
    for measure, (value, unit, n) in summary.items():
        if criteria is None and measure in UNSELECTED:
            continue
        if reason:
            yield measure, np.nan, unit, 0, reason
        elif (column := COLUMN_OF.get(measure)) in absent:
            yield measure, np.nan, unit, 0, f"the table of waves has no column {column}"
        else:
            yield measure, value, unit, n, "no wave there" if np.isnan(value) else ""


def _check_waves(waves: pd.DataFrame, length_s: float) -> pd.DataFrame:
    """The columns that are measured, checked, and those that follow from them."""
    missing = [name for name in NEEDED if name not in waves]
    if missing or sum(name in waves for name in AMPLITUDES) < 2:
        raise StudyError(
            f"The table of waves has no column {', '.join(missing or AMPLITUDES)}; "
            f"it has {', '.join(map(str, waves.columns))}.",
            f"It needs {', '.join(NEEDED)} and two of {', '.join(AMPLITUDES)}: rename yours.",
        )
    known = [*AMPLITUDES, *TIMES, *COLUMN_OF.values()]
    table = pd.DataFrame({"channel": waves["channel"].astype(str).to_numpy()})
    for name in dict.fromkeys(column for column in known if column in waves):
        values = pd.to_numeric(waves[name], errors="coerce").to_numpy(dtype=float)
        if not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values))[0])
            raise StudyError(
                f"The table of waves, row {row + 1}: {name} is {waves[name].iloc[row]!r}, expected a number.",
                "Leave the wave out, or the column.",
            )
        table[name] = values
    _check_times(table, length_s)
    return _with_derived(table)


def _check_times(table: pd.DataFrame, length_s: float) -> None:
    times = table[list(TIMES)].to_numpy()
    wrong = ~(np.diff(times, axis=1) > 0).all(axis=1)
    outside = (times[:, 1] < 0) | (times[:, 1] >= length_s)
    for faulty, what in (
        (wrong, "its times are not in the order " + ", ".join(TIMES)),
        (outside, f"its negative peak lies outside the hypnogram, which lasts {length_s:g} s"),
    ):
        if faulty.any():
            row = int(np.flatnonzero(faulty)[0])
            found = ", ".join(f"{time:g}" for time in times[row])
            raise StudyError(
                f"The table of waves, row {row + 1}: {what} (found {found}).",
                "Times are seconds from the first sample of the recording, as are those of the hypnogram.",
            )


def _with_derived(table: pd.DataFrame) -> pd.DataFrame:
    negative, positive, both = AMPLITUDES
    for name in (negative, positive):
        if name in table:
            table[name] = table[name].abs()
    if negative not in table:
        table[negative] = table[both] - table[positive]
    if positive not in table:
        table[positive] = table[both] - table[negative]
    if both not in table:
        table[both] = table[negative] + table[positive]
    depth = table[negative]
    derived = {
        "duration_s": table["end_s"] - table["start_s"],
        "slope_down_uv_s": depth / (table["negative_peak_s"] - table["start_s"]),
        "slope_up_uv_s": depth / (table["midcrossing_s"] - table["negative_peak_s"]),
    }
    return table.assign(**{name: values for name, values in derived.items() if name not in table})
