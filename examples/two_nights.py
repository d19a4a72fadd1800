"""Two nights of one subject from mne, scored by hand: did slow-wave activity change?

Run in the folder of the project: python examples/two_nights.py
"""

from pathlib import Path

import mne

import swa

FOLDER = Path("sample_recordings")
nights = []
for condition in ("baseline", "ketamine"):
    raw = mne.io.read_raw_edf(FOLDER / f"S01_{condition}.edf", preload=True, verbose="error")
    hypnogram = swa.read_hypnogram(FOLDER / "truth" / f"S01_{condition}_stages.tsv")
    nights.append(swa.analyze_night(raw, hypnogram, subject="S01", condition=condition))

contrasts = swa.compare_nights(nights, baseline="baseline")
rows = contrasts.query("subject == 'S01' and stages == 'NREM' and window == 'cycle-1' and measure == 'swa'")
print(rows[["channel", "estimate", "ci_low", "ci_high", "method"]].to_string(index=False))

figure = swa.figures.slow_wave_average({night.condition: night.waves for night in nights})
figure.savefig("slow_waves.png", dpi=150)
