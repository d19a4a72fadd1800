"""How often the gain check flags: simulated pairs of nights whose control bands vary by 15 % between nights.

The facts of nights are drawn directly: three control bands of SD 0.15 on the ln scale, correlated 0.3 to 0.5, the same
in all channels, and each channel apart from the others by 0.05.
"""

import argparse

import numpy as np

from swa.comparison.comparability import GAIN_CONTROLS, NightFacts, compare_facts
from swa.settings import Settings

CONTROL_SD = 0.15
CHANNEL_SD = 0.05
CHANNELS = ("F3-M2", "F4-M1", "C3-M2", "C4-M1", "O1-M2", "O2-M1")
PAIRS = 1000


def draw_nights(rng, pairs, correlation, gain=1.0, one=1.0, nights=(1, 1)):
    """Facts of subjects with k baseline and m treatment nights; an amplitude gain on all or on the first channel."""
    shared = CONTROL_SD * np.sqrt(correlation)
    own = CONTROL_SD * np.sqrt(1 - correlation)
    facts = []
    for subject in range(pairs):
        for condition, count in zip(("baseline", "ketamine"), nights, strict=True):
            for repeat in range(count):
                bands = shared * rng.standard_normal() + own * rng.standard_normal(3)
                controls = {name: bands + CHANNEL_SD * rng.standard_normal() for name in CHANNELS}
                if condition == "ketamine":
                    controls = {name: values + 2 * np.log(gain) for name, values in controls.items()}
                    controls[CHANNELS[0]] = controls[CHANNELS[0]] + 2 * np.log(one)
                facts.append(
                    NightFacts(
                        subject=str(subject),
                        session=f"{condition}{repeat}",
                        condition=condition,
                        controls=controls,
                        header={},
                        nrem_min={},
                    )
                )
    return facts


def flag_rates(facts, settings=None):
    """Share of subjects flagged: by the gain of the first channel, of any; by that channel's departure, by any."""
    subjects = sorted({fact.subject for fact in facts})
    table = compare_facts(facts, [(name, "ketamine:baseline") for name in subjects], settings or Settings())
    flagged = table[table["flagged"] == "true"]
    gain, apart = flagged[flagged["control"].isin(GAIN_CONTROLS)], flagged[flagged["control"] == "one_channel"]

    def share(rows):
        return rows["subject"].nunique() / len(subjects)

    first = CHANNELS[0]
    return {
        "gain, one channel": share(gain[gain["channel"] == first]),
        "gain, any": share(gain),
        "departs, that channel": share(apart[apart["channel"] == first]),
        "departs, any": share(apart),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=PAIRS)
    arguments = parser.parse_args()
    rng = np.random.default_rng(7)
    print(f"{'amplitude':<26}{'r':>5}{'nights':>8}{'gain, one':>11}{'gain, any':>11}{'departs':>9}{'dep., any':>11}")
    for nights in ((1, 1), (2, 1)):
        for correlation in (0.3, 0.4, 0.5):
            for name, gain, one in (
                ("no change", 1.0, 1.0),
                ("all channels × 1.2", 1.2, 1.0),
                ("all channels × 1.35", 1.35, 1.0),
                ("one channel × 1.2", 1.0, 1.2),
            ):
                rates = flag_rates(draw_nights(rng, arguments.pairs, correlation, gain, one, nights))
                cells = "".join(
                    f"{rate:>{width}.1%}" for rate, width in zip(rates.values(), (11, 11, 9, 11), strict=True)
                )
                print(f"{name:<26}{correlation:>5}{nights[0]:>6}+{nights[1]}{cells}")


if __name__ == "__main__":
    main()
