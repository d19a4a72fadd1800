"""Facts of stored nights, for the controls."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from swa.comparison.compared_nights import COPIED, OTHERS
from swa.comparison.controls.facts import GAIN_CONTROLS, Floats, NightFacts, control_bands
from swa.measures.power import band_weights
from swa.settings import ComparabilitySettings
from swa.study.store import NIGHT_TABLES, NightFolder, content_of
from swa.tables.marker import ALL, select

EPOCH_MIN = 0.5  # stored spectra count epochs; those of 20 s, which some labs score, count as half a minute too
CYCLE = "cycle-"  # windows whose names begin so are NREM cycles
CARRIED_SHARE = 0.4  # a recording holds frequencies up to this share of its rate


def first_places(nights: pd.DataFrame) -> dict[str, float]:
    """Place of each subject's first night, adaptation nights among them."""
    return {str(subject): float(place) for subject, place in _places(nights).groupby(nights["subject"]).min().items()}


def _places(nights: pd.DataFrame) -> pd.Series:
    place = pd.Series(np.nan, index=nights.index)
    for name in ("order", "period"):
        if name in nights:
            place = place.fillna(pd.to_numeric(nights[name], errors="coerce").astype(float))
    return place


def read_facts(results: Path, night: Mapping[str, object], settings: ComparabilitySettings) -> NightFacts | None:
    """Facts of one stored night; None when it is not finished.

    Parameters
    ----------
    results : Path
        The results folder.
    night : mapping
        A row of the table of nights.
    settings : ComparabilitySettings
        Control bands.
    """
    folder = NightFolder(results, str(night["subject_label"]), str(night["session_label"]))
    stored = folder.document()
    if stored is None:
        return None
    summary = stored["summary"]
    header = summary.get("header", {})
    minutes = pd.DataFrame(stored["analysed_minutes"])
    nrem = minutes[minutes["stage"].isin(["N2", "N3"])].groupby("channel", sort=False)["minutes"].sum()
    start = pd.to_datetime(summary["recording_start"]) if summary["recording_start"] else None
    start_h = np.nan if start is None else (start.hour + start.minute / 60 - 12) % 24
    onset_min = summary["sleep_onset_min"]
    spectra, bias = folder.read("spectra"), folder.read("staging_bias")
    return NightFacts(
        subject=str(night["subject"]),
        session=str(night["session"]),
        condition=str(night["condition"]),
        controls=control_powers(spectra, settings, {c: f["rate_hz"] for c, f in header.items()}),
        header=header,
        rejected=rejected_shares(folder.read("rejection")),
        clipped=summary.get("clipped_waves_share", {}),
        content=content_of(stored, spectra),
        copied=bool(night.get(COPIED, False)),
        of_other=bool(night.get(OTHERS, False)),
        below_band={c: share for c, share in summary.get("below_band_share", {}).items() if share is not None},
        shifts=staging_shifts(bias),
        unmoved={name: float(value) for name, value in _unmoved(bias)},
        is_staged_by_machine=summary["staging_confidence"] is not None,
        nrem_min={str(channel): float(value) for channel, value in nrem.items()},
        **_of_measures(folder),
        start_h=start_h,
        onset_h=np.nan if onset_min is None else start_h + onset_min / 60,
        place=float(_places(pd.DataFrame([dict(night)])).iloc[0]),
    )


def _of_measures(folder: NightFolder) -> dict[str, dict[str, float]]:
    """The facts of a night that are values of its measures: fall of SWA by channel, minutes by cycle."""
    wanted = [("measure", "in", ["swa_decline", "analysed_minutes"])]
    rows = pd.read_parquet(folder.file(NIGHT_TABLES["measures"]), filters=wanted)
    rows = select(rows, stages="NREM", variant="").dropna(subset="value").astype({"channel": str, "window": str})
    falls = select(rows, measure="swa_decline", window="night")
    minutes = select(rows, measure="analysed_minutes")
    of_cycles = minutes[minutes["window"].str.startswith(CYCLE)].sort_values("value")  # the longest of a cycle is last
    return {
        "decline": dict(zip(falls["channel"], falls["value"].astype(float), strict=True)),
        "cycle_min": dict(zip(of_cycles["window"], of_cycles["value"].astype(float), strict=True)),
    }


def staging_shifts(bias: pd.DataFrame) -> dict[tuple[str, str], tuple[float, float]]:
    """Largest and smallest change of each channel and measure with the stager alone, from `Night.staging_bias`."""
    night = bias[(bias["window"] == "night") & (bias["gain"] != 1)] if len(bias) else bias
    found = {}
    for key, rows in night.groupby(["channel", "measure"], sort=False):
        change = rows["change"].to_numpy(dtype=float)
        if np.isfinite(change).all():
            channel, measure = (str(name) for name in key)
            found[channel, measure] = (float(change.min()), float(change.max()))
    return found


def _unmoved(bias: pd.DataFrame) -> Iterator[tuple[str, float]]:
    own = bias[(bias["channel"] == ALL) & (bias["gain"] == 1)]
    yield from zip(own["measure"].astype(str), own["value"].astype(float), strict=True)


def rejected_shares(table: pd.DataFrame) -> dict[str, tuple[float, float, str]]:
    """Per channel what all artefact rules remove of NREM and of slow waves, and the rule that removes most."""
    found = {}
    for channel, rows in table[~table["rule"].str.startswith("limits")].groupby("channel"):
        by_rule = rows.set_index("rule")
        shares = by_rule["nrem_share"].drop("any").astype(float)
        most = str(shares.idxmax()) if shares.max() > 0 else ""
        nrem, waves = rows.loc[rows["rule"] == "any", ["nrem_share", "wave_share"]].to_numpy(dtype=float)[0].tolist()
        found[str(channel)] = (nrem, float(np.nan_to_num(waves)), most)
    return found


def control_powers(
    spectra: pd.DataFrame, settings: ComparabilitySettings, rates_hz: Mapping[str, float] | None = None
) -> dict[str, Floats]:
    """Power of the three controls of each channel, from the stored spectra of a night.

    Parameters
    ----------
    spectra : DataFrame
        `Night.spectra`.
    settings : ComparabilitySettings
        Bands, and the minutes that a stage must have.
    rates_hz : dict of str to float, optional
        Native rates: a band that a recording cannot hold is not measured.

    Returns
    -------
    dict of str to ndarray, shape (3,)
        ln µV² of REM, quiet wake and N2+N3.
    """
    bands = control_bands(settings)
    places = {stretch: (column, bands[name]) for column, (name, stretch) in enumerate(GAIN_CONTROLS.items())}
    stages, windows = zip(*places, strict=True)
    found: dict[str, Floats] = {str(name): np.full(3, np.nan) for name in spectra["channel"].unique()}
    wanted = spectra["stages"].isin(stages) & spectra["window"].isin(windows)
    for key, part in spectra[wanted].groupby(["channel", "stages", "window"], observed=True):
        channel, stage, window = (str(name) for name in key)
        place = places.get((stage, window))
        if place is None or part["n_epochs"].iloc[0] * EPOCH_MIN < settings.control_min:
            continue
        column, band = place
        if (rates_hz or {}).get(channel, np.inf) * CARRIED_SHARE < band[1]:
            continue
        power = float(
            part["density_uv2_hz"].to_numpy(dtype=float) @ band_weights(part["frequency_hz"].to_numpy(), band)
        )
        found[channel][column] = np.log(power) if power > 0 else np.nan
    return found
