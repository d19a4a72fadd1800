"""Automatic staging with YASA's own classifiers (Vallat & Walker 2021, eLife 10:e70092)."""

import functools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.errors import RecordingError
from swa.measures.artifacts import Trace, dead_share
from swa.recordings.channels import MINIMUM_STAGING_RATE_HZ, Channel, order_for_staging, rank_for_staging
from swa.recordings.mne_raw import lazy_raw
from swa.recordings.recording import Recording, as_recording, no_eeg
from swa.sleep.hypnogram import STAGES, epoch_length_s, make_hypnogram, stages_of
from swa.tables.night_document import Agreement

if TYPE_CHECKING:
    import mne
    import yasa

YASA_RATE_HZ = 100.0
EPOCH_S = 30.0
YASA_MINIMUM_S = 300.0
MOST_DEAD = 0.1  # of a channel, where another of its role is better
ALL_DEAD = 0.95
_REMEDY = "Give a scoring in the column `hypnogram` of the study file."


# Features of YASA that depend on the EEG's amplitude, and the power of the gain that they grow with. All others are
# ratios, counts of crossings, or scaled to the night: `_c7min_norm` and `_p2min_norm` by a robust range.
AMPLITUDE_FEATURES = {"eeg_std": 1, "eeg_iqr": 1, "eeg_abspow": 2}
GAINS = (0.8, 1.2)  # of the EEG, at which the staging is repeated


@dataclass(frozen=True, kw_only=True)
class Staging:
    """A hypnogram by YASA, and the stages that it would give if the EEG were smaller or larger.

    Attributes
    ----------
    hypnogram : yasa.Hypnogram
        As of `stage_recording`.
    stages_at_gain : dict of float to ndarray of str, shape (n_epochs,)
        Stages at each gain of `GAINS`.
    notes : tuple of str
        Channels that are there and were not used, with the reason.
    """

    hypnogram: "yasa.Hypnogram"
    stages_at_gain: dict[float, NDArray[np.str_]]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    """A channel as it was read for the staging; without a signal where it could not be read."""

    channel: Channel
    dead_share: float
    signal_uv: NDArray[np.float32] | None = None
    problem: RecordingError | None = None

    @property
    def why(self) -> str:
        if self.problem:
            return f"{self.channel.name} could not be read"
        how = "flat, clipped or too large" if self.channel.role == "eeg" else "flat or clipped"
        return f"{self.channel.name} is {how} in {100 * self.dead_share:.0f} % of the recording"


def stage_recording(
    recording: "Recording | mne.io.BaseRaw", *, age: float | None = None, sex: str | None = None
) -> "yasa.Hypnogram":
    """Stage a recording with YASA.

    Parameters
    ----------
    recording : Recording or mne.io.BaseRaw
        With at least one EEG channel of at least 80 Hz and 5 min; EOG and chin EMG are used where there are any.
    age : float, optional
        Age in years; used together with `sex`.
    sex : str, optional
        ``F``, ``M``, ``female`` or ``male``.

    Returns
    -------
    yasa.Hypnogram
        30-s epochs from the first sample, with the probability of each stage in `proba`; `scorer` says which model and
        which channels.

    Raises
    ------
    RecordingError
        YASA cannot stage this recording: no EEG, a rate below 80 Hz, or less than 5 min.

    Notes
    -----
    The signals are brought to 100 Hz as all others are (`swa.recordings.resampling.resample`), once, instead of YASA's
    resampling by FFT.

    Examples
    --------
    >>> import swa
    >>> hypnogram = swa.stage_recording(swa.read_recording("night.edf"), age=45, sex="F")
    >>> hypnogram.n_epochs, round(1 / hypnogram.sampling_frequency)
    (180, 30)
    >>> bool(hypnogram.sleep_statistics()["TST"] > 30)  # min; everything that a yasa.Hypnogram can do
    True
    """
    return stage_at_gains(as_recording(recording), age=age, sex=sex, gains=()).hypnogram


def stage_at_gains(
    recording: Recording, *, age: float | None = None, sex: str | None = None, gains: Sequence[float] = GAINS
) -> Staging:
    """Stage a recording, and again as if its EEG had another amplitude: how much the stages owe to amplitude.

    Parameters
    ----------
    recording, age, sex
        As for `stage_recording`.
    gains : sequence of float
        Amplitude of the EEG relative to the recorded one.

    Raises
    ------
    RecordingError
        YASA cannot stage this recording.

    Notes
    -----
    The features are computed once. Those that depend on amplitude (`AMPLITUDE_FEATURES`) are multiplied, which costs a
    prediction instead of a staging. A channel that is dead for more than a tenth of the recording gives its place to
    the next of its role that is not; `notes` names both.
    """
    import yasa

    chosen = staging_channels(recording)
    _import_lightgbm(recording.name)
    import_antropy()
    missing = recording.gap_share_per(EPOCH_S) > 0.5
    metadata = {"age": age, "male": sex[:1].lower() == "m"} if age is not None and sex else None
    try:
        staging, channels, notes = _hand_over(recording, chosen, missing, metadata)
        with warnings.catch_warnings():
            # YASA's classifiers were pickled by an older scikit-learn; their predictions are the same.
            warnings.filterwarnings("ignore", message="Trying to unpickle estimator")
            proba, others = _predict(staging, gains)
    except (ValueError, AssertionError) as error:
        raise RecordingError(f"{recording.name}: YASA could not stage it ({error}).", _REMEDY) from None
    model = "+".join(channels) + ("+demographics" if metadata else "")
    scorer = f"YASA {yasa.__version__} ({model}: {', '.join(channels.values())})"
    unknown = 1 / proba.shape[1]  # of each stage, as yasa.Hypnogram asks for a sum of 1
    stages = proba.idxmax(axis=1)
    proba = proba.set_axis(np.flatnonzero(~missing)).reindex(range(len(missing)), fill_value=unknown)
    return Staging(
        hypnogram=make_hypnogram(_all_stages(stages, missing), EPOCH_S, scorer=scorer, proba=proba),
        stages_at_gain={gain: _all_stages(hypno, missing) for gain, hypno in others.items()},
        notes=tuple(notes),
    )


def _hand_over(
    recording: Recording,
    chosen: Sequence[Channel],
    missing: NDArray[np.bool_],
    metadata: dict[str, float | bool] | None,
) -> tuple["yasa.SleepStaging", dict[str, str], list[str]]:
    """YASA's staging with its own copy of the signals, the channel of each role, and what is to be told.

    The signals are read here and nowhere else, so that none of ours is held while YASA computes: its features are one
    of the two peaks of memory of a night.
    """
    import yasa

    taken, notes = _find_living(recording, chosen)
    by_role = {each.channel.role: each.channel.name for each in taken}
    signals_uv = [each.signal_uv for each in taken if each.signal_uv is not None]
    # What was not recorded is left out: flat epochs would pull YASA's scaling over the night, and its smoothing over
    # 7.5 minutes, towards a state that nobody was in.
    kept = np.ones(len(signals_uv[0]), bool)
    kept[: len(missing) * round(EPOCH_S * YASA_RATE_HZ)] = ~np.repeat(missing, round(EPOCH_S * YASA_RATE_HZ))
    if not kept.all():
        signals_uv = [signal_uv[kept] for signal_uv in signals_uv]
    raw = lazy_raw(signals_uv, {name: role for role, name in by_role.items()}, YASA_RATE_HZ)
    staging = yasa.SleepStaging(
        raw, eeg_name=by_role["eeg"], eog_name=by_role.get("eog"), emg_name=by_role.get("emg"), metadata=metadata
    )
    return staging, by_role, notes


def _find_living(recording: Recording, first: Sequence[Channel]) -> tuple[list[_Candidate], list[str]]:
    """The best channel of each role that is not dead, with its signal, and what is to be told about the others."""
    ranked = rank_for_staging(recording.channels)
    read = {each.channel.role: [each] for each in _read_candidates(recording, first)}
    taken: list[_Candidate] = []
    notes: list[str] = []
    for role, candidates in read.items():
        for channel in ranked[role][1:]:
            if candidates[-1].dead_share <= MOST_DEAD:
                break
            candidates += _read_candidates(recording, [channel])
        least = min(each.dead_share for each in candidates)
        best = next(each for each in candidates if each.dead_share <= least + MOST_DEAD)
        passed_over = "; ".join(each.why for each in candidates[: candidates.index(best)])
        if role == "eeg" and (best.problem or least > ALL_DEAD):
            raise best.problem or RecordingError(
                f"{recording.name}: no EEG channel can be staged: {'; '.join(each.why for each in candidates)}.",
                "Look at the signals: the electrodes were off, or other channels hold the EEG.",
            )
        # Electrodes that are off for half a day are so in all channels: that alone makes no channel worse than none.
        if best.problem or (role != "eeg" and least > taken[0].dead_share + 0.5):
            notes.append(f"staged without {role.upper()}: {'; '.join(each.why for each in candidates)}")
            continue
        taken.append(best)
        notes += [f"staged on {best.channel.name}: {passed_over}"] if passed_over else []
    return taken, notes


def _read_candidates(recording: Recording, channels: Sequence[Channel]) -> list[_Candidate]:
    """Read channels for the staging and see how much of each is dead."""
    group = recording.read(channels, rate_hz=YASA_RATE_HZ)
    rows = {channel.name: row for row, channel in enumerate(group.channels)}
    found = []
    for channel in channels:
        if channel.name in group.problems:
            found.append(_Candidate(channel=channel, dead_share=1.0, problem=group.problems[channel.name]))
            continue
        row = rows[channel.name]
        trace = Trace(
            signal_uv=group.data_uv[row], clipped=group.clipped[row], rate_hz=group.rate_hz, pieces=group.pieces
        )
        share = dead_share(trace, judge_amplitude=channel.role == "eeg")
        found.append(_Candidate(channel=channel, dead_share=share, signal_uv=group.data_uv[row]))
    return found


def measure_agreement(scored: "yasa.Hypnogram", staged: "yasa.Hypnogram") -> Agreement | None:
    """Agreement of YASA's stages with a scoring, by `yasa.EpochByEpochAgreement`.

    Parameters
    ----------
    scored, staged : yasa.Hypnogram
        The scoring on the recording's time line (`fit_to_recording`), and the stages by YASA.

    Returns
    -------
    dict or None
        `epochs` that both know, `accuracy` (share), Cohen's `kappa`, and by stage `recall` (share of the scoring's
        epochs that YASA stages alike) and `precision` (share of YASA's that are scored alike), None where the stage
        does not occur. None where epochs are not of 30 s or none is known to both.
    """
    if epoch_length_s(scored) != EPOCH_S:
        return None
    n = min(scored.n_epochs, staged.n_epochs)
    ours, theirs = stages_of(staged)[:n], stages_of(scored)[:n]
    known = (ours != "UNS") & (theirs != "UNS")
    if not known.any():
        return None
    lab = make_hypnogram(theirs[known], EPOCH_S, scorer="scoring")
    found = lab.evaluate(make_hypnogram(ours[known], EPOCH_S, scorer="YASA"))
    overall = found.get_agreement()
    by_stage = found.get_agreement_bystage().rename({"WAKE": "W", "REM": "R"})

    def share(name: str, there: set[str]) -> dict[str, float | None]:
        return {stage: round(float(by_stage.loc[stage, name]) / 100, 4) if stage in there else None for stage in STAGES}

    return {
        "epochs": int(known.sum()),
        "accuracy": round(float(overall["accuracy"]) / 100, 4),
        "kappa": round(float(overall["kappa"]), 4) if len(set(theirs[known])) > 1 else None,
        "recall": share("recall", set(theirs[known])),
        "precision": share("precision", set(ours[known])),
    }


def _predict(
    staging: "yasa.SleepStaging", gains: Sequence[float]
) -> tuple[pd.DataFrame, dict[float, NDArray[np.str_]]]:
    """Probabilities of the stages, and the stages with the EEG multiplied by each gain, all by one prediction.

    What `yasa.SleepStaging.predict` does, which predicts twice and has no way to other features.
    """
    features = staging.get_features()
    scaled = pd.concat(
        [
            features.assign(**{name: features[name] * gain**power for name, power in AMPLITUDE_FEATURES.items()})
            for gain in (1, *gains)
        ]
    )
    classifier = staging._load_model("auto")
    proba = classifier.predict_proba(scaled.astype(features.dtypes)[classifier.feature_name_])
    stages = np.asarray(classifier.classes_)[proba.argmax(axis=1)].reshape(-1, len(features))
    recorded = pd.DataFrame(proba[: len(features)], columns=classifier.classes_)
    return recorded, dict(zip(gains, stages[1:], strict=True))


def _all_stages(stages: pd.Series | NDArray[np.str_], missing: NDArray[np.bool_]) -> NDArray[np.str_]:
    """Stages of all epochs: ``UNS`` where there was no signal."""
    found = np.full(len(missing), "UNS", dtype="U3")
    found[~missing] = stages
    return found


def import_antropy() -> None:
    """Import antropy, which YASA's features need, with its compiled functions kept for the next process.

    antropy compiles six functions at every import (8 s, in every worker) and keeps none. numba's own cache keeps them
    (in the package's ``__pycache__``, else in the user's cache folder, or in ``NUMBA_CACHE_DIR``); asked for where
    antropy asks for compilation, it hands the next process the same machine code in 0.5 s.
    """
    import numba

    compile_now = numba.jit
    numba.jit = functools.partial(compile_now, cache=True)
    try:
        import antropy
    except (RuntimeError, OSError):
        numba.jit = compile_now  # nowhere to keep them: every process compiles
        import antropy  # noqa: F401
    finally:
        numba.jit = compile_now


def _import_lightgbm(name: str) -> None:
    """Import what YASA's classifiers are made of; it leaves the library of OpenMP to the machine."""
    try:
        import lightgbm  # noqa: F401
    except (ImportError, OSError) as error:
        raise RecordingError(
            f"{name}: this machine lacks what YASA's staging needs ({error}).",
            "Debian, Ubuntu: `sudo apt install libgomp1`. macOS: `brew install libomp`. Then repeat the command.",
        ) from None


def staging_notes(recording: Recording) -> list[str]:
    """What automatic staging leaves unused although it is there: a chin EMG that is too slow.

    Parameters
    ----------
    recording : Recording
        The recording.
    """
    emg = recording.of_role("emg")
    if order_for_staging(recording.channels)[2] is not None or not emg:
        return []
    named = ", ".join(f"{channel.name} at {channel.rate_hz:g} Hz" for channel in emg)
    return [f"staged without EMG: {named} is too slow, at least {MINIMUM_STAGING_RATE_HZ:g} Hz are needed"]


def staging_channels(recording: Recording) -> list[Channel]:
    """The channels that YASA would stage on: EEG, then EOG and chin EMG where there are any.

    Raises
    ------
    RecordingError
        YASA cannot stage this recording.
    """
    eeg, eog, emg = order_for_staging(recording.channels)
    if eeg is None and (slow := recording.of_role("eeg")):
        fastest = max(slow, key=lambda channel: channel.rate_hz)
        raise RecordingError(
            f"{recording.name}, channel {fastest.name}: {fastest.rate_hz:g} Hz is too slow for YASA, "
            f"which needs {MINIMUM_STAGING_RATE_HZ:g} Hz.",
            _REMEDY,
        )
    if eeg is None:
        raise no_eeg(recording)
    if recording.duration_s < YASA_MINIMUM_S:
        cut = f" (truncated: {recording.missing_s:.0f} s are missing)" if recording.missing_s else ""
        raise RecordingError(
            f"{recording.name}: {recording.duration_s / 60:.1f} min long{cut}; staging needs at least 5 min.",
            "Export the recording again, whole."
            if cut
            else "It is too short for a night: leave it out, or give a scoring in the column `hypnogram`.",
        )
    return [channel for channel in (eeg, eog, emg) if channel is not None]
