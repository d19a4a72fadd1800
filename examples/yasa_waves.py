"""Slow waves that YASA has found, compared between nights by swa.

Run in the folder of the project: python examples/yasa_waves.py
"""

from pathlib import Path

import mne
import pandas as pd
import yasa

import swa

FOLDER = Path("sample_recordings")
NAMES = {
    "Channel": "channel",
    "Start": "start_s",
    "NegPeak": "negative_peak_s",
    "MidCrossing": "midcrossing_s",
    "End": "end_s",
    "ValNegPeak": "negative_amplitude_uv",
    "PTP": "peak_to_peak_uv",
}

tables = []
for subject in ("S01", "S02"):
    for condition in ("baseline", "ketamine"):
        path = FOLDER / f"{subject}_{condition}.edf"
        raw = mne.io.read_raw_edf(path, include=["C4-M1"], preload=True, verbose="error")
        waves = yasa.sw_detect(raw, verbose="error").summary().rename(columns=NAMES)
        hypnogram = swa.read_hypnogram(FOLDER / "truth" / f"{path.stem}_stages.tsv")
        tables.append(swa.measures_from_waves(waves, hypnogram, subject=subject, condition=condition, detector="yasa"))

contrasts = swa.compare_nights(pd.concat(tables), baseline="baseline")
rows = contrasts.query("measure == 'wave_density' and stages == 'NREM' and window == 'night'")
print(rows[["subject", "variant", "estimate", "ci_low", "ci_high", "note"]].to_string(index=False))
