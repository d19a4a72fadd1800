"""Sleep-EDF Expanded, Sleep Telemetry: temazepam against placebo, 22 people who fall asleep with difficulty.

Get it:  https://physionet.org/content/sleep-edfx/1.0.0/ (open; folder sleep-telemetry, and
         ST-subjects.xls put into it)
Run it:  python examples/public/sleep_edf_st.py sleep-telemetry --write
         which is: swa run sleep-telemetry --study sleep-telemetry/ST-subjects.xls, with power.sigma_hz = [10.33, 13.83]
"""

from pathlib import Path

from expected import Expected, change, main

import swa

WAVES = (
    "“Effects of oral temazepam on slow waves during non-rapid eye movement sleep in healthy young adults: a "
    "high-density EEG investigation” (18 people, abstract; no sizes)"
)
SPINDLES = "high-density EEG, 15 mg, the same 18 people, PMC4600644 (no size in the abstract)"
DATA_SET = "Sleep-EDF ST"
EXPECTED = [
    Expected(what="SWA, whole night", published="lower", source=WAVES, find=change("swa")),
    Expected(
        what="SWA, cycle 1", published="less lower than later", source=WAVES, find=change("swa", window="cycle-1")
    ),
    Expected(
        what="SWA, cycle 3", published="lower, more than early", source=WAVES, find=change("swa", window="cycle-3")
    ),
    Expected(what="slow waves a minute", published="lower", source=WAVES, find=change("wave_density")),
    Expected(
        what="90th percentile of amplitude, cycle 1",
        published="lower (high-amplitude waves)",
        source=WAVES,
        find=change("wave_amplitude_p90", window="cycle-1"),
    ),
    Expected(
        what="slope down, cycle 1",
        published="lower (high-amplitude waves)",
        source=WAVES,
        find=change("wave_slope_down", window="cycle-1"),
    ),
    Expected(what="sigma power", published="higher, 10.33–13.83 Hz", source=SPINDLES, find=change("sigma_power")),
]


def run(folder: Path, results: Path) -> swa.Results:
    """By the data set's own table, which says which night was which, with sigma as it was published."""
    as_published = swa.Settings(power={"sigma_hz": (10.33, 13.83)})
    return swa.run_study(folder, results, study_file=folder / "ST-subjects.xls", settings=as_published).results


if __name__ == "__main__":
    main(__doc__, DATA_SET, EXPECTED, run)
