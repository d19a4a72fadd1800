"""How far sleep architecture differs between nights of one person, from public scorings by people.

    python benchmarks/architecture_reliability.py ../shared/data

People of BOAS (OpenNeuro ds005555, consensus of experts) and of Sleep-EDF (PhysioNet, Rechtschaffen & Kales) who slept
two or three nights. Per measure the intraclass correlation of one night (one-way) and the SD between nights of a
person; in the last columns both sets together, which `swa/glossary.toml` states as the reliability of the change of one
subject (`within_sd`, `within_df`). Sleep-EDF was recorded for 20 h without a mark of lights off, so that what rests on
time in bed is of BOAS alone. What the 10 and 5 people in the folder give is below what all of them gave (BOAS 20
people, Sleep-EDF 19): N3 minutes 0.91 and 0.83, SD 8 and 16 min; N2 0.69 and 0.17; REM latency 0.26 and 0.27.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

import swa
from swa.glossary import measures_in
from swa.sleep.architecture import measure_architecture
from swa.sleep.cycles import find_nrem_cycles, find_sleep_onset
from swa.tables.marker import select

IN_BED = ("tib", "sol", "sol_sustained", "sleep_efficiency")
SETTINGS = swa.Settings(scoring={"column": "stage_hum"})


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    data = parser.parse_args(arguments).data
    sets = {
        "BOAS": read_boas(data / "scorings" / "boas_ds005555"),
        "Sleep-EDF": read_edf(data / "hypnograms/sleep-edf"),
    }
    for name, table in sets.items():
        print(f"{name}: {table['person'].nunique()} people, {len(table)} nights")
    print(
        f"{'measure':<22}" + "".join(f"{name + ' ICC':>15}{'SD':>8}" for name in sets) + f"{'SD of both':>12}{'df':>4}"
    )
    for measure, parts in reliabilities(sets).items():
        cells = [f"{icc:>15.2f}{sd:>8.3g}" if df else f"{'':>23}" for icc, sd, df in parts]
        sd, df = pooled(parts)
        print(f"{measure:<22}" + "".join(cells) + f"{sd:>12.3g}{df:>4}")


def reliabilities(sets: dict[str, pd.DataFrame]) -> dict[str, list[tuple[float, float, int]]]:
    """Per measure and set the ICC of one night, the SD between nights of a person, and its degrees of freedom."""
    found = {}
    for measure in measures_in("architecture"):
        if measure in sets["BOAS"]:
            found[measure] = [
                reliability(table["person"], table[measure])
                if name == "BOAS" or measure not in IN_BED
                else (np.nan, np.nan, 0)
                for name, table in sets.items()
            ]
    return found


def pooled(parts: list[tuple[float, float, int]]) -> tuple[float, int]:
    """SD of several sets, each by its degrees of freedom."""
    df = sum(df for *_, df in parts)
    return float(np.sqrt(sum(sd**2 * df for _, sd, df in parts if df) / df)), df


def reliability(person: pd.Series, value: pd.Series) -> tuple[float, float, int]:
    """ICC(1) and SD between nights; people with one known night are left out."""
    known = pd.DataFrame({"person": person, "value": value}).dropna()
    known = known[known.groupby("person")["value"].transform("size") > 1]
    groups = known.groupby("person")["value"]
    sizes, means = groups.size(), groups.mean()
    df = len(known) - len(sizes)
    within = float(((known["value"] - groups.transform("mean")) ** 2).sum() / df)
    between = float((sizes * (means - known["value"].mean()) ** 2).sum() / (len(sizes) - 1))
    nights = (len(known) - (sizes**2).sum() / len(known)) / (len(sizes) - 1)
    return (between - within) / (between + (nights - 1) * within), float(np.sqrt(within)), df


def read_boas(folder: Path) -> pd.DataFrame:
    people = pd.read_csv(folder / "nights.tsv", sep="\t")
    return pd.DataFrame(
        {"person": row["person"]} | night_of(folder / f"{row['participant_id']}_task-Sleep_acq-psg_events.tsv")
        for row in people.to_dict("records")
    )


def read_edf(folder: Path) -> pd.DataFrame:
    return pd.DataFrame({"person": path.name[:5]} | night_of(path) for path in sorted(folder.glob("*-Hypnogram.edf")))


def night_of(path: Path) -> dict[str, float]:
    """Measures of the whole night."""
    scored = swa.read_hypnogram(path, settings=SETTINGS)
    rows = measure_architecture(scored, find_nrem_cycles(scored), find_sleep_onset(scored))
    table = select(pd.DataFrame([vars(row) for row in rows]), window="night", variant="")
    return dict(zip(table["measure"], table["value"], strict=True))


if __name__ == "__main__":
    main()
