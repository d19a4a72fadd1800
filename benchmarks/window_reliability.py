"""How much more a part of the night differs between nights of one person than the whole night does.

    python -m benchmarks.window_reliability ../shared/data [--draws 4]

No public EEG of two whole nights is in the folder, so nights are laid: the scored real EEG of one NREM cycle along the
scorings of people who slept two or three nights (BOAS, Sleep-EDF), each run of a stage by as many real epochs of that
stage from a random place on. Stages, their order and lengths are those of real nights, waves and their scatter those of
real sleep; what one person's EEG does between nights at the same stage, and its fall over the night, are not in it.
Nights of a person are cut to common minutes of NREM, as a comparison cuts them.

`laid` is the SD between such nights of a person (ln). `stated`, which `swa/glossary.toml` has (`windows`), is how many
times as much as the whole night a window varies where the night's own SD is the stated one and all that laid nights
lack moves every window alike: sqrt(SD^2 - laid night^2 + laid window^2) / SD; with a 95 % interval by drawing people
again. Slopes at equal amplitude are of the reference and the mix of the first night.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from numpy.typing import NDArray

import swa
from benchmarks.architecture_reliability import SETTINGS as SCORING
from benchmarks.not_eeg import real_channels
from swa.comparison.within_subject import stated_within_sd
from swa.glossary import read_glossary
from swa.measures.matched_slopes import reference_amplitude, stage_weights
from swa.settings import Settings, SpindleSettings
from swa.sleep.hypnogram import epoch_length_s, make_hypnogram, stages_of
from swa.study.across_nights import fit_line
from swa.tables.marker import select

EPOCH_S, RATE_HZ, CHANNEL = 30, 100, "C3-A2"
SETTINGS = Settings(spindles=SpindleSettings(minimum_min=1e6))  # not looked for: they decide nothing here
MATCHED = {f"wave_{slope}_matched": f"{slope}_uv_s" for slope in ("slope_up", "slope_down")}
MEASURES = tuple(entry.measure for entry in read_glossary().values() if entry.windows)
NREM, AROUND, FEWEST_PEOPLE = ("N2", "N3"), 20, 10
Stages = NDArray[np.str_]
Pieces = dict[str, NDArray[np.float64]]


def real_pieces(data: Path) -> Pieces:
    """Epochs of the real cycle by stage, in their order."""
    real = next(one for one in real_channels(data) if one.name.startswith("cycle"))
    epochs = real.signal_uv[: len(real.stages) * EPOCH_S * RATE_HZ].reshape(len(real.stages), -1)
    return {stage: epochs[np.array(real.stages) == stage] for stage in dict.fromkeys(real.stages)}


def scored_people(data: Path) -> Iterator[tuple[str, list[Stages]]]:
    """Each person's nights from some minutes before sleep to some after it, in epochs of 30 s."""
    boas, edf = data / "scorings" / "boas_ds005555", data / "hypnograms" / "sleep-edf"
    people = pd.read_csv(boas / "nights.tsv", sep="\t")
    paths = [
        (row["person"], boas / f"{row['participant_id']}_task-Sleep_acq-psg_events.tsv")
        for row in people.to_dict("records")
    ]
    paths += [(path.name[:5], path) for path in sorted(edf.glob("*-Hypnogram.edf"))]
    nights: dict[str, list[Stages]] = {}
    for person, path in paths:
        scored = swa.read_hypnogram(path, settings=SCORING)
        assert epoch_length_s(scored) == EPOCH_S, path
        stages = stages_of(scored)
        asleep = np.flatnonzero(np.isin(stages, ["N1", "N2", "N3", "R"]))
        nights.setdefault(person, []).append(stages[max(asleep[0] - AROUND, 0) : asleep[-1] + AROUND])
    for person, own in nights.items():
        common = min(int(np.isin(stages, NREM).sum()) for stages in own)
        yield person, [stages[: np.flatnonzero(np.isin(stages, NREM))[common - 1] + 1] for stages in own]


def lay(stages: Stages, pieces: Pieces, rng: np.random.Generator) -> NDArray[np.float64]:
    """Real epochs along the stages: those of a run follow each other as they were recorded, from a random one on."""
    laid, place = [], 0
    for i, stage in enumerate(stages):
        pool = pieces.get(str(stage), pieces["N1"])
        place = place + 1 if i and stages[i - 1] == stage else int(rng.integers(len(pool)))
        laid.append(pool[place % len(pool)])
    return np.concatenate(laid)


def measure(stages: Stages, signal_uv: NDArray[np.float64]) -> tuple[dict[tuple[str, str], float], pd.DataFrame]:
    """Value of each measure and window, and the large waves of N2 and N3 with their cycle and minute."""
    info = mne.create_info([CHANNEL], RATE_HZ, "eeg")
    raw = mne.io.RawArray(signal_uv[None] * 1e-6, info, verbose="error")
    night = swa.analyze_night(raw, make_hypnogram(stages, EPOCH_S), SETTINGS)
    rows = select(night.measures, channel=CHANNEL, stages=["NREM", "any"], variant="", measure=MEASURES)
    free = rows["window"].str.startswith("first")  # these windows are of all stages
    rows = rows[(rows["stages"] == "any") == free]
    waves = night.waves.table
    waves = waves[waves["stage"].isin(NREM) & (waves["negative_amplitude_uv"] >= SETTINGS.waves.negative_uv[0])]
    return dict(zip(zip(rows["measure"], rows["window"], strict=True), rows["value"], strict=True)), waves


def in_window(waves: pd.DataFrame, window: str) -> pd.DataFrame:
    """Waves of the windows that a slope at equal amplitude is taken of here."""
    if window == "matched":
        return waves[waves["nrem_min"] < SETTINGS.windows.matched_min]
    kind, _, number = window.partition("-")
    return waves[waves["cycle"] == int(number)] if kind == "cycle" else waves


def matched_slopes(waves: list[pd.DataFrame]) -> list[dict[tuple[str, str], float]]:
    """Slope at equal amplitude of each night of a person, by window."""
    found: list[dict[tuple[str, str], float]] = [{} for _ in waves]
    reference = reference_amplitude([waves[0]["negative_amplitude_uv"].to_numpy()])
    for window in ("night", "matched", "cycle-1", "cycle-2", "cycle-3", "cycle-4"):
        parts = [in_window(own, window) for own in waves]
        weights = stage_weights([{stage: int((parts[0]["stage"] == stage).sum()) for stage in NREM}])
        for values, part in zip(found, parts, strict=True):
            for name, slope in MATCHED.items():
                values[name, window] = fit_line(part, slope, reference, weights).at_reference
    return found


def night_values(data: Path, draws: int, seed: int = 12) -> pd.DataFrame:
    """Ln of each value: person, draw, night, measure, window, value."""
    pieces, rng, rows = real_pieces(data), np.random.default_rng(seed), []
    for person, nights in scored_people(data):
        for draw in range(draws):
            found, waves = zip(*(measure(stages, lay(stages, pieces, rng)) for stages in nights), strict=True)
            for number, (values, slopes) in enumerate(zip(found, matched_slopes(list(waves)), strict=True)):
                rows += [(person, draw, number, *key, value) for key, value in (values | slopes).items()]
    table = pd.DataFrame(rows, columns=["person", "draw", "night", "measure", "window", "value"])
    return table.assign(value=np.log(table["value"].where(table["value"] > 0))).dropna()


def laid_variances(table: pd.DataFrame) -> pd.DataFrame:
    """Sum of squares between nights and degrees of freedom by measure and window, a column for each person."""
    groups = table.groupby(["measure", "window", "person", "draw"])["value"]
    parts = pd.DataFrame({"squares": (groups.size() - 1) * groups.var(ddof=1), "df": groups.size() - 1.0})
    people = parts[parts["df"] > 0].groupby(["measure", "window", "person"]).sum().unstack("person", fill_value=0.0)
    return people[(people["df"] > 0).sum(axis=1) >= FEWEST_PEOPLE]


def stated_multiples(parts: pd.DataFrame, measure: str, taken: NDArray[np.int64] | None = None) -> pd.DataFrame:
    """Multiples of the night's stated SD by window, of all people, or a column for each draw (row) of `taken` ones."""
    own = parts.loc[measure]
    taken = np.arange(own["df"].shape[1])[None] if taken is None else taken
    squares, df = (own[kind].to_numpy()[:, taken].sum(axis=2) for kind in ("squares", "df"))
    laid = pd.DataFrame(squares / np.maximum(df, 1), index=own.index)
    stated = stated_within_sd("", Settings().comparison, measure) ** 2
    return np.sqrt((stated - laid.loc["night"] + laid).clip(lower=0) / stated)


def main(arguments: list[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--draws", type=int, default=2)
    options = parser.parse_args(arguments)
    table = night_values(options.data, options.draws)
    people = table["person"].unique()
    nights = len(table.drop_duplicates(["person", "night"]))
    print(f"{len(people)} people, {nights} nights, {options.draws} draws of each")
    parts = laid_variances(table)
    taken = np.random.default_rng(0).integers(len(people), size=(2000, len(people)))
    for measure in MEASURES:
        sums = parts.loc[measure].T.groupby(level=0).sum().T
        laid = np.sqrt(sums["squares"] / sums["df"])
        low, high = np.percentile(stated_multiples(parts, measure, taken), [2.5, 97.5], axis=1)
        shown = pd.DataFrame({"laid": laid, "stated": stated_multiples(parts, measure)[0], "low": low, "high": high})
        shown["people"] = (parts.loc[measure]["df"] > 0).sum(axis=1)
        print(f"\n{measure}, SD of the night {stated_within_sd('', Settings().comparison, measure):.3f}")
        print(shown.rename_axis(None).to_string(float_format=lambda value: f"{value:.3f}"))


if __name__ == "__main__":
    main()
