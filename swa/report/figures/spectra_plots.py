"""Pictures of spectra: of the nights of a subject, and over subjects."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from swa.report.figures.style import (
    FAINT,
    SPECTRUM_COLUMNS,
    check_choice,
    check_table,
    color_of,
    first_shared_channel,
    new_figure,
    say_nothing_there,
    styled,
    treatment_of,
)
from swa.tables.contrast import Contrast
from swa.tables.marker import select


@styled
def average_spectra(
    spectra: Mapping[str, pd.DataFrame],
    channel: str | None = None,
    *,
    stages: str = "NREM",
    window: str = "night",
    colors: Mapping[str, str] | None = None,
    bands_hz: Mapping[str, tuple[float, float]] | None = None,
    aperiodic: Mapping[str, tuple[float, float]] | None = None,
    aperiodic_hz: tuple[float, float] = (1.0, 30.0),
    highest_hz: float = 30.0,
    title: str = "",
) -> Figure:
    """Mean spectrum of each condition, and its ratio to the first.

    Parameters
    ----------
    spectra : mapping of str to DataFrame
        By condition, the baseline first: `Night.spectra`.
    stages, window : str
        Which spectrum.
    aperiodic : mapping of str to (float, float), optional
        Exponent and offset (log10 µV²/Hz at 1 Hz) of the aperiodic fit by condition, drawn dashed.
    aperiodic_hz : (float, float)
        Range of the fit.
    highest_hz : float
        End of the frequency axis.

    Raises
    ------
    SwaError
        A column, or the channel, stages or window are missing.

    Examples
    --------
    >>> import swa
    >>> night = swa.analyze_night(swa.read_recording("night.edf"), swa.read_hypnogram("night.csv"))
    >>> figure = swa.figures.average_spectra({"baseline": night.spectra}, bands_hz={"SWA": (0.5, 4.0)})
    >>> figure.axes[0].get_ylabel()
    'power (µV²/Hz)'
    """
    for table in spectra.values():
        check_table("average_spectra", table, SPECTRUM_COLUMNS)
    check_choice("average_spectra", spectra.values(), channel=channel, stages=stages, window=window)
    channel = channel or first_shared_channel(spectra)
    curves: dict[str, pd.Series] = {}
    for name, table in spectra.items():
        if table.empty:
            continue
        rows = select(table, channel=channel or "", stages=stages, window=window)
        rows = rows[rows["frequency_hz"].between(0.5, highest_hz)]
        if len(rows):
            curves[name] = rows.set_index("frequency_hz")["density_uv2_hz"].astype(float)
    figure = new_figure(5.2, 3.5, left=0.7)
    if not curves:
        say_nothing_there(figure.subplots(), "no spectrum was measured")
        return figure
    panels = _panels(figure, 2.2 if len(curves) > 1 else None)
    reference = next(iter(curves.values()))
    for position, (name, curve) in enumerate(curves.items()):
        color = color_of(name, colors, position)
        panels[0].semilogy(curve.index, curve, color=color, label=name)
        exponent, offset = (aperiodic or {}).get(name, (np.nan, np.nan))
        if np.isfinite(exponent) and np.isfinite(offset):
            fitted = np.linspace(*aperiodic_hz, 60)
            panels[0].plot(fitted, 10**offset * fitted**-exponent, color=color, linewidth=0.9, linestyle=(0, (4, 2)))
        if position:
            panels[1].plot(curve.index, 10 * np.log10(curve / reference.reindex(curve.index)), color=color)
    _finish(panels, bands_hz, title or f"Mean spectrum, {channel}", highest_hz)
    return figure


@styled
def group_spectra(
    spectra: pd.DataFrame,
    changes: pd.DataFrame,
    *,
    contrasts: Mapping[str, Contrast] | None = None,
    colors: Mapping[str, str] | None = None,
    bands_hz: Mapping[str, tuple[float, float]] | None = None,
    clusters: pd.DataFrame | None = None,
    title: str = "",
) -> Figure:
    """Mean spectrum of each condition over subjects, and the change within subjects with its interval.

    Parameters
    ----------
    spectra : DataFrame
        condition, frequency_hz, density_uv2_hz: geometric mean over subjects.
    changes : DataFrame
        contrast, frequency_hz, change_db, low_db, high_db: mean over the subjects with both nights.
    clusters : DataFrame, optional
        contrast, low_hz, high_hz: marked by a bar under the changes.

    Examples
    --------
    >>> import pandas as pd, swa
    >>> hz = [1.0, 2.0, 4.0]
    >>> spectra = pd.DataFrame({"condition": "placebo", "frequency_hz": hz, "density_uv2_hz": [90.0, 40.0, 9.0]})
    >>> spectra = pd.concat([spectra, spectra.assign(condition="ketamine", density_uv2_hz=[110.0, 48.0, 9.0])])
    >>> changes = pd.DataFrame({"contrast": "ketamine:placebo", "frequency_hz": hz,
    ...     "change_db": [0.9, 0.8, 0.0], "low_db": [0.2, 0.1, -0.6], "high_db": [1.6, 1.5, 0.6]})
    >>> figure = swa.figures.group_spectra(spectra, changes)
    """
    check_table("group_spectra", spectra, ("condition", "frequency_hz", "density_uv2_hz"))
    check_table("group_spectra", changes, ("contrast", "frequency_hz", "change_db", "low_db", "high_db"))
    figure = new_figure(7.6, 4.4, left=0.75)
    if spectra.empty:
        say_nothing_there(figure.subplots(), "no spectrum was measured")
        return figure
    panels = _panels(figure, 1.6 if len(changes) else None)
    for position, (name, rows) in enumerate(spectra.groupby("condition", sort=False)):
        color = color_of(str(name), colors, position)
        panels[0].semilogy(rows["frequency_hz"], rows["density_uv2_hz"], color=color, label=str(name))
    for position, (contrast, rows) in enumerate(changes.groupby("contrast", sort=False)):
        color = color_of(treatment_of(contrast, contrasts), colors, position + 1)
        hertz = rows["frequency_hz"].to_numpy(float)
        low, high = rows["low_db"].to_numpy(float), rows["high_db"].to_numpy(float)
        panels[-1].fill_between(hertz, low, high, color=color, alpha=0.15, linewidth=0)
        panels[-1].plot(hertz, rows["change_db"], color=color)
        own = changes.iloc[:0] if clusters is None else select(clusters, contrast=str(contrast))
        for cluster in own.to_dict("records"):
            ends, height = [cluster["low_hz"], cluster["high_hz"]], 0.03 + 0.04 * position
            place = panels[-1].get_xaxis_transform()
            panels[-1].plot(ends, [height] * 2, color=color, linewidth=3, transform=place, solid_capstyle="butt")
    _finish(panels, bands_hz, title, float(spectra["frequency_hz"].max()))
    return figure


def _panels(figure: Figure, taller: float | None) -> Sequence[Axes]:
    """Spectra, and below them, lower by this factor, their changes."""
    rows = [taller, 1.0] if taller else [1.0]
    return list(np.atleast_1d(figure.subplots(len(rows), 1, sharex=True, height_ratios=rows)))


def _finish(
    panels: Sequence[Axes], bands_hz: Mapping[str, tuple[float, float]] | None, title: str, highest_hz: float
) -> None:
    """Shade the bands, and write what the axes are."""
    for low, high in (bands_hz or {}).values():
        for panel in panels:
            panel.axvspan(low, high, color="#eef0f2", zorder=0, linewidth=0)
    panels[0].yaxis.set_minor_locator(NullLocator())
    panels[0].set_ylabel("power (µV²/Hz)")
    panels[0].set_title(title)
    panels[0].legend(loc="upper right")
    panels[-1].set_xlabel("frequency (Hz)")
    panels[-1].set_xlim(0.5, highest_hz)
    if len(panels) > 1:
        panels[-1].axhline(0, color=FAINT, linewidth=0.7)
        panels[-1].set_ylabel("change (dB)")
        panels[-1].grid(axis="y")
        panels[0].figure.align_ylabels(list(panels))
