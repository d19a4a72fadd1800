"""Where on the head nights differ: which electrodes have a place, which are neighbours, and their values by condition.

The clusters themselves are found as those of spectra are (`swa.comparison.further.clusters`); what differs is that
neighbours are electrodes, not frequencies. Neighbours share an edge of the Delaunay triangulation of the electrodes'
places in the 10-05 system, as MNE makes it (`mne.channels.find_ch_adjacency`).
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from swa.comparison.within_subject import scale_of
from swa.tables.marker import Marker, select

if TYPE_CHECKING:
    import mne
    from scipy import sparse

FEWEST_ELECTRODES = 16  # of fewer, a neighbourhood has no meaning: F3 and C3 alone are no map


def place_electrodes(channels: Iterable[str]) -> dict[str, str]:
    """Electrode, as the 10-05 system spells it, of each channel that has one; of several with one, the first channel.

    Parameters
    ----------
    channels : iterable of str
        Canonical names, such as ``C4-M1``.

    Examples
    --------
    >>> from swa.comparison.further.topographies import place_electrodes
    >>> place_electrodes(["C4-M1", "C4-A1", "FZ-M2", "frontal", "E37"])
    {'C4-M1': 'C4', 'FZ-M2': 'Fz'}
    """
    known = {name.casefold(): name for name in _montage().ch_names}
    found: dict[str, str] = {}
    for channel in channels:
        electrode = known.get(channel.partition("-")[0].casefold(), "")
        if electrode and electrode not in found.values():
            found[channel] = electrode
    return found


def find_neighbours(electrodes: Sequence[str]) -> "sparse.csr_array":
    """Sparse matrix, shape (electrodes, electrodes), of which electrodes are neighbours.

    Parameters
    ----------
    electrodes : sequence of str
        Names as `place_electrodes` gives them.
    """
    import mne

    info = mne.create_info(list(electrodes), 100.0, "eeg")
    info.set_montage(_montage())
    with mne.use_log_level("error"):  # else it prints that no ready-made neighbourhood is known for these channels
        adjacency: sparse.csr_array = mne.channels.find_ch_adjacency(info, "eeg")[0]
    return adjacency


def electrode_values(rows: pd.DataFrame, nights: pd.DataFrame, marker: Marker) -> pd.DataFrame:
    """Values of one measure, (subject, condition, session) x channel with a place on the head; ln where it is a ratio.

    Parameters
    ----------
    rows : DataFrame
        Rows of the measure in the long table.
    nights : DataFrame
        Usable nights.
    marker : Marker
        Whose stages and window.
    """
    table = select(rows, stages=marker.stages, window=marker.window, variant=marker.variant)
    table = table[["subject", "session", "channel", "value"]]
    table = table.astype(dict.fromkeys(["subject", "session", "channel"], str))
    channels = list(dict.fromkeys(table["channel"]))
    if len(channels) < FEWEST_ELECTRODES:
        return pd.DataFrame()
    placed = place_electrodes(channels)
    table = table[table["channel"].isin(placed)]
    if len(placed) < FEWEST_ELECTRODES or table.empty:
        return pd.DataFrame()
    if scale_of(marker.measure) == "ratio":
        table["value"] = np.log(table["value"].where(table["value"] > 0).to_numpy(float))
    table = table.merge(nights[["subject", "session", "condition"]].astype(str), on=["subject", "session"])
    return table.pivot(index=["subject", "condition", "session"], columns="channel", values="value")


def _montage() -> "mne.channels.DigMontage":
    import mne

    # The 10-05 system on the template head; it had another name before MNE 1.13.
    names = [name for name in ("colin27_1005", "standard_1005") if name in mne.channels.get_builtin_montages()]
    return mne.channels.make_standard_montage(names[0])
