"""Write the sample recordings again, byte for byte.

    python sample_recordings/make.py [DIRECTORY]

Without a directory, into the folder of this file.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from swa.simulation.simulated_study import simulate_study

NIGHTS = {
    "S01": ("baseline", "ketamine", "magnesium"),
    "S02": ("baseline", "magnesium", "ketamine"),
    "S03": ("baseline", "ketamine"),
    "S04": ("baseline", "ketamine"),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the study into the directory named by the first argument."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    simulate_study(
        Path(given[0]) if given else Path(__file__).parent,
        nights=NIGHTS,
        hours=1.5,
        effect={"ketamine": 1.30, "magnesium": 1.0},
        seed=5,
        rate_hz=100,
        channels=("F3-M2", "C4-M1", "E1-M2", "Chin"),
        channel_rates_hz={"E1-M2": 50},
        icc=0.95,
        primary="swa NREM cycle-1 frontal",
        overwrite=True,
    )


if __name__ == "__main__":
    main()
