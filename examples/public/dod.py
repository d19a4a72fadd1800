"""Dreem Open Datasets: 25 healthy people (DOD-H) and 55 with sleep apnoea (DOD-O), five scorers.

Get it:  https://github.com/Dreem-Organization/dreem-learning-open (open). Its .h5 files are to be exported as EDF, each
         with the stages of a scorer or of the consensus beside it under its name, as .json (a number an epoch).
Run it:  python examples/public/dod.py dod_h --write
"""

from pathlib import Path

from expected import Expected, agreement, main

import swa

GUILLOT = "Guillot et al. 2020, IEEE Trans Neural Syst Rehabil Eng, doi:10.1109/TNSRE.2020.3011181"
DATA_SET = "DOD"
EXPECTED = [
    Expected(
        what="epochs in which YASA and the scoring agree",
        published="two experts agree in about 85 %; a scorer and the consensus: F1 86.8 % (DOD-H), 84.8 % (DOD-O)",
        source=GUILLOT,
        find=agreement,
    )
]


def run(folder: Path, results: Path) -> swa.Results:
    """Nights by their scoring, staged by YASA too."""
    return swa.run_study(folder, results, settings=swa.Settings(scoring={"compare_with_yasa": True})).results


if __name__ == "__main__":
    main(__doc__, DATA_SET, EXPECTED, run)
