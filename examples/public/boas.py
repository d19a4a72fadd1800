"""Bitbrain Open Access Sleep: 128 nights with polysomnography and a headband at once, three experts' consensus.

Get it:  https://openneuro.org/datasets/ds005555 (CC0)
Run it:  python examples/public/boas.py ds005555 --write
"""

from pathlib import Path

from expected import Expected, agreement, main

import swa

README = "README of the data set, after Danker-Hopfe et al. 2009 and Rosenberg & Van Hout 2013"
DATA_SET = "BOAS"
EXPECTED = [
    Expected(
        what="epochs in which YASA and the experts' consensus agree",
        published="two experts agree in about 85 %",
        source=README,
        find=agreement,
    )
]


def run(folder: Path, results: Path) -> swa.Results:
    """The polysomnography alone: a night of the headband would be the same night again."""
    rows = ["subject\tcondition\trecording\thypnogram"]
    for path in sorted(folder.glob("sub-*/eeg/*_acq-psg_eeg.edf")):
        name = path.relative_to(folder).as_posix()
        rows.append(f"{path.name.split('_')[0]}\tnight\t{name}\t{name.replace('_eeg.edf', '_events.tsv')}")
    results.mkdir(parents=True, exist_ok=True)
    study = results / "psg.tsv"
    study.write_text("\n".join(rows) + "\n", encoding="utf-8")
    own = swa.Settings(scoring={"compare_with_yasa": True, "column": "stage_hum"})
    return swa.run_study(folder, results, study_file=study, settings=own).results


if __name__ == "__main__":
    main(__doc__, DATA_SET, EXPECTED, run)
