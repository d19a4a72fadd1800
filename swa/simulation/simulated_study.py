"""Whole polysomnography nights with known truth: a study's recordings, its study file, and what is really in them.

The truth covers sleep stages, slow waves one by one, Process S, the effect of each night and its artefacts. The
simulator knows nothing of the methods that are tested with it: it neither stages nor detects. One seed and one set of
arguments give the same bytes.

Examples
--------
>>> from swa.simulation.simulated_study import NightPlan, simulate_night
>>> night = simulate_night(NightPlan(hours=1.5, rate_hz=100, channels=("C4-M1",), seed=1))
>>> night.signals_uv["C4-M1"].shape
(540000,)
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from swa.recordings.edf.fields import SIMULATED
from swa.simulation.background import EPOCH_S, find_site
from swa.simulation.simulated_night import (
    DEFAULT_CHANNELS,
    NightPlan,
    SimulatedNight,
    make_subject_stream,
    simulate_night,
)

__all__ = ["DEFAULT_CHANNELS", "NightPlan", "SimulatedNight", "simulate_night", "simulate_study"]

BASELINE_NAMES = ("baseline", "placebo", "pre")
FIRST_EVENING = datetime.datetime(2001, 1, 6, 22, 58)
LIGHTS_OFF_S = 120  # the recording starts two minutes before lights off
INFUSION = datetime.time(10, 0)  # on the day of a treatment night, so that it is the morning before
WASHOUT_DAYS = 7
UV_PER_DIGIT = 0.1  # coarse enough for the files to compress, ten times finer than an amplifier's noise

# --- a study ------------------------------------------------------------------------------------------------------


def simulate_study(
    directory: str | Path,
    *,
    subjects: int = 4,
    conditions: Sequence[str] = ("baseline", "ketamine"),
    nights: Mapping[str, Sequence[str]] | None = None,
    hours: float = 8.0,
    effect: Mapping[str, float] = MappingProxyType({"ketamine": 1.25}),
    slope_effect: Mapping[str, float] = MappingProxyType({}),
    seed: int = 0,
    rate_hz: float = 256.0,
    channels: Sequence[str] = DEFAULT_CHANNELS,
    channel_rates_hz: Mapping[str, float] = MappingProxyType({}),
    icc: float = 0.8,
    cv: float = 0.40,
    control_cv: float = 0.15,
    control_correlation: float = 0.4,
    artifacts: int = 0,
    primary: str | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int, str], None] | None = None,
) -> Path:
    """Write a study of simulated nights: recordings, study file, and the truth about them.

    Parameters
    ----------
    directory : str or Path
        Folder, made if need be.
    subjects : int
        Number of subjects, S01, S02, ...
    conditions : sequence of str
        Every subject's nights, in order. A name that repeats makes a second night (`S01_baseline2.edf`).
    nights : mapping of str to sequence of str, optional
        Instead of `subjects` and `conditions`: per subject the conditions of its nights, in order.
    hours : float
        Duration of each night, at least 1.5.
    effect : mapping of str to float
        Per condition the ratio of slow-wave power (0.5-4 Hz) in N2 and N3 to the same night without effect; 1 where
        not named.
    slope_effect : mapping of str to float
        Per condition the ratio of the waves' rising slope at equal amplitude and power; 1 where not named.
    seed : int
        Seed of all random streams, 0 or more.
    rate_hz : float
        Sampling rate, a whole number of Hz from 100 to 2000.
    channels : sequence of str
        Channel names: EEG derivations, EOG (E1-M2, E2-M1), Chin, ECG.
    channel_rates_hz : mapping of str to float
        Other rates for single channels.
    icc, cv : float
        SWA's intraclass correlation between a subject's nights, and its coefficient of variation over all nights.
    control_cv, control_correlation : float
        Between-night SD (ln) of each control band, and the correlation of the three.
    artifacts : int
        Artefacts per night.
    primary : str, optional
        Text for a study file column `primary`.
    overwrite : bool
        Replace files of the same names.
    progress : callable, optional
        Called as `progress(done, total, recording)` after each night.

    Returns
    -------
    Path
        The study file, `DIRECTORY/study.tsv`. Beside it lie the EDF+ files and `truth.json`; `truth/` holds the
        true stages.

    Raises
    ------
    ValueError
        If an argument is outside its range, names an unknown condition or channel, two nights would share a file, or
        a file of one of these names is there already.

    Examples
    --------
    >>> import swa
    >>> study = swa.simulate_study(
    ...     "simulated", subjects=1, hours=1.5, rate_hz=100.0, channels=("C4-M1",), effect={"ketamine": 1.25}, seed=7
    ... )
    >>> study.name, sorted(path.name for path in study.parent.glob("*.edf"))
    ('study.tsv', ['S01_baseline.edf', 'S01_ketamine.edf'])
    """
    common = NightPlan(
        seed=_check_seed(seed),
        hours=hours,
        rate_hz=rate_hz,
        channels=tuple(channels),
        channel_rates_hz=dict(channel_rates_hz),
        icc=icc,
        cv=cv,
        control_cv=control_cv,
        control_correlation=control_correlation,
        artifacts=artifacts,
    )
    wanted = _name_subjects(subjects, conditions, nights)
    effect, slope_effect = _spelled_as(wanted, effect), _spelled_as(wanted, slope_effect)
    plans = _plan_study(wanted, effect, slope_effect, common)
    folder = Path(directory)
    names = ["study.tsv", "truth.json", *(f"{_night_name(plan)}.edf" for _, plan in plans)]
    there = [name for name in names if (folder / name).exists()]
    if there and not overwrite:
        raise ValueError(f"{folder} holds {there[0]} already; simulated nights never replace files: name a new folder.")
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, str]] = []
    truths: list[str] = []
    for order, plan in plans:
        night = simulate_night(plan)
        name = _night_name(plan)
        _write_edf(folder / f"{name}.edf", night, order)
        _write_stages(folder / "truth" / f"{name}_stages.tsv", night.stages)
        row = _study_row(plan, order, primary)
        rows.append(row)
        truths.append(json.dumps({**row, **_describe_truth(night)}, separators=(",", ":")))
        if progress is not None:
            progress(len(rows), len(plans), row["recording"])
    _write_truth(folder / "truth.json", plans[0][1], effect, slope_effect, truths)
    return _write_study_file(folder / "study.tsv", rows)


def _check_seed(seed: int) -> int:
    if seed < 0 or seed != int(seed):
        raise ValueError(f"seed is {seed}, expected a whole number, 0 or more")
    return int(seed)


def _spelled_as(wanted: Mapping[str, Sequence[str]], ratios: Mapping[str, float]) -> dict[str, float]:
    """Ratios by conditions, which can be named in any case of letters."""
    known = {condition.casefold(): condition for conditions in wanted.values() for condition in conditions}
    return {known.get(name.casefold(), name): ratio for name, ratio in ratios.items()}


def _plan_study(
    wanted: Mapping[str, Sequence[str]],
    effect: Mapping[str, float],
    slope_effect: Mapping[str, float],
    common: NightPlan,
) -> list[tuple[int, NightPlan]]:
    """Return (place in the subject's sequence, plan) of every night."""
    known = {condition for conditions in wanted.values() for condition in conditions}
    for name, ratios in (("effect", effect), ("slope_effect", slope_effect)):
        for condition in ratios:
            if condition not in known:
                raise ValueError(
                    f"{name} names the condition {condition!r}, expected one of {', '.join(sorted(known)) or 'none'}; "
                    "add it to the conditions or leave it out"
                )
    plans: list[tuple[int, NightPlan]] = []
    for subject, conditions in wanted.items():
        for place, condition in enumerate(conditions):
            plan = replace(
                common,
                subject=subject,
                condition=condition,
                occurrence=list(conditions[: place + 1]).count(condition),
                effect=effect.get(condition, 1.0),
                slope_effect=slope_effect.get(condition, 1.0),
            )
            plans.append((place + 1, plan))
    _check_names(plans)
    return plans


def _name_subjects(
    subjects: int, conditions: Sequence[str], nights: Mapping[str, Sequence[str]] | None
) -> dict[str, tuple[str, ...]]:
    """Return the conditions of each subject's nights, in order."""
    if nights is not None:
        wanted = {subject: tuple(own) for subject, own in nights.items()}
    elif subjects < 1:
        raise ValueError(f"subjects is {subjects}, expected 1 or more")
    else:
        wanted = {f"S{number:02d}": tuple(conditions) for number in range(1, subjects + 1)}
    if not any(wanted.values()):
        raise ValueError("no night is asked for: expected at least one condition")
    return wanted


def _label(text: str) -> str:
    """Return the letters and digits of a name, as file names keep them."""
    return "".join(c for c in text if c.isascii() and c.isalnum())


def _night_name(plan: NightPlan) -> str:
    repeat = str(plan.occurrence) if plan.occurrence > 1 else ""
    return f"{_label(plan.subject)}_{_label(plan.condition)}{repeat}"


def _check_names(plans: list[tuple[int, NightPlan]]) -> None:
    """Refuse names that leave nothing for a file name, or that would share a file."""
    owners: dict[str, tuple[str, str]] = {}
    for _, plan in plans:
        if not _label(plan.subject) or not _label(plan.condition):
            raise ValueError(
                f"subject {plan.subject!r}, condition {plan.condition!r}: expected letters (A-Z) or digits in each name"
            )
        name = _night_name(plan).lower()
        if name in owners:
            raise ValueError(
                f"{owners[name]} and {(plan.subject, plan.condition)} would share the file {_night_name(plan)}.edf; "
                "rename one (file names keep letters and digits only)"
            )
        owners[name] = (plan.subject, plan.condition)


# --- files --------------------------------------------------------------------------------------------------------


def _evening(order: int) -> datetime.datetime:
    return FIRST_EVENING + datetime.timedelta(days=WASHOUT_DAYS * (order - 1))


def _record_s(night: SimulatedNight) -> int:
    """Return the longest part of an epoch whose data record keeps within the 61440 bytes that EDF recommends."""
    bytes_per_s = 2 * sum(night.rates_hz.values())
    return next((seconds for seconds in (30, 15, 10, 6, 5, 3, 2) if seconds * bytes_per_s <= 61440 - 64), 1)


def _write_edf(path: Path, night: SimulatedNight, order: int) -> None:
    """Write the night as EDF+C, without a person's name, marked as simulated."""
    import edfio  # only writing needs it

    digital_range = (-32768, 32767)
    made = []
    for channel, signal_uv in night.signals_uv.items():
        kind = find_site(channel).kind
        digital = np.clip(np.rint(signal_uv / UV_PER_DIGIT), *digital_range).astype(np.int16)
        made.append(
            edfio.EdfSignal.from_digital(
                digital,
                night.rates_hz[channel],
                label=channel,
                transducer_type=SIMULATED,
                physical_dimension="uV",
                physical_range=(digital_range[0] * UV_PER_DIGIT, digital_range[1] * UV_PER_DIGIT),
                digital_range=digital_range,
                prefiltering={"eeg": "HP:0.3Hz LP:45Hz", "eog": "HP:0.3Hz LP:45Hz", "emg": "HP:10Hz LP:100Hz"}.get(
                    kind, ""
                ),
            )
        )
    evening = _evening(order)
    edfio.Edf(
        made,
        patient=edfio.Patient(),
        recording=edfio.Recording(startdate=evening.date(), equipment_code="swa_simulated_night"),
        starttime=evening.time(),
        data_record_duration=_record_s(night),
        annotations=[edfio.EdfAnnotation(LIGHTS_OFF_S, None, "Lights off")],
    ).write(path)


def _write_text(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8"))  # the same bytes on every system


def _write_stages(path: Path, stages: NDArray[np.str_]) -> None:
    lines = [f"{number * EPOCH_S}\t{EPOCH_S}\t{stage}" for number, stage in enumerate(stages)]
    _write_text(path, "\n".join(["onset\tduration\tstage", *lines]) + "\n")


def _study_row(plan: NightPlan, order: int, primary: str | None) -> dict[str, str]:
    """Return the night's row of the study file."""
    rng = make_subject_stream(plan, "age and sex")
    evening = _evening(order)
    is_treatment = plan.condition.lower() not in BASELINE_NAMES
    row = {
        "subject": plan.subject,
        "condition": plan.condition,
        "recording": f"{_night_name(plan)}.edf",
        "order": str(order),
        "age": str(int(rng.integers(22, 46))),
        "sex": "FM"[int(rng.integers(2))],
        "lights_off": (evening + datetime.timedelta(seconds=LIGHTS_OFF_S)).strftime("%H:%M"),
        "dose_start": datetime.datetime.combine(evening.date(), INFUSION).isoformat() if is_treatment else "",
        "simulated": "yes",  # so that no page of it can be taken for data
    }
    return row if primary is None else {**row, "primary": primary}


def _write_study_file(path: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    lines = ["\t".join(rows[0]), *("\t".join(row.values()) for row in rows)]
    _write_text(path, "\n".join(lines) + "\n")
    return path


_WAVE_COLUMNS = {  # decimals kept
    "start_s": 3,
    "negative_peak_s": 3,
    "midcrossing_s": 3,
    "positive_peak_s": 3,
    "negative_amplitude_uv": 1,
    "peak_to_peak_uv": 1,
    "slope_down_uv_s": 0,
    "slope_up_uv_s": 0,
}


def _round_columns(table: Mapping[str, NDArray[np.float64]], decimals: Mapping[str, int]) -> dict[str, list[float]]:
    return {
        name: (np.rint(table[name]).astype(int) if places == 0 else np.round(table[name], places)).tolist()
        for name, places in decimals.items()
    }


def _describe_truth(night: SimulatedNight) -> dict[str, object]:
    """Return a night's truth as lists and numbers, rounded."""
    return {
        "effect": night.plan.effect,
        "slope_effect": night.plan.slope_effect,
        "trait_ratio": round(night.trait_ratio, 5),
        "night_ratio": round(night.night_ratio, 5),
        "control_ratios": {name: round(ratio, 5) for name, ratio in night.control_ratios.items()},
        "sleep_onset_s": night.sleep_onset_s,
        "process_s": {name: round(value, 4) for name, value in asdict(night.process_s).items()},
        "cycles": [
            {
                "start_s": cycle.first * EPOCH_S,
                "end_s": cycle.end * EPOCH_S,
                "midpoint_h": round(cycle.midpoint_h, 4),
                "swa_uv2": round(cycle.swa_uv2, 2),
            }
            for cycle in night.cycles
        ],
        "artifacts": [asdict(artifact) for artifact in night.artifacts],
        "stages": night.stages.tolist(),
        "spindles": _round_columns(
            night.spindles, {"start_s": 2, "duration_s": 2, "frequency_hz": 2, "amplitude_uv": 1}
        ),
        "waves": {channel: _round_columns(table, _WAVE_COLUMNS) for channel, table in night.waves.items()},
    }


def _write_truth(
    path: Path, plan: NightPlan, effect: Mapping[str, float], slope_effect: Mapping[str, float], nights: list[str]
) -> None:
    """Write `truth.json`, one night a line."""
    settings = asdict(plan)
    for name in ("subject", "condition", "occurrence", "seed", "effect", "slope_effect"):
        del settings[name]
    settings |= {"effect": dict(effect), "slope_effect": dict(slope_effect)}
    head = json.dumps({"simulated": True, "seed": plan.seed, "settings": settings}, separators=(",", ":"))
    _write_text(path, head[:-1] + ',"nights":[\n' + ",\n".join(nights) + "\n]}\n")
