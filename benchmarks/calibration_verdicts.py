"""How often a row over subjects is doubted in studies with nothing wrong, and in studies with something wrong.

Studies of the paired design whose gain controls vary between nights as stated, through `measure_contrasts`, the gain
check and `judge_rows`: without an effect, and with one that is found in about half and in most of the studies, where
leaving subjects out changes most conclusions. "before" is the rule that one doubtful subject is enough. Then a wrong
gain (amplitude x 1.35, power x 1.82) in a quarter of the subjects.

Run as ``python benchmarks/calibration_verdicts.py [studies]``; exits with 1 when more than 5 % of the studies with
nothing wrong are doubted (99 % binomial limit, adjusted for the number of cells).
"""

import math
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.calibration import simulate
from swa.comparison.contrasts import judge_rows, measure_contrasts
from swa.comparison.controls.facts import ComparedNights, NightFacts, Spread
from swa.comparison.controls.gain import compare_gain, compare_gain_of_all
from swa.comparison.controls.registry import Record
from swa.settings import Settings
from swa.tables import doubts
from swa.tables.contrast import GROUP, Contrast
from swa.tables.reason import decode

SETTINGS = Settings()
KETAMINE = Contrast(treatment="ketamine", comparator="baseline")
ICC = 0.9
CHANGE_SD = math.sqrt(2 * math.log1p(0.4**2) * (1 - ICC))


def study_records(rng: np.random.Generator, subjects: int, studies: int, wrong: int = 0, ln_gain: float = 0.0) -> list:
    """Records of the gain check of each study, with a gain in the ketamine nights of the first `wrong` subjects."""
    gain = rng.normal(0, SETTINGS.comparability.control_cv, (studies, subjects, 2))
    gain[:, :wrong, 1] += ln_gain
    stated = SETTINGS.comparability
    spread = Spread(gain=stated.control_cv, channel=stated.channel_cv, df=np.inf, source=doubts.STATED_SPREAD())
    found = []
    for number in range(studies):
        channel, pairs = f"study-{number:05d}", []
        for place in range(subjects):
            before, treated = (
                NightFacts(
                    subject="",
                    session=name,
                    condition=name,
                    controls={channel: np.full(3, gain[number, place, k])},
                    header={},
                    nrem_min={},
                )
                for k, name in enumerate(KETAMINE.conditions[::-1])
            )
            pair = ComparedNights(
                subject=f"{place:03d}",
                contrast=KETAMINE,
                treated=(treated,),
                before=(before,),
                spread=spread,
                settings=SETTINGS,
            )
            pairs.append(pair)
            found += [(pair.subject, one) for one in compare_gain(pair) if one.doubt]
        found += [(GROUP, replace(one, channel=channel)) for one in compare_gain_of_all(pairs) if one.doubt]
    return [Record(subject=subject, contrast=KETAMINE, **vars(one)) for subject, one in found]


def verdicts(
    rng: np.random.Generator, *, subjects: int, studies: int, effect: float, wrong: int = 0, ln_gain: float = 0.0
) -> dict[str, float]:
    """Shares of the studies: doubted, by number or conclusion, doubted before, shown."""
    table = simulate(rng, subjects=subjects, studies=studies, effect=effect, icc=ICC)
    moved = (table["condition"] == "ketamine") & table["subject"].isin([f"{i:03d}" for i in range(wrong)])
    table["value"] *= np.where(moved, math.exp(ln_gain), 1.0)
    rows = measure_contrasts(table)
    rows = rows[rows["subject"] == GROUP].reset_index(drop=True)
    nights = table[["subject", "session", "condition"]].drop_duplicates()
    records = study_records(rng, subjects, studies, wrong, ln_gain)
    judged = judge_rows(table, rows, records, nights, SETTINGS)
    reasons = [decode(text) for text in judged["doubts"]]
    return {
        "shown": float(((rows["ci_low"] > 1) | (rows["ci_high"] < 1)).mean()),
        "before": float(np.mean([doubts.SUBJECTS.among(own) is not None for own in reasons])),
        "doubted": float((judged["verdict"] != "sound").mean()),
        "another conclusion": float(np.mean([doubts.OTHER_CONCLUSION.among(own) is not None for own in reasons])),
    }


def main(studies: int = 2000, seed: int = 12) -> int:
    rng = np.random.default_rng(seed)
    sizes, powers = (6, 8, 12, 20), (0.0, 0.5, 0.8)
    limit = 1 - 0.01 / (len(sizes) * len(powers))
    lines, failed = [], 0
    for subjects in sizes:
        for power in powers:
            shift = stats.norm.ppf(power) + 2.1 if power else 0.0  # about: the sign-flip test has a little less
            effect = shift * CHANGE_SD / math.sqrt(subjects)
            found = verdicts(rng, subjects=subjects, studies=studies, effect=effect)
            hits = round(found["doubted"] * studies)
            passed = bool(stats.binomtest(hits, studies).proportion_ci(limit).low <= 0.05)
            failed += not passed
            lines.append(
                {"n": subjects, "wrong": 0, "effect": math.exp(effect), **found, "": "ok" if passed else "FAILS"}
            )
        wrong = subjects // 4
        found = verdicts(rng, subjects=subjects, studies=studies, effect=0.0, wrong=wrong, ln_gain=2 * math.log(1.35))
        lines.append({"n": subjects, "wrong": wrong, "effect": 1.0, **found, "": ""})
    print(pd.DataFrame(lines).round(3).to_string(index=False))
    print(f"{failed} of {len(sizes) * len(powers)} cells with nothing wrong are doubted in more than 5 %")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
