"""How often the gain check flags: simulated pairs of nights whose control bands vary by 15 % between nights.

The facts of nights are drawn directly: three control bands of SD 0.15 on the ln scale, correlated 0.3 to 0.5, the same
in all channels, and each channel apart from the others by 0.05.
"""

import argparse
from functools import cache

import numpy as np

from swa.comparison.comparability import comparability_table, compare_facts
from swa.comparison.controls.facts import GAIN_CONTROLS, NightFacts
from swa.measures import power
from swa.settings import Settings
from swa.simulation.simulated_study import NightPlan, simulate_night
from swa.tables.contrast import Contrast

CONTROL_SD = 0.15
CHANNEL_SD = 0.05
CHANNELS = ("F3-M2", "F4-M1", "C3-M2", "C4-M1", "O1-M2", "O2-M1")
PAIRS = 1000
NIGHTS = 4  # simulated, for what a true effect does to the control bands


def draw_nights(rng, pairs, correlation, gain=1.0, one=1.0, nights=(1, 1), swa=1.0):
    """Facts of subjects with k baseline and m treatment nights; an amplitude gain on all or on the first channel.

    `swa` is a true effect, the power ratio of slow waves: of each control band it moves what a simulated night says.
    """
    effect = effect_on_controls(swa)
    shared = CONTROL_SD * np.sqrt(correlation)
    own = CONTROL_SD * np.sqrt(1 - correlation)
    facts = []
    for subject in range(pairs):
        for condition, count in zip(("baseline", "ketamine"), nights, strict=True):
            for repeat in range(count):
                bands = shared * rng.standard_normal() + own * rng.standard_normal(3)
                controls = {name: bands + CHANNEL_SD * rng.standard_normal() for name in CHANNELS}
                if condition == "ketamine":
                    controls = {name: values + 2 * np.log(gain) + effect for name, values in controls.items()}
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


@cache
def effect_on_controls(swa):
    """Change (ln) of the three control bands under a true effect on slow waves: simulated nights with and without it.

    The nights of a pair share everything else, so that the difference is the effect alone.
    """
    if swa == 1:
        return np.zeros(3)
    found = []
    for seed in range(NIGHTS):
        powers = []
        for effect in (1.0, swa):
            plan = NightPlan(hours=4, rate_hz=100, channels=("C3-M2",), seed=seed, effect=effect)
            made = simulate_night(plan)
            signal, limits = made.signals_uv["C3-M2"], Settings().comparability
            spectra = power.compute_window_spectra(signal, 100.0, Settings().power)
            codes = np.unique(made.stages, return_inverse=True)[1]
            windows = power.assign_windows(spectra, codes, 30.0, 100.0)
            density, _ = power.average_by_epoch(spectra, windows, len(codes))
            bands = ((("R",), limits.rem_hz), (("W",), limits.wake_hz), (("N2", "N3"), limits.nrem_hz))
            powers.append(
                [
                    np.nanmean(density[np.isin(made.stages, stages)], axis=0)
                    @ power.band_weights(spectra.frequencies_hz, band)
                    for stages, band in bands
                ]
            )
        found.append(np.log(powers[1]) - np.log(powers[0]))
    return np.nanmean(found, axis=0)


def flag_rates(facts, settings=None):
    """Share of subjects flagged: by the gain of the first channel, of any; by its departure, of any; by controls apart.

    The last is how many are flagged by one of these.
    """
    subjects = sorted({fact.subject for fact in facts})
    contrast = Contrast(treatment="ketamine", comparator="baseline")
    table = comparability_table(compare_facts(facts, [(name, contrast) for name in subjects], settings or Settings()))
    of_gain = (*GAIN_CONTROLS, "one_channel", "gain_controls")
    flagged = table[(table["flagged"] == "true") & table["control"].isin(of_gain)]
    gain, apart = flagged[flagged["control"].isin(GAIN_CONTROLS)], flagged[flagged["control"] == "one_channel"]

    def share(rows):
        return rows["subject"].nunique() / len(subjects)

    first = CHANNELS[0]
    return {
        "gain, one channel": share(gain[gain["channel"] == first]),
        "gain, any": share(gain),
        "departs, that channel": share(apart[apart["channel"] == first]),
        "departs, any": share(apart),
        "controls apart": share(flagged[flagged["control"] == "gain_controls"]),
        "any of these": share(flagged),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=PAIRS)
    arguments = parser.parse_args()
    rng = np.random.default_rng(7)
    moved = ", ".join(
        f"{name} {value:+.4f}" for name, value in zip(GAIN_CONTROLS, effect_on_controls(1.2), strict=True)
    )
    print(f"A true SWA + 20 % moves the control bands (ln, mean of {NIGHTS} simulated pairs): {moved}")
    heads = f"{'gain, one':>11}{'gain, any':>11}{'departs':>9}{'dep., any':>11}{'contra.':>9}{'any':>9}"
    print(f"{'amplitude':<26}{'r':>5}{'nights':>8}{heads}")
    for nights in ((1, 1), (2, 1)):
        for correlation in (0.3, 0.4, 0.5):
            for name, gain, one, swa in (
                ("no change", 1.0, 1.0, 1.0),
                ("no change, SWA + 20 %", 1.0, 1.0, 1.2),
                ("all channels × 1.2", 1.2, 1.0, 1.0),
                ("all channels × 1.35", 1.35, 1.0, 1.0),
                ("one channel × 1.2", 1.0, 1.2, 1.0),
            ):
                rates = flag_rates(draw_nights(rng, arguments.pairs, correlation, gain, one, nights, swa))
                cells = "".join(
                    f"{rate:>{width}.1%}" for rate, width in zip(rates.values(), (11, 11, 9, 11, 9, 9), strict=True)
                )
                print(f"{name:<26}{correlation:>5}{nights[0]:>6}+{nights[1]}{cells}")


if __name__ == "__main__":
    main()
