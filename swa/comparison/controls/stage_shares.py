"""Whether the stages hold other sleep in all nights of one condition: by another way of scoring, or truly.

A mean over N2 and N3 rises where a part of N2 is called N1, for the lightest sleep leaves it, and that of N3 alone
where a part of N3 is called N2. A drug that raises slow waves makes N3 of N2 as well, which the mean over both does not
see: only rows of N2 or N3 alone are held against it. Windows that need no stages rest on neither.

Minutes of N2 and N3 are what the scorer calls so. That he took more for N3 shows where what he took is not as deep:
slow-wave activity of N3 falls as its minutes rise. A drug that deepens sleep raises both, one that lightens it neither.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from swa.comparison.controls.facts import ComparedNights, NightFacts
from swa.comparison.controls.of_all import mean_change
from swa.comparison.controls.registry import Finding, RowKind, group_control
from swa.tables import doubts

# Shares of N1 to N3 that a mean over subjects may move by whatever chance says, and at most: of 19 pairs of nights of
# one person (BOAS, Sleep-EDF) one differs by more than the latter in the share of N1, and one in that of N3.
LEAST = 0.05
MOST = 0.13
LEAST_IN_N3 = 0.1  # ln, that slow-wave activity of N3 moves at least
COUNTED = ("n2_minutes", "n2_share", "n3_minutes", "n3_share")
STAGES = ("N1", "N2", "N3")  # N3 among these is the same, however many epochs of N2 are called N1


def _loses_to_n1(row: RowKind) -> bool:
    return row.stages in ("NREM", "N2")


def _of_one_stage(row: RowKind) -> bool:
    return row.stages in ("N2", "N3")


@group_control({"n1_share_of_all": "share of N1"}, setting="staging", matters=_loses_to_n1)
def compare_n1_of_all(subjects: Sequence[ComparedNights]) -> Iterator[Finding]:
    """Mean over subjects of the change of N1's share of N1 to N3: means over N2 then hold more or less light sleep."""
    yield from _share_moves(subjects, "N1")


@group_control({"n3_share_of_all": "share of N3"}, setting="staging", matters=_of_one_stage)
def compare_n3_of_all(subjects: Sequence[ComparedNights]) -> Iterator[Finding]:
    """Mean over subjects of the change of N3's share of N1 to N3: means over N2 or N3 alone are then of other sleep."""
    yield from _share_moves(subjects, "N3")


def _counts_n3(row: RowKind) -> bool:
    return row.of_sleep in COUNTED


@group_control({"n3_depth_of_all": "slow-wave activity of N3"}, setting="staging", matters=_counts_n3)
def compare_n3_depth_of_all(subjects: Sequence[ComparedNights]) -> Iterator[Finding]:
    """Mean over subjects of the change (ln) of N3's activity: it falls where a scorer takes more of N2 for N3."""
    pairs = [[_n3(side, own.shared("swa_n3")) for side in own.sides] for own in subjects]
    known = np.array([pair for pair in pairs if np.isfinite(pair).all()])
    if not known.size or (change := mean_change(known[:, 0, 1] - known[:, 1, 1])) is None:
        return
    share = float((known[:, 0, 0] - known[:, 1, 0]).mean())
    limit = max(LEAST_IN_N3, change.chance())
    shares = (100 * known[:, :, 0].mean(axis=0)).tolist()
    found = doubts.N3_DEPTH_FOUND(share=shares[0], before=shares[1], swa=float(np.exp(change.mean)))
    is_flagged = change.is_beyond(limit) and abs(share) > LEAST and share * change.mean < 0
    yield Finding(
        control="n3_depth_of_all",
        ln_ratio=change.mean,
        limit=limit,
        notes=(found, doubts.MEAN_CHANGE(**change.counts)),
        doubt=doubts.N3_DEPTH(**found.values, **change.counts) if is_flagged else None,
    )


def _n3(side: Sequence[NightFacts], channels: Sequence[str]) -> tuple[float, float]:
    """Share of N3 of the nights of one side, and its slow-wave activity (ln), over channels."""
    if not channels:
        return np.nan, np.nan
    activity = [np.log([night.swa_n3[name] for name in channels]).mean() for night in side]
    return float(np.mean([_share(night.sleep_min, "N3") for night in side])), float(np.mean(activity))


def _share_moves(subjects: Sequence[ComparedNights], stage: str) -> Iterator[Finding]:
    shares = np.array(
        [[np.mean([_share(night.sleep_min, stage) for night in side]) for side in own.sides] for own in subjects]
    )
    shares = shares[np.isfinite(shares).all(axis=1)]
    if (change := mean_change(shares[:, 0] - shares[:, 1])) is None:
        return
    limit = max(LEAST, min(change.chance(looks=2), MOST))
    after, earlier = (100 * shares.mean(axis=0)).tolist()
    found = doubts.SHARE_FOUND(stage=stage, share=after, before=earlier)
    doubt = doubts.SHARE_OF_ALL(**found.values, **change.counts) if change.is_beyond(limit) else None
    notes = (found, doubts.MEAN_CHANGE(**change.counts))
    yield Finding(control=f"{stage.lower()}_share_of_all", limit=limit, notes=notes, doubt=doubt)


def _share(minutes: Mapping[str, float], stage: str) -> float:
    """A stage's share of the minutes of N1 to N3; NaN for a night without any."""
    total = sum(minutes.get(name, 0.0) for name in STAGES)
    return minutes.get(stage, 0.0) / total if total else np.nan
