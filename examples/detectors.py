"""How much of a result is the definition of a slow wave? The same two nights with every published preset.

Run in the folder of the project: python examples/detectors.py
"""

from pathlib import Path

import swa

FOLDER = Path("sample_recordings")
PRESETS = ("riedner2007", "massimini2004", "carrier2011", "aasm", "yasa")

minutes, counts = {}, {}
for preset in PRESETS:
    for condition in ("baseline", "ketamine"):
        recording = swa.read_recording(FOLDER / f"S01_{condition}.edf")
        hypnogram = swa.read_hypnogram(FOLDER / "truth" / f"S01_{condition}_stages.tsv")
        waves = swa.detect_slow_waves(recording, hypnogram, criteria=swa.WaveCriteria.preset(preset))
        chosen = waves.select().query("channel == 'C4-M1' and stage in ('N2', 'N3')")
        analysed = waves.analysed_min.query("channel == 'C4-M1' and stage in ('N2', 'N3')")
        counts[condition], minutes[condition] = len(chosen), analysed["minutes"].sum()
    before, after = (counts[name] / minutes[name] for name in ("baseline", "ketamine"))
    print(f"{preset:15} {before:6.2f} {after:6.2f} waves/min   ratio {after / before:.2f}")
