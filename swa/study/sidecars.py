"""What the columns of the stored tables mean: JSON that stands once at the root (BIDS inheritance)."""

_CHANNEL = {"Description": "Derivation, e.g. C4-M1; a region (frontal, central) where the subject step made one"}
_STAGE = {
    "Description": "Sleep stage by AASM; UNS where nobody scored",
    "Levels": {"W": "wake", "N1": "NREM 1", "N2": "NREM 2", "N3": "NREM 3", "R": "REM sleep"},
}
_CYCLE = {"Description": "Number of the NREM cycle, 0 outside of one"}
_ONSET = {"Description": "From the first sample of the recording", "Units": "s"}
_SHARED = {
    "channel": _CHANNEL,
    "stages": {"Description": "NREM (N2 and N3), N2, N3, REM, W or any"},
    "window": {"Description": "night, cycle-N, hour-N, dosehour-N, matched (first 60 min of clean NREM), first60min …"},
}


def _in(units: str, description: str) -> dict[str, str]:
    return {"Description": description, "Units": units}


def _is(description: str) -> dict[str, str]:
    return {"Description": description}


_NAMES = {name: _is("As in the study file, letters and digits only") for name in ("subject", "session")}
_NIGHT = _NAMES | {"condition": _is("As in the study file; a code in a blinded run")}
_CONTRAST = _is("Treatment and baseline, as in ketamine:baseline")
_INTERVAL = {
    "ci_low": _is("Lower end of the 95 % interval, on the scale of the estimate"),
    "ci_high": _is("Upper end of the 95 % interval"),
    "p": _is("Two-sided; missing where no test is possible, and for a single subject"),
    "p_adjusted": _is("Benjamini-Hochberg within contrast"),
    "n": _is("Subjects that the row rests on; in a row of one subject, nights"),
    "method": _is("Test and interval"),
    "note": _is("Why a value is missing, or what to know about it"),
}
_SCALE = {
    "Description": "What the estimate is",
    "Levels": {"ratio": "treatment / baseline", "difference": "treatment - baseline"},
}
_VERDICT = {
    "verdict": _is("sound, caution or not comparable (of a night alone: sound, caution or unusable)"),
    "verdict_reasons": _is("Each stated limit that was passed, with its number"),
}
_ROLE = _is("primary (declared in the study file or settings), secondary, or exploratory")

COLUMNS: dict[str, dict[str, object]] = {
    "nights.json": {
        **_NIGHT,
        "recording": _is("Path of the recording, as in the study file"),
        "subject_label": _is("The name as it stands in the study file"),
        "session_label": _is("The name as it stands in the study file"),
        "infusion": _is("Number of the infusion that the night follows; only where doses are known"),
        "nights_since_dose": _is("Nights since that infusion; that of its day is 1"),
        "status": _is("done, failed (why: problems.tsv) or excluded (by the call)"),
        "staging_source": _is("Scoring file, or YASA with its version, channels and what it knew of the subject"),
        "recording_min": _in("min", "Length of the recording, gaps among it"),
        "sleep_onset_min": _in("min", "First sample to sleep onset (the first of three epochs of sleep in a row)"),
        "nrem_cycles": _is("NREM cycles"),
        "staging_confidence": _in("1", "Mean probability of the stage that the classifier chose"),
        "TIB_min": _in("min", "Time in bed: lights off to lights on where known, else the recording"),
        "TST_min": _in("min", "Total sleep time"),
        "SOL_min": _in(
            "min", "Lights off (else the start) to the first single epoch of sleep: a latency, not sleep onset"
        ),
        "WASO_min": _in("min", "Wake after sleep onset"),
        "SE": _in("%", "Sleep efficiency: total sleep time / time in bed"),
        "N1_min": _in("min", "Time in N1"),
        "N2_min": _in("min", "Time in N2"),
        "N3_min": _in("min", "Time in N3"),
        "REM_min": _in("min", "Time in REM sleep"),
        **_VERDICT,
        "same_recording": _is(
            "Sessions of the subject that are one and the same recording; across conditions none of them is compared, "
            "within one the first is"
        ),
        "*": _is("Columns of the study file, and headline markers of the night in the primary channel and window"),
    },
    "contrasts.json": {
        "subject": _is("A subject, or `group`"),
        "contrast": _CONTRAST,
        **_SHARED,
        "measure": _is("What was compared (docs: measures)"),
        "variant": _is("Preset, selection or estimator; empty for the default"),
        "scale": _SCALE,
        "estimate": _is("Change from baseline; of the group the geometric mean of ratios, or the mean of differences"),
        **_INTERVAL
        | {
            "p_adjusted": _is(
                "Benjamini-Hochberg within contrast and role; of the primary, Holm over contrasts with one comparator"
            )
        },
        "role": _ROLE,
        **_VERDICT,
        "treatment": _is("Condition whose change is taken; between arms that of the first arm"),
        "comparator": _is("Condition that it is held against; between arms that of the second arm"),
        "first": _is("Arm or group whose change is compared with that of `second`; empty within subjects"),
        "second": _is("The other arm or group"),
        "reasons": _is("Method and note as facts, for programs: JSON, a list of codes with their values"),
    },
    "precision.json": {
        "subject": _NAMES["subject"],
        "contrast": _CONTRAST,
        **_SHARED,
        "measure": _is("What was compared: swa or wave_density"),
        "estimate": _is("Change from baseline, a ratio; the same as in contrasts.tsv"),
        "ci_low": _is(
            "Lower end of the 95 % interval of these nights' precision, by a block bootstrap over epochs: not the "
            "uncertainty of a drug effect, which it covers less often (36–61 % of the time in simulations)"
        ),
        "ci_high": _is("Upper end of that interval"),
        "n": _is("Epochs of N2 and N3 that the row rests on"),
        "method": _is("Draws and length of the blocks"),
        "note": _INTERVAL["note"],
    },
    "comparability.json": {
        "subject": _NAMES["subject"],
        "contrast": _CONTRAST,
        "channel": _CHANNEL,
        "control": _is("Band and state that a drug should not move, or what else was compared"),
        "ln_ratio": _is("ln of the power of the treatment night over the baseline night"),
        "g": _is("Mean of the controls, ln power; exp(g/2) is a gain"),
        "limit": _is("Above it the row is flagged: 95 % limit between two nights of no change"),
        "flagged": _is("true or false"),
        "note": _is("Bands, how the limit was found, and what an unflagged row does not exclude"),
    },
    "profiles.json": {
        "treatment_a": _is("Condition"),
        "treatment_b": _is("Condition"),
        "measure set": _is("Markers and windows that both profiles have"),
        "similarity": _is("Cosine of the two profiles of standardised changes, -1 to 1"),
        **{name: _INTERVAL[name] for name in ("ci_low", "ci_high", "p", "n", "note")},
        "equivalence_p": _is("Two one-sided tests that they differ by less than the margin on the primary marker"),
    },
    "moderators.json": {
        "contrast": _CONTRAST,
        "covariate": _is("Column of the study file"),
        **_SHARED,
        "measure": _is("Marker whose change was related to the covariate"),
        "estimate": _is("Slope of the ln change per unit of the covariate, or rank correlation: see method"),
        **_INTERVAL | {"p_adjusted": _is("Benjamini-Hochberg within contrast and method")},
    },
    "problems.json": {
        **_NAMES,
        "recording": _is("Path of the recording"),
        "step": _is("What the program was doing"),
        "problem": _is("What was found, and what was expected"),
        "remedy": _is("What to do"),
    },
    "rejection.json": {
        **_NIGHT,
        "channel": _CHANNEL,
        "rule": _is("Artefact rule; `any`: all together; `limits x 0.5`, `limits x 2`: at other limits"),
        "nrem_share": _in("1", "Share of NREM time that the rule removes"),
        "swa_share": _in("1", "Share of SWA, the artefact's own power among it"),
        "wave_share": _in("1", "Share of the slow waves"),
        "n_waves": _is("Slow waves before any was removed"),
        "swa_ratio": _in("1", "SWA at limits halved or doubled over SWA at the limits in use"),
        "wave_density_ratio": _in("1", "The same of wave density"),
    },
    "clusters.json": {
        "contrast": _CONTRAST,
        "domain": _is("frequency, hours (since sleep onset) or topography (electrodes)"),
        **_SHARED,
        "from": _is("First frequency in Hz or hour of the cluster"),
        "to": _is("Last frequency in Hz or hour of the cluster"),
        "t_sum": _is("Sum of t within the cluster"),
        "p": _is("Two-sided, over the largest clusters of all sign flips: it holds for the cluster, not for its edges"),
        "n": _is("Subjects"),
        "n_flips": _is("Sign flips made"),
        "smallest_p": _is("The smallest p that this number of subjects can reach"),
        "method": _INTERVAL["method"],
        "note": _INTERVAL["note"],
    },
    "cycle_contrasts.json": {
        "contrast": _CONTRAST,
        "channel": _CHANNEL,
        "stages": _SHARED["stages"],
        "cycles": _is("The two cycles whose changes are subtracted within each subject"),
        "measure": _is("What was compared"),
        "scale": _SCALE,
        "estimate": _is("Change in the first of the cycles against the change in the second"),
        **_INTERVAL,
    },
    "dose_contrasts.json": {
        "subject": _is("A subject, or `group`"),
        "contrast": _CONTRAST,
        "term": _is("One night after one infusion, or a trend: per night since the dose, or per infusion"),
        "infusion": _is("Number of the infusion within subject and condition"),
        "night": _is("Nights since the dose; that of its day is 1"),
        "channel": _CHANNEL,
        **{name: _SHARED[name] for name in ("stages", "window")},
        "measure": _is("What was compared"),
        "scale": _SCALE,
        "estimate": _is("Change from baseline, or the factor (difference) a night or infusion"),
        **_INTERVAL,
    },
    "specifications.json": {
        "contrast": _CONTRAST,
        "curve": _is("Marker whose specification curve this row belongs to"),
        **_SHARED,
        "measure": _is("What was compared"),
        "band": _is("Frequency band"),
        "estimator": _is("Mean or median over epochs, or how a slope is matched"),
        "selection": _is("Criteria of the waves"),
        "artefacts": _is("Limits of the artefact rules"),
        "scale": _SCALE,
        "estimate": _is("Contrast under this specification"),
        **{name: text for name, text in _INTERVAL.items() if name != "p_adjusted"},
        "role": _ROLE,
        "differs": _is("In how many choices the row differs from the reference"),
    },
    "specification_summary.json": {
        "contrast": _CONTRAST,
        "curve": _is("Marker"),
        "reference": _is("The specification that was declared"),
        "scale": _SCALE,
        "reference_estimate": _is("Its estimate"),
        "lowest": _is("Lowest estimate of all specifications"),
        "median": _is("Median estimate"),
        "highest": _is("Highest estimate"),
        "same_sign_share": _in("1", "Share with the sign of the reference"),
        "excluding_none_share": _in("1", "Share whose interval excludes no change"),
        "n_specifications": _is("Specifications asked for"),
        "n_estimated": _is("Those that gave an estimate"),
        "n": _is("Subjects"),
        "p": _is("Of the whole curve, by sign flips"),
        "method": _INTERVAL["method"],
        "note": _INTERVAL["note"],
    },
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
    "task-sleep_desc-precision.json": {
        "session": {"Description": "As in the study file"},
        **_SHARED,
        "measure": {"Description": "swa or wave_density"},
        "value": {"Description": "As in measures.parquet, from the stored epochs and waves"},
        "ln_se": _in("1", "SD of ln of the value over the draws of a block bootstrap over epochs: this night alone"),
        "n": {"Description": "Epochs; of a region those of the channel with the fewest"},
        "note": {"Description": "Why there is no error"},
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
