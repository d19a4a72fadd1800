"""How often what is looked at over all subjects together is doubted: studies with nothing wrong, and with something.

Facts of pairs of nights are drawn: the controls of the gain check with the stated SD between nights and 1.5 times it,
sleep onset with an SD of 0.25 to 1 h, the minutes of a cycle with one of 0.05 to 0.42 of ln (the first cycles of 19
real pairs of nights have 0.42, their differences 0.59), the shares of N1 and of N3 among N1 to N3, whose differences
have the SD of 14 pairs of nights of BOAS (0.03, 0.04), of 5 of Sleep-EDF (0.06, 0.07), or one between them. Then the
treated nights of all subjects are changed alike. A row of N2 in cycle 1 rests on all of these controls; "any" is how
often it would be doubted by one of them, "NREM" how often one of N2 and N3 together would be.

Run as ``python benchmarks/calibration_of_all.py [studies]``; exits with 1 when "any" is above 5 % of the studies with
nothing wrong (99 % binomial limit, adjusted for the number of cells; the SD of the gain controls as stated).
"""

import sys

import numpy as np
import pandas as pd
from scipy import stats

from swa.comparison.comparability import compare_facts
from swa.comparison.controls.facts import NightFacts
from swa.comparison.controls.registry import RowKind, find_control
from swa.settings import Settings
from swa.tables.contrast import GROUP, Contrast

SETTINGS = Settings()
KETAMINE = Contrast(treatment="ketamine", comparator="baseline")
CHANNELS = ("F3-M2", "C4-M1")
CYCLE = "cycle-1"
SIZES = (3, 4, 6, 8, 12, 20)
SCATTER = {
    "small": (1.0, 0.25, 0.05, (0.027, 0.042)),
    "usual": (1.0, 0.5, 0.25, (0.045, 0.06)),
    "large": (1.0, 1.0, 0.42, (0.064, 0.069)),
    "gain x 1.5": (1.5, 1.0, 0.42, (0.064, 0.069)),
}
SHARES = np.array([0.14, 0.3])  # of N1 and N3 among N1 to N3
NONE = {"controls": np.zeros((2, 3)), "onset": 0.0, "cycle": 1.0, "of_three": 3, "shares": np.zeros(2)}
# Rows of cycle 1: of N2, which all of the controls are about, and of N2 and N3 together.
OF_N2, OF_NREM = (
    RowKind(channel="C4-M1", gain_free=False, over_night=False, stages=stages, cycle=CYCLE) for stages in ("N2", "NREM")
)
WRONG = {
    "2 h later": {"onset": 1.85},
    "1.3 h later": {"onset": 1.3},
    "cycle x 1.29": {"cycle": 1.29},
    "cycle x 0.81": {"cycle": 0.81},
    "cycle x 0.4 in two of three": {"cycle": 0.4, "of_three": 2},
    "gain x 1.3, 22 Hz": {"controls": np.tile([0.46, 0.27, -0.28], (2, 1))},  # of the simulated nights
    "reference": {"controls": np.array([[-0.35], [0.0]]) + np.zeros(3)},  # of the simulated nights
    "gain x 1.17": {"controls": np.full((2, 3), 2 * np.log(1.17))},
    "40 % of N2 as N1": {"shares": np.array([0.2, 0.0])},  # of the simulated nights
    "a tenth of N2 as N1": {"shares": np.array([0.06, 0.0])},
    "half of N2 as N3": {"shares": np.array([0.0, 0.25])},  # of the simulated nights
    "N3 + 10 %": {"shares": np.array([0.0, 0.1])},  # as a drug that raises slow waves does too
}
# Control, and its head in the table; all but the first end in "_of_all".
NAMES = {
    "gain": "gain",
    "one_channel_of_all": "channel",
    "gain_controls_of_all": "controls",
    "sleep_onset_of_all": "onset",
    "cycle_minutes_of_all": "cycle",
    "n1_share_of_all": "n1_share",
    "n3_share_of_all": "n3_share",
}


def study(rng: np.random.Generator, subjects: int, scatter: tuple, wrong: dict) -> list:
    """Records over all subjects of one drawn study that give a doubt to a row of cycle 1."""
    of_gain, of_onset, of_cycle, of_shares = scatter
    limits = SETTINGS.comparability
    r = limits.control_correlation
    one_sd = of_gain * limits.control_cv / np.sqrt((1 + 2 * r) / 3)
    made, facts = NONE | wrong, []
    for number in range(subjects):
        for treated, condition in enumerate(KETAMINE.conditions[::-1]):
            shared = one_sd * (np.sqrt(r) * rng.standard_normal() + np.sqrt(1 - r) * rng.standard_normal(3))
            apart = limits.channel_cv / np.sqrt(2) * rng.standard_normal((2, 1))  # of two channels from each other
            controls = shared + apart + treated * made["controls"]
            drawn = SHARES + np.array(of_shares) / np.sqrt(2) * rng.standard_normal(2) + treated * made["shares"]
            n1, n3 = np.clip(drawn, 0.0, 1.0)
            is_cut = treated and number % 3 < made["of_three"]
            fact = NightFacts(
                subject=f"{number:03d}",
                session=condition,
                condition=condition,
                controls=dict(zip(CHANNELS, controls, strict=True)),
                header={},
                nrem_min={},
                sleep_min={"N1": n1, "N2": max(1 - n1 - n3, 0.0), "N3": n3},
                onset_h=11 + of_onset * rng.standard_normal() + treated * made["onset"],
                cycle_min={CYCLE: 65 * np.exp(of_cycle * rng.standard_normal()) * made["cycle"] ** is_cut},
            )
            facts.append(fact)
    records = compare_facts(facts, [(f"{number:03d}", KETAMINE) for number in range(subjects)], SETTINGS)
    return [one for one in records if one.subject == GROUP and one.doubt]


def rates(rng: np.random.Generator, studies: int, *drawn: object) -> dict[str, float]:
    """Share of the studies with a doubt, by control, and with any."""
    found = [{one.control for one in study(rng, *drawn)} for _ in range(studies)]
    rows = {"NREM": OF_NREM, "any": OF_N2}
    return {head: float(np.mean([name in own for own in found])) for name, head in NAMES.items()} | {
        head: float(np.mean([any(_matters(name, row) for name in own) for own in found])) for head, row in rows.items()
    }


def _matters(name: str, row: RowKind) -> bool:
    known = find_control(name)
    return known.matters is None or known.matters(row)


def main(studies: int = 2000, seed: int = 20) -> int:
    rng = np.random.default_rng(seed)
    cells = [(n, name) for name in SCATTER for n in SIZES]
    level = 1 - 0.01 / len(cells)
    lines, failed = [], 0
    for n, name in cells:
        found = rates(rng, studies, n, SCATTER[name], {})
        low = stats.binomtest(round(found["any"] * studies), studies).proportion_ci(level).low
        is_gated = SCATTER[name][0] == 1
        failed += bool(is_gated and low > 0.05)
        word = "" if not is_gated else "ok" if low <= 0.05 else "FAILS"
        lines.append({"n": n, "scatter": name, "wrong": "nothing", **found, "": word})
    for what, wrong in WRONG.items():
        for n in SIZES:
            found = rates(rng, max(studies // 4, 1), n, SCATTER["usual"], wrong)
            lines.append({"n": n, "scatter": "usual", "wrong": what, **found, "": ""})
    print(pd.DataFrame(lines).round(3).to_string(index=False))
    gated = sum(SCATTER[name][0] == 1 for _, name in cells)
    print(f"{failed} of {gated} cells with nothing wrong are doubted in more than 5 %")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
