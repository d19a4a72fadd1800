"""Automatic staging with YASA's own classifiers (Vallat & Walker 2021, eLife 10:e70092)."""

import functools
import warnings
from typing import TYPE_CHECKING

import numpy as np

from swa.errors import RecordingError
from swa.recordings.channels import MINIMUM_STAGING_RATE_HZ, Channel, order_for_staging
from swa.recordings.reader import Recording
from swa.sleep.scoring import make_hypnogram

if TYPE_CHECKING:
    import yasa

YASA_RATE_HZ = 100.0
YASA_MINIMUM_S = 300.0
_REMEDY = "Give a scoring in the column `hypnogram` of the study file."


def stage_recording(recording: Recording, *, age: float | None = None, sex: str | None = None) -> "yasa.Hypnogram":
    """Stage a recording with YASA.

    Parameters
    ----------
    recording : Recording
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
    The signals are brought to 100 Hz by our own polyphase filter, once, instead of YASA's resampling by FFT.
    """
    import mne
    import yasa

    import_antropy()
    chosen = staging_channels(recording)
    group = recording.read(chosen, rate_hz=YASA_RATE_HZ)
    if chosen[0].name in group.problems:
        raise group.problems[chosen[0].name]
    roles = [channel.role for channel in group.channels]
    names = [channel.name for channel in group.channels]
    metadata = {"age": age, "male": sex[:1].lower() == "m"} if age is not None and sex else None
    raw = mne.io.RawArray(
        group.data_uv.astype(np.float64) * 1e-6, mne.create_info(names, YASA_RATE_HZ, roles), verbose="error"
    )
    by_role = dict(zip(roles, names, strict=True))
    try:
        staging = yasa.SleepStaging(
            raw, eeg_name=by_role["eeg"], eog_name=by_role.get("eog"), emg_name=by_role.get("emg"), metadata=metadata
        )
        with warnings.catch_warnings():
            # YASA's classifiers were pickled by an older scikit-learn; their predictions are the same.
            warnings.filterwarnings("ignore", message="Trying to unpickle estimator")
            predicted = staging.predict()
    except (ValueError, AssertionError) as error:
        raise RecordingError(f"{recording.name}: YASA could not stage it ({error}).", _REMEDY) from None
    model = "+".join(roles) + ("+demographics" if metadata else "")
    scorer = f"YASA {yasa.__version__} ({model}: {', '.join(names)})"
    short = {"WAKE": "W", "REM": "R"}
    stages = np.array([short.get(stage, stage) for stage in predicted.hypno], dtype="U3")
    stages[recording.gap_share_per(30.0)[: len(stages)] > 0.5] = "UNS"  # there is nothing to stage in a gap
    return make_hypnogram(stages, 30.0, scorer=scorer, proba=predicted.proba)


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
        found = ", ".join(label for channel in recording.channels[:12] for label in channel.labels[:1])
        raise RecordingError(
            f"{recording.name}: no EEG channel was recognised among its {len(recording.channels)} signals ({found}).",
            'Name the EEG in the settings: [channels] roles = { "label" = "eeg" }.',
        )
    if recording.duration_s < YASA_MINIMUM_S:
        raise RecordingError(
            f"{recording.name}: {recording.duration_s / 60:.1f} min long; staging needs at least 5 min.",
            "It is too short for a night: leave it out, or give a scoring in the column `hypnogram`.",
        )
    return [channel for channel in (eeg, eog, emg) if channel is not None]
