"""How often the first screen tells a change where there is none, with one treatment and with several.

Studies without any effect go through `compare_nights`; each "channel" is a study of its own, whose marker leads. It
counts where any of its cards is told: by the interval of each contrast alone, and as the page tells it, by a p adjusted
over the contrasts against the same comparator. Six treatments of which one raises slow-wave activity by a half show
what the adjustment costs.

Run as ``python benchmarks/calibration_told.py [studies]``; exits with 1 when a change is told in more than 5 % of the
studies without loss (99 % binomial limit, adjusted for the number of cells).
"""

import math
import sys
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from swa.comparison.contrasts import compare_nights
from swa.comparison.headline import adjust_leading
from swa.report.leading_rows import Headline
from swa.report.words.sentences import Answer, group_answer
from swa.settings import Settings
from swa.tables.contrast import GROUP, contrasts_of
from swa.tables.marker import Marker, select

SETTINGS = Settings()
CV, ICC = 0.4, 0.76
LEVEL = 0.05
PLACE = {"stages": "NREM", "window": "night", "measure": "swa", "variant": "", "unit": "µV²", "n": 1, "note": ""}


def simulate(
    rng: np.random.Generator, conditions: Sequence[str], subjects: int, studies: int, effect: float = 0.0
) -> tuple[pd.DataFrame, np.ndarray]:
    """Nights, the baseline first, and their ln power (subjects x conditions x studies); `effect` is of the second."""
    rows = []
    for i in range(subjects):
        own = {"subject": f"s{i:02d}"}
        rows += [own | {"session": name, "condition": name, "order": k} for k, name in enumerate(conditions)]
    variance = math.log1p(CV**2)
    level = rng.normal(5, math.sqrt(variance * ICC), (subjects, 1, studies))
    ln_power = level + rng.normal(0, math.sqrt(variance * (1 - ICC)), (subjects, len(conditions), studies))
    ln_power[:, 1] += effect
    return pd.DataFrame(rows), ln_power


def answers(nights: pd.DataFrame, ln_power: np.ndarray, baseline: str) -> list[list[Answer]]:
    """Cards of each study."""
    studies = ln_power.shape[-1]
    values = np.exp(ln_power.reshape(len(nights), studies))
    table = nights[["subject", "session", "condition"]]
    table = table.loc[table.index.repeat(studies)].reset_index(drop=True)
    table = table.assign(channel=np.tile(channels(studies), len(nights)), value=values.ravel(), **PLACE)
    group = select(compare_nights(table, baseline, nights=nights), subject=GROUP)
    found = dict(list(group.groupby("channel", sort=False)))
    return [cards_of(found[channel], channel) if channel in found else [] for channel in channels(studies)]


def channels(studies: int) -> list[str]:
    return [f"study-{number:05d}" for number in range(studies)]


def cards_of(rows: pd.DataFrame, channel: str) -> list[Answer]:
    rows = adjust_leading(rows)
    headline = Headline(marker=Marker("swa", "NREM", "night", channel), declared=True)
    return [
        group_answer(row, contrast, headline, SETTINGS)
        for (_, row), contrast in zip(rows.iterrows(), contrasts_of(rows), strict=True)
    ]


def by_itself(card: Answer) -> bool:
    """Whether the interval of the contrast by itself leaves out no change."""
    return card.is_told or card.aside.startswith("may be chance")


def arms(rng: np.random.Generator, drugs: int, size: int, studies: int) -> tuple[pd.DataFrame, np.ndarray]:
    """A baseline night and one of the arm: placebo, or one of the drugs."""
    names = ["placebo", *(f"drug{k}" for k in range(drugs))]
    rows = [
        {"subject": f"{arm}{i:02d}", "session": name, "condition": name, "arm": arm, "order": place}
        for arm in names
        for i in range(size)
        for place, name in enumerate(("baseline", arm), start=1)
    ]
    _, ln_power = simulate(rng, ("baseline", "treated"), len(names) * size, studies)
    return pd.DataFrame(rows), ln_power


def main(studies: int = 2000, seed: int = 8) -> int:
    rng = np.random.default_rng(seed)
    cells = []
    for drugs in (1, 2, 3, 6):
        for subjects in (6, 12):
            conditions = ("baseline", *(f"drug{k}" for k in range(drugs)))
            drawn = simulate(rng, conditions, subjects, studies)
            cells.append((f"{drugs} drugs, {subjects} subjects", answers(*drawn, "baseline")))
    cells += [(f"{drugs} drugs in arms of 10", answers(*arms(rng, drugs, 10, studies), "baseline")) for drugs in (1, 3)]
    lines, failed, limit = [], 0, 1 - 0.01 / len(cells)
    for name, cards in cells:
        told = sum(any(card.is_told for card in own) for own in cards)
        passed = bool(stats.binomtest(told, studies).proportion_ci(limit).low <= LEVEL)
        failed += not passed
        alone = sum(any(map(by_itself, own)) for own in cards)
        lines.append(
            {"no effect": name, "by itself": alone / studies, "told": told / studies, "": "ok" if passed else "FAILS"}
        )
    print(pd.DataFrame(lines).round(3).to_string(index=False))
    conditions = ("baseline", *(f"drug{k}" for k in range(6)))
    found = answers(*simulate(rng, conditions, 12, studies, math.log(1.5)), "baseline")
    alone, told = (sum(how(own[0]) for own in found) / studies for how in (by_itself, lambda card: card.is_told))
    print(f"the first of 6 drugs x 1.5, of 12 subjects: by itself {alone:.3f}, told {told:.3f}")
    print(f"{failed} of {len(cells)} cells without an effect are told in more than 5 %")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
