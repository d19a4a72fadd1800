"""Sleep Heart Health Study, first visit: women and men, N3 and age.

Get it:  https://sleepdata.org/datasets/shhs (on request): polysomnography/ and datasets/shhs1-dataset-….csv
Run it:  python examples/public/shhs.py shhs --write
"""

from pathlib import Path

import numpy as np
import pandas as pd
from expected import Expected, Find, main, rows_of

import swa

WALSLEBEN = "Walsleben et al. 2004, Sleep, doi:10.1093/sleep/27.2.293 (470 people without illness; not adjusted here)"
DATA_SET = "SHHS"


def _of_visit_1(measure: str, results: swa.Results) -> pd.DataFrame:
    rows = rows_of(results.measures, measure=measure, window="night", channel="all", condition="visit1")
    people = pd.read_csv(results.path / "people.csv", dtype={"subject": str})
    return rows.merge(people, on="subject").dropna(subset=["value"])


def _women_and_men(results: swa.Results) -> str:
    share = _of_visit_1("n3_share", results)
    mean = share.groupby("sex")["value"].agg(["mean", "size"]).reindex(["F", "M"])
    return f"{mean.loc['F', 'mean'] - mean.loc['M', 'mean']:+.1f} points, n {mean['size'].sum():.0f}"


def _with_age(measure: str, sex: str = "") -> Find:
    def find(results: swa.Results) -> str:
        rows = _of_visit_1(measure, results)
        rows = rows[rows["sex"] == sex] if sex else rows
        if rows["age"].nunique() < 2:
            return f"{len(rows)} people"
        return f"{10 * np.polyfit(rows['age'], rows['value'], 1)[0]:+.1f} points in 10 years, n {len(rows)}"

    return find


EXPECTED = [
    Expected(what="N3, women less men", published="+6.7 points", source=WALSLEBEN, find=_women_and_men),
    Expected(what="N3 of men", published="−1.9 points in 10 years", source=WALSLEBEN, find=_with_age("n3_share", "M")),
    Expected(
        what="sleep efficiency",
        published="−1.6 points in 10 years",
        source=WALSLEBEN,
        find=_with_age("sleep_efficiency"),
    ),
]


def run(folder: Path, results: Path) -> swa.Results:
    """All nights by their scoring; age and sex from the table of the data set."""
    found = swa.run_study(folder, results).results
    people = pd.read_csv(next(folder.glob("datasets/shhs1-dataset-*.csv")), encoding="latin-1", low_memory=False)
    people = people.assign(subject=people["nsrrid"].astype(str), sex=people["gender"].map({1: "M", 2: "F"}))
    people.rename(columns={"age_s1": "age"})[["subject", "sex", "age"]].to_csv(results / "people.csv", index=False)
    return found


if __name__ == "__main__":
    main(__doc__, DATA_SET, EXPECTED, run)
