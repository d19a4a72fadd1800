"""Sleep-EDF Expanded, Sleep Cassette: two nights at home without a drug, of each of 78 healthy people.

Get it:  https://physionet.org/content/sleep-edfx/1.0.0/ (open; folder sleep-cassette)
Run it:  python examples/public/sleep_edf_sc.py sleep-cassette --write
"""

from pathlib import Path

from expected import Expected, between_nights, main

import swa

TAN = "Tan et al. 2000, Biol Psychiatry, doi:10.1016/s0006-3223(00)00873-8 (16 people, five nights, 0.3–3 Hz)"
LARSEN = "Larsen et al. 1995, Sleep 18:7–10 (50 people aged 54 to 82)"
DATA_SET = "Sleep-EDF SC"
EXPECTED = [
    Expected(
        what="SWA of one night against the other",
        published="one night with the mean of five: r > 0.9; slow-wave sleep by spectra, night to night: r = 0.91",
        source=f"{TAN}; {LARSEN}",
        find=between_nights("swa"),
    ),
    Expected(
        what="minutes of N3 of one night against the other",
        published="slow-wave sleep scored by eye: r = 0.61, less than by spectra",
        source=LARSEN,
        find=between_nights("n3_minutes", stages="any", channel="all", log=False),
    ),
]


def run(folder: Path, results: Path) -> swa.Results:
    """Nights by their scoring; no study file is needed."""
    return swa.run_study(folder, results).results


if __name__ == "__main__":
    main(__doc__, DATA_SET, EXPECTED, run)
