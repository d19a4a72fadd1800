"""What the columns of the stored tables mean: JSON that stands once at the root (BIDS inheritance)."""

_CHANNEL = {"Description": "Derivation, e.g. C4-M1; a region (frontal, central) where the subject step made one"}
_STAGE = {"Description": "Sleep stage by AASM", "Levels": {"W": "wake", "N1": "", "N2": "", "N3": "", "R": "REM sleep"}}
_CYCLE = {"Description": "Number of the NREM cycle, 0 outside of one"}
_ONSET = {"Description": "From the first sample of the recording", "Units": "s"}
_SHARED = {
    "channel": _CHANNEL,
    "stages": {"Description": "NREM (N2 and N3), N2, N3, REM, W or any"},
    "window": {"Description": "night, cycle-N, hour-N, dosehour-N, matched (first 60 min of clean NREM), first60min …"},
}


def _in(units: str, description: str) -> dict[str, str]:
    return {"Description": description, "Units": units}


COLUMNS: dict[str, dict[str, object]] = {
    "task-sleep_desc-slowwaves_events.json": {
        "channel": _CHANNEL,
        "stage": _STAGE,
        "cycle": _CYCLE,
        "start_s": _in("s", "Downward zero crossing that begins the half-wave"),
        "negative_peak_s": _in("s", "Negative peak"),
        "midcrossing_s": _in("s", "Upward zero crossing after the negative peak"),
        "positive_peak_s": _in("s", "Positive peak that follows"),
        "end_s": _in("s", "Downward zero crossing that ends the wave"),
        "negative_amplitude_uv": _in("µV", "Size of the negative peak, as a magnitude"),
        "positive_amplitude_uv": _in("µV", "Size of the positive peak"),
        "peak_to_peak_uv": _in("µV", "From the negative to the positive peak"),
        "duration_s": _in("s", "Of the wave as the detector's criteria define it"),
        "slope_down_uv_s": _in("µV/s", "Mean slope to the negative peak, as a magnitude"),
        "slope_up_uv_s": _in("µV/s", "Mean slope from the negative peak to the mid-crossing"),
        "max_slope_down_uv_s": _in("µV/s", "Steepest slope down, as a magnitude"),
        "max_slope_up_uv_s": _in("µV/s", "Steepest slope up"),
        "negative_peaks": {"Description": "Negative peaks within the half-wave; 1 for a simple wave"},
        "nrem_min": _in("min", "NREM sleep (N2 and N3) since sleep onset"),
        "dose_h": _in("h", "Since the dose; missing where its time is unknown"),
    },
    "task-sleep_desc-hypnogram_events.json": {
        "onset": _ONSET,
        "duration": _in("s", "Length of the epoch"),
        "stage": _STAGE,
        "confidence": _in("1", "Probability of the stage by the classifier; n/a where a scoring was given"),
    },
    "task-sleep_desc-swa_timeseries.json": {
        "channel": _CHANNEL,
        "onset_s": _ONSET,
        "stage": _STAGE,
        "cycle": _CYCLE,
        "usable_s": _in("s", "Time of the epoch that no artefact rule removed"),
        "*": _in("µV²", "Every other column is the power of the band of that name in the usable windows of the epoch"),
    },
    "task-sleep_desc-spectra.json": {
        **_SHARED,
        "frequency_hz": _in("Hz", "Frequency"),
        "density_uv2_hz": _in("µV²/Hz", "Mean power spectral density"),
        "n_epochs": {"Description": "Epochs that it is the mean of"},
    },
    "task-sleep_desc-measures.json": {
        "subject": {"Description": "As in the study file"},
        "session": {"Description": "As in the study file"},
        "condition": {"Description": "As in the study file"},
        **_SHARED,
        "measure": {"Description": "What was measured"},
        "variant": {"Description": "Preset, selection or estimator; empty for the default"},
        "value": {"Description": "In the unit of the column unit; missing with the reason in note"},
        "unit": {"Description": "µV², µV, µV/s, 1/min, s, h or 1"},
        "n": {"Description": "Epochs, waves or cycles that the value comes from"},
        "note": {"Description": "Why a value is missing, or how it was obtained"},
    },
}
