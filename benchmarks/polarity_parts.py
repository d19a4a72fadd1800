"""Polarity reversed for a part of one of two nights: how often it is told, and how often of two nights as they are.

    python -m benchmarks.polarity_parts DATA

Of every real EEG channel with NREM (`benchmarks.not_eeg`) epochs of N2 and N3 are drawn again with replacement, as many
as a part of a night holds (`swa.measures.asymmetry.PART_MIN`), for each of two nights; epochs beyond 1 mV from peak to
peak are left out. Without a change `told` is the share of pairs in which large waves of the one go further down and
those of the other further up by `swa.comparison.controls.polarity.TURNED`; `turned` is that share with the second one
turned round. Nobody's whole nights are here: what one person's nights differ by beyond the draw of their epochs is not
known, so all is repeated with an SD of 0.03 and 0.05 (ln) more, where channels of six people differ by 0.07.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.not_eeg import Real, Signal, real_channels
from swa.comparison.controls.polarity import TURNED
from swa.measures import asymmetry, slow_waves
from swa.settings import Settings

DRAWS, PAIRS, MORE_SD, LIMITS = 500, 20_000, (0.0, 0.03, 0.05), (0.04, 0.05, TURNED, 0.08)


def parts_drawn(real: Real, rng: np.random.Generator) -> Signal:
    """Asymmetry of parts of its NREM."""
    length = round(30 * real.rate_hz)
    n = min(len(real.stages), len(real.signal_uv) // length)
    trace = slow_waves.filter_for_waves(real.signal_uv, real.rate_hz, Settings().waves)
    raw, filtered = (signal[: n * length].reshape(n, length) for signal in (real.signal_uv, trace))
    taken = np.isin(real.stages[:n], ["N2", "N3"]) & (np.ptp(raw, axis=1) < 1000)
    epochs = filtered[taken][:, :: max(1, round(real.rate_hz / asymmetry.RATE_HZ))]
    size = round(2 * asymmetry.PART_MIN)
    drawn = (epochs[rng.integers(0, len(epochs), size)].ravel() for _ in range(DRAWS))
    return np.array([asymmetry.measure_asymmetry(part) for part in drawn])


def told(first: Signal, second: Signal, limit: float) -> float:
    return float((np.minimum(np.maximum(first, second), -np.minimum(first, second)) >= limit).mean())


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    rng = np.random.default_rng(0)
    drawn = {real.name: parts_drawn(real, rng) for real in real_channels(parser.parse_args().data)}
    for more in MORE_SD:
        pairs = {
            name: [rng.choice(own, PAIRS) + rng.normal(0, more, PAIRS) for _ in range(2)] for name, own in drawn.items()
        }
        for limit in LIMITS:
            false = [told(first, second, limit) for first, second in pairs.values()]
            found = [told(first, -second, limit) for first, second in pairs.values()]
            print(f"SD + {more:.2f}, limit {limit:.2f}: told {np.mean(false):.3%}, at most {max(false):.3%}; ", end="")
            print(f"turned {np.mean(found):.0%} ({', '.join(f'{share:.0%}' for share in found)})")
    for name, own in drawn.items():
        print(f"  {name:<18}{own.mean():>7.3f} ± {own.std():.3f}")


if __name__ == "__main__":
    main()
