"""The call that BIDS Apps share: ``swa BIDS_DIR OUT participant|group``."""

import argparse
from collections.abc import Sequence
from pathlib import Path

LEVELS = ("participant", "group")


def is_bids_call(arguments: Sequence[str], commands: Sequence[str]) -> bool:
    """Whether a call names no command of ours and a level of analysis."""
    return bool(arguments) and arguments[0] not in commands and any(level in arguments for level in LEVELS)


def read_bids_call(arguments: Sequence[str]) -> argparse.Namespace:
    """Read such a call; what is wrong with it ends the process with 2, as everywhere."""
    parser = argparse.ArgumentParser(
        prog="swa",
        description="participant: stages and measures of each night; group: tables and pages of the study, and nights "
        "that are not done yet.",
    )
    parser.add_argument("bids_dir", type=Path, help="the data set")
    parser.add_argument("output_dir", type=Path, help="folder for the results")
    parser.add_argument("level", choices=LEVELS, help="level of the analysis")
    labels = ("--participant-label", "--participant_label")
    parser.add_argument(*labels, nargs="+", default=[], metavar="LABEL", help="subjects to work at, without sub-")
    parser.add_argument("--settings", type=Path, help="settings (TOML)")
    parser.add_argument("--jobs", "--n-cpus", "--n_cpus", type=int, help="worker processes")
    parser.add_argument(
        "--skip-bids-validator", "--skip_bids_validator", action="store_true", help="no validator is run"
    )
    return parser.parse_args(arguments)
