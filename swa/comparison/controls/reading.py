"""Facts of stored nights, for the controls."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from swa.comparison.compared_nights import COPIED, OTHERS
from swa.comparison.controls.facts import GAIN_CONTROLS, Floats, NightFacts, control_bands
from swa.comparison.spectral_scale import HIGHEST_HZ, shape_of
from swa.measures.power import band_weights
from swa.recordings.edf.fields import is_made_up
from swa.settings import ComparabilitySettings
from swa.study.store import NIGHT_TABLES, NightFolder, content_of
from swa.tables.files import read_rows
from swa.tables.marker import ALL
from swa.tables.night_document import AnalysedMinutes

EPOCH_MIN = 0.5  # stored spectra count epochs; those of 20 s, which some labs score, count as half a minute too
FEWEST_NREM_MIN = 20.0  # analysed, of which the spectrum is held against that of other nights
FEWEST_N3_MIN = 5.0  # analysed, from which slow-wave activity of N3 alone is held against that of other nights
FEWEST_REM_MIN = 10.0  # analysed, from which slow activity of REM sleep is held against that of other nights
CYCLE = "cycle-"  # windows whose names begin so are NREM cycles
CARRIED_SHARE = 0.4  # a recording holds frequencies up to this share of its rate


def first_places(nights: pd.DataFrame) -> dict[str, float]:
    """Place of each subject's first night, adaptation nights among them."""
    return {str(subject): float(place) for subject, place in places_of(nights).groupby(nights["subject"]).min().items()}


def places_of(nights: pd.DataFrame) -> pd.Series:
    """Place of each night among those of its subject, as the study file says it; NaN where it does not."""
    place = pd.Series(np.nan, index=nights.index)
    for name in ("order", "period"):
        if name in nights:
            place = place.fillna(pd.to_numeric(nights[name], errors="coerce").astype(float))
    return place


def read_facts(
    results: Path, night: Mapping[str, object], place: float, settings: ComparabilitySettings
) -> NightFacts | None:
    """Facts of one stored night; None when it is not finished.

    Parameters
    ----------
    results : Path
        The results folder.
    night : mapping
        A row of the table of nights.
    place : float
        From `places_of`.
    settings : ComparabilitySettings
        Control bands.
    """
    folder = NightFolder(results, str(night["subject_label"]), str(night["session_label"]))
    stored = folder.document()
    if stored is None:
        return None
    summary = stored["summary"]
    header = summary.get("header", {})
    start = pd.to_datetime(summary["recording_start"]) if summary["recording_start"] else None
    start_h = np.nan if start is None else (start.hour + start.minute / 60 - 12) % 24
    onset_min = summary["sleep_onset_min"]
    bed = summary.get("in_bed")
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
        asymmetry_parts={
            channel: tuple(np.nan if part is None else part for part in parts)
            for channel, parts in summary.get("asymmetry_parts", {}).items()
        },
        shape=_shapes(spectra, {c: f["rate_hz"] for c, f in header.items()}),
        shifts=staging_shifts(bias),
        unmoved={name: float(value) for name, value in _unmoved(bias)},
        is_staged_by_machine=summary["staging_confidence"] is not None,
        nrem_min=_minutes(stored["analysed_minutes"], "N2", "N3"),
        sleep_min={stage: float(summary["statistics"].get(stage) or 0) for stage in ("N1", "N2", "N3")},
        **_of_measures(folder, *(_minutes(stored["analysed_minutes"], stage) for stage in ("R", "N3"))),
        bed_min=np.nan if bed is None else bed["scored_min"],
        from_onset_min=np.nan if bed is None else bed["scored_from_onset_min"],
        unscored_min=np.nan if bed is None else bed["unscored_asleep_min"],
        lights={} if bed is None else {"off": bed["knows_off"], "on": bed["knows_on"]},
        start_h=start_h,
        start=None if start is None or is_made_up(start) else start.to_pydatetime(),
        onset_h=np.nan if onset_min is None else start_h + onset_min / 60,
        place=place,
    )


def _shapes(spectra: pd.DataFrame, rates_hz: Mapping[str, float]) -> dict[str, Floats]:
    """Spectra of N2+N3 of the night, of channels with enough minutes that hold all of its frequencies."""
    found = {}
    nrem = spectra[(spectra["stages"] == "NREM") & (spectra["window"] == "night")]
    for name, part in nrem.groupby("channel", observed=True):
        few = part["n_epochs"].iloc[0] * EPOCH_MIN < FEWEST_NREM_MIN
        if few or rates_hz.get(str(name), np.inf) * CARRIED_SHARE < HIGHEST_HZ:
            continue
        columns = (part[column].to_numpy(dtype=float) for column in ("frequency_hz", "density_uv2_hz"))
        if (shape := shape_of(*columns)) is not None:
            found[str(name)] = shape
    return found


def _minutes(analysed: AnalysedMinutes, *stages: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for channel, stage, minutes in zip(analysed["channel"], analysed["stage"], analysed["minutes"], strict=True):
        if stage in stages:
            found[channel] = found.get(channel, 0.0) + minutes
    return found


def _of_measures(
    folder: NightFolder, rem_min: Mapping[str, float], n3_min: Mapping[str, float]
) -> dict[str, dict[str, float]]:
    """The facts of a night that are values of its measures: SWA and its fall by channel, minutes by cycle."""
    rows = read_rows(
        folder.file(NIGHT_TABLES["measures"]),
        ["channel", "stages", "window", "measure", "variant", "value"],
        measure=["swa", "swa_decline", "analysed_minutes"],
        stages=["NREM", "N3", "REM"],
        variant=[""],
    )
    over_night: dict[str, dict[str, float]] = {"swa": {}, "swa_decline": {}}
    cycle_min: dict[str, float] = {}
    of_one_stage = {"REM": (rem_min, FEWEST_REM_MIN), "N3": (n3_min, FEWEST_N3_MIN)}
    in_stage: dict[str, dict[str, float]] = {"REM": {}, "N3": {}}
    for channel, stages, window, measure, value in zip(
        *(rows[name] for name in ("channel", "stages", "window", "measure", "value")), strict=True
    ):
        if stages in of_one_stage:
            minutes, fewest = of_one_stage[stages]
            if measure == "swa" and window == "night" and minutes.get(channel, 0) >= fewest and value > 0:
                in_stage[stages][channel] = float(value)
        elif measure in over_night and window == "night" and not np.isnan(value):
            over_night[measure][channel] = float(value)
        elif measure == "analysed_minutes" and window.startswith(CYCLE) and not np.isnan(value):
            cycle_min[window] = max(float(value), cycle_min.get(window, 0.0))  # of the channel with most
    return {
        "swa": over_night["swa"],
        "swa_rem": in_stage["REM"],
        "swa_n3": in_stage["N3"],
        "decline": over_night["swa_decline"],
        "cycle_min": cycle_min,
    }


def staging_shifts(bias: pd.DataFrame) -> dict[tuple[str, str], tuple[float, float]]:
    """Largest and smallest change of each channel and measure with the stager alone, from `Night.staging_bias`."""
    found: dict[tuple[str, str], tuple[float, float]] = {}
    if bias.empty:  # as of most studies: the night has a scoring
        return found
    night = bias[(bias["window"] == "night") & (bias["gain"] != 1)]
    for key, rows in night.groupby(["channel", "measure"], sort=False):
        change = rows["change"].to_numpy(dtype=float)
        if np.isfinite(change).all():
            channel, measure = (str(name) for name in key)
            found[channel, measure] = (float(change.min()), float(change.max()))
    return found


def _unmoved(bias: pd.DataFrame) -> Iterator[tuple[str, float]]:
    if bias.empty:
        return
    own = bias[(bias["channel"] == ALL) & (bias["gain"] == 1)]
    yield from zip(own["measure"].astype(str), own["value"].astype(float), strict=True)


def rejected_shares(table: pd.DataFrame) -> dict[str, tuple[float, float, str]]:
    """Per channel what all artefact rules remove of NREM and of slow waves, and the rule that removes most."""
    own: dict[str, dict[str, tuple[float, float]]] = {}
    columns = (table[name] for name in ("channel", "rule", "nrem_share", "wave_share"))
    for channel, rule, nrem, waves in zip(*columns, strict=True):
        if not rule.startswith("limits"):
            own.setdefault(str(channel), {})[rule] = (float(nrem), float(waves))
    found = {}
    for channel, shares in sorted(own.items()):
        nrem, waves = shares.pop("any")
        by_rule = {rule: share for rule, (share, _) in shares.items() if share > 0}
        most = max(by_rule, key=by_rule.__getitem__) if by_rule else ""
        found[channel] = (nrem, float(np.nan_to_num(waves)), most)
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
