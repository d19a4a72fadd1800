"""The spectra of both nights in the stages of the gain check: what an electrode or amplifier would move as a whole."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from swa.comparison.controls.facts import GAIN_CONTROLS
from swa.errors import SwaError
from swa.report.figures.style import (
    FAINT,
    RULE,
    SPECTRUM_COLUMNS,
    check_choice,
    check_table,
    color_of,
    new_figure,
    styled,
)
from swa.tables.marker import select

TITLES = {"rem": "REM", "quiet_wake": "quiet wake", "nrem_fast": "N2+N3"}  # of the panels
LOWEST_HZ, HIGHEST_HZ = 1.0, 40.0


@styled
def control_spectra(
    spectra: Mapping[str, pd.DataFrame],
    channel: str,
    *,
    bands_hz: Mapping[str, tuple[float, float]],
    colors: Mapping[str, str] | None = None,
) -> Figure:
    """Spectrum of each condition in REM, quiet wake and N2+N3, with the control band of each shaded.

    A change of gain shifts every curve by the same distance, in all three panels; a drug on slow waves does not.

    Parameters
    ----------
    spectra : mapping of str to DataFrame
        By condition, the baseline first: `Night.spectra`, or its mean over nights.
    channel : str
        Which channel.
    bands_hz : mapping of str to (float, float)
        Band of each control: ``rem``, ``quiet_wake`` and ``nrem_fast``.

    Raises
    ------
    SwaError
        A column, the channel or a control band is missing.

    Examples
    --------
    >>> import swa
    >>> night = swa.analyze_night(swa.read_recording("night.edf"), swa.read_hypnogram("night.csv"))
    >>> bands = {"rem": (4, 10), "quiet_wake": (4, 30), "nrem_fast": (20, 30)}
    >>> figure = swa.figures.control_spectra({"baseline": night.spectra}, "C4-M1", bands_hz=bands)
    >>> len(figure.axes)
    3
    """
    for table in spectra.values():
        check_table("control_spectra", table, SPECTRUM_COLUMNS)
    check_choice("control_spectra", spectra.values(), channel=channel)
    if missing := [name for name in GAIN_CONTROLS if name not in bands_hz]:
        raise SwaError(
            f"control_spectra: bands_hz has no {', '.join(missing)}; found: {', '.join(bands_hz) or 'none'}.",
            f"Expected are {', '.join(GAIN_CONTROLS)}, each with its limits in Hz.",
        )
    figure = new_figure(6.4, 2.6, left=0.7, top=0.55)
    panels = figure.subplots(1, len(GAIN_CONTROLS), sharey=True)
    for axes, (name, (stages, window)) in zip(panels, GAIN_CONTROLS.items(), strict=True):
        axes.set_title(f"{TITLES[name]}, {bands_hz[name][0]:g}\N{EN DASH}{bands_hz[name][1]:g} Hz", fontsize=8.5)
        axes.axvspan(*bands_hz[name], color=RULE, alpha=0.6, linewidth=0)
        drawn = 0
        for position, (condition, table) in enumerate(spectra.items()):
            rows = select(table, channel=channel, stages=stages, window=window)
            rows = rows[rows["frequency_hz"].between(LOWEST_HZ, HIGHEST_HZ)].sort_values("frequency_hz")
            density = rows["density_uv2_hz"].to_numpy(dtype=float)
            if not np.isfinite(density).any():
                continue
            axes.semilogy(rows["frequency_hz"], density, color=color_of(condition, colors, position), label=condition)
            drawn += 1
        if not drawn:
            axes.text(0.5, 0.5, "not in these nights", transform=axes.transAxes, ha="center", va="center", color=FAINT)
        axes.set_xlabel("frequency (Hz)")
        axes.set_xlim(LOWEST_HZ, HIGHEST_HZ)
        axes.tick_params(color=FAINT)
    panels[0].set_ylabel("power (µV²/Hz)")
    handles = {
        label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    if handles:
        figure.legend(handles.values(), handles.keys(), loc="upper left", ncols=len(handles), borderaxespad=0.1)
    return figure
