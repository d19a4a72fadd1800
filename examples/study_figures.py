"""Figures for a paper from a results folder.

Run in the folder of the project, after `swa run sample_recordings -o results`: python examples/study_figures.py
"""

import swa

results = swa.read_results("results")
group = results.contrasts.query(
    "subject == 'group' and contrast == 'ketamine:baseline' and channel == 'C4-M1' "
    "and stages == 'NREM' and window == 'cycle-1' and scale == 'ratio' and variant == ''"
)
markers = ["swa", "delta_power", "wave_density", "wave_amplitude_p90", "wave_slope_up", "wave_slope_up_matched"]
rows = group.set_index("measure").reindex(markers).dropna(subset="estimate").reset_index()

figure = swa.figures.forest(rows, count="subjects", title="Ketamine against baseline, NREM cycle 1, C4-M1")
figure.savefig("forest.svg")
figure.savefig("forest.png", dpi=300)
