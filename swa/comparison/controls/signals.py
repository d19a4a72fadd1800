"""Whether artefacts, clipping or sweat took or gave more in one condition than in the other."""

from collections.abc import Iterator, Sequence

import numpy as np

from swa.comparison.controls.facts import ComparedNights
from swa.comparison.controls.of_all import mean_change
from swa.comparison.controls.registry import Finding, RowKind, control, group_control
from swa.tables import doubts

# Clean recordings have 0.06 to 0.23 of slow-wave activity at 0.2-0.5 Hz; a first-order filter at 1 Hz, forward and
# backward, leaves 0.02.
CLEAN_SHARE = 0.3
FASTEST_HZ = 4.0  # of slow waves
HIGH_PASS_RATIO = 4.0
# How far (ln) the mean over subjects of that share moves at least. A first-order high-pass moves it by 0.04 to 0.09 at
# 0.1 Hz (1 to 2 % of slow-wave activity), 0.29 to 0.53 at 0.3 Hz (9 to 17 %), 0.55 to 0.93 at 0.5 Hz (21 to 35 %), in
# 18 min of a nap (6 channels) and 40 min of a night; one of second order at 0.3 Hz by 0.20 to 0.60 (2 to 4 %).
LEAST_OF_ALL = 0.2
REM_SHARE = 0.25  # of what N2+N3 gained, that REM sleep gains at most where slow waves grew in all sleep


def _holds_slow_waves(row: RowKind) -> bool:
    """Whether a row is measured in frequencies of slow waves."""
    return any(low < FASTEST_HZ for low, _ in row.bands_hz)


@control({"rejection": "what artefact rules remove"})
def compare_rejection(nights: ComparedNights) -> Iterator[Finding]:
    """Artefact rules that remove more in one condition than in the other."""
    limits = nights.settings.comparability
    for name in nights.shared("rejected"):
        after, earlier = (
            np.mean([night.rejected[name][:2] for night in side], axis=0).tolist() for side in nights.sides
        )
        rules = dict.fromkeys(rule for side in nights.sides for night in side if (rule := night.rejected[name][2]))
        names = ("nrem", "waves", "nrem_before", "waves_before")
        shares = dict(zip(names, (100 * share for share in (*after, *earlier)), strict=True))
        found = doubts.REJECTION(**shares, **({"rules": ", ".join(rules)} if rules else {}))
        is_flagged = (
            abs(after[0] - earlier[0]) > limits.rejection_share or abs(after[1] - earlier[1]) > limits.rejection_waves
        )
        yield Finding(
            control="rejection",
            channel=name,
            limit=limits.rejection_share,
            notes=(found,),
            doubt=found if is_flagged else None,
        )


@control({"clipping": "clipped slow waves"})
def find_clipping(nights: ComparedNights) -> Iterator[Finding]:
    """Clipped slow waves: what is left out is the largest waves, so that what is left is no fair sample."""
    limit = nights.settings.comparability.clipped_waves_share
    for name in nights.shared("clipped"):
        shares = {night.session: night.clipped[name] for night in nights.nights}
        said = ", ".join(f"{100 * share:.1f} % in {session}" for session, share in shares.items())
        found = doubts.CLIPPING(shares=said, limit=100 * limit)
        yield Finding(
            control="clipping",
            channel=name,
            limit=limit,
            notes=(found,),
            doubt=found if max(shares.values()) > limit else None,
        )


@control({"below_band": "sweat, drift or high-pass"})
def compare_below_band(nights: ComparedNights) -> Iterator[Finding]:
    """Sweat and drift just below the slow waves' band, of which most leaks into it, and a high-pass that takes both.

    A share that differs because slow-wave activity alone moved is neither. A pulse wave does that, and so do slow waves
    that truly grew or shrank: REM sleep, where it gained or lost little slow activity, says that it was those.
    """
    limits = nights.settings.comparability
    for name in nights.shared("below_band"):
        after, earlier = (float(np.mean([night.below_band[name] for night in side])) for side in nights.sides)
        more, lower, higher = abs(after - earlier), min(after, earlier), max(after, earlier)
        is_cut = lower * HIGH_PASS_RATIO < higher <= CLEAN_SHARE
        found = (doubts.LOWEST_CUT if is_cut else doubts.BELOW_BAND)(share=after, before=earlier)
        swa, lowest = _moves(name, nights)
        are_slow_waves = False
        if not is_cut and abs(swa) > abs(lowest):
            most = max(limits.rem_slow_share, REM_SHARE * abs(np.expm1(swa)))
            are_slow_waves = bool(_added_in_rem(name, nights) * np.sign(swa) <= most)
            kind = doubts.SLOW_WAVES_ALONE if are_slow_waves else doubts.BAND_ALONE
            found = kind(**found.values, ratio=float(np.exp(swa)))
        yield Finding(
            control="below_band",
            channel=name,
            ln_ratio=after - earlier,
            limit=limits.below_band_share,
            notes=(found,),
            doubt=found if is_cut or (more > limits.below_band_share and not are_slow_waves) else None,
            is_worst=is_cut or (more > limits.below_band_worst and not are_slow_waves),
        )


@group_control({"below_band_of_all": "sweat, drift or high-pass"}, setting="below_band", matters=_holds_slow_waves)
def compare_below_band_of_all(subjects: Sequence[ComparedNights]) -> Iterator[Finding]:
    """Mean over subjects of the change (ln) of that share: clean signals have too little of it for one subject's limit.

    Where slow-wave activity itself moved further than what lies below it, slow waves or a pulse wave moved the share.
    """
    channels = list(dict.fromkeys(name for own in subjects for name in own.shared("below_band")))
    for name in channels:
        moves = np.array([_moves(name, own) for own in subjects if name in own.shared("below_band")])
        moves = moves[np.isfinite(moves).all(axis=1)]
        if (change := mean_change(moves[:, 1] - moves[:, 0])) is None:
            continue
        limit = max(LEAST_OF_ALL, change.chance(looks=len(channels)))
        swa, lowest = moves.mean(axis=0).tolist()
        values = {"lowest": float(np.exp(lowest)), "swa": float(np.exp(swa))} | change.counts
        is_flagged = change.is_beyond(limit) and abs(lowest) > abs(swa)
        yield Finding(
            control="below_band_of_all",
            channel=name,
            ln_ratio=change.mean,
            limit=limit,
            notes=(doubts.LOWEST_FOUND(**values),),
            doubt=doubts.LOWEST_OF_ALL(**values) if is_flagged else None,
        )


@control({"rem_slow": "slow activity in REM sleep"}, is_ratio=True, matters=_holds_slow_waves)
def compare_rem(nights: ComparedNights) -> Iterator[Finding]:
    """Slow activity that is added in all stages alike: REM sleep has few slow waves that a drug could change."""
    least = nights.settings.comparability.rem_slow_share
    for name in nights.shared("swa_rem"):
        added = _added_in_rem(name, nights)
        if np.isnan(added):
            continue
        (rem, nrem), (rem_before, nrem_before) = (
            tuple(float(np.mean([getattr(night, fact)[name] for night in side])) for fact in ("swa_rem", "swa"))
            for side in nights.sides
        )
        change = (nrem - nrem_before) / nrem_before
        found = doubts.REM_SLOW(rem=rem, rem_before=rem_before, nrem=nrem, nrem_before=nrem_before)
        is_flagged = abs(added) > least and added * change > 0 and abs(added) >= abs(change) / 2
        yield Finding(
            control="rem_slow",
            channel=name,
            ln_ratio=float(np.log(rem / rem_before)),
            limit=_ln_limit(least * nrem_before / rem_before, falls=added < 0),
            notes=(found,),
            doubt=found if is_flagged else None,
        )


def _added_in_rem(channel: str, nights: ComparedNights) -> float:
    """Slow-wave activity added in REM sleep as a share of that in N2+N3 before; NaN where a night has not both."""
    (rem, _), (rem_before, nrem_before) = (
        tuple(
            float(np.mean([getattr(night, fact).get(channel, np.nan) for night in side])) for fact in ("swa_rem", "swa")
        )
        for side in nights.sides
    )
    return (rem - rem_before) / nrem_before


def _ln_limit(share: float, *, falls: bool) -> float:
    """How far (ln) a value goes that rises or falls by this share of itself; NaN where no fall is so large."""
    left = 1 - share if falls else 1 + share
    return float(abs(np.log(left))) if left > 0 else np.nan


def _moves(channel: str, nights: ComparedNights) -> tuple[float, float]:
    """Change (ln) of slow-wave activity, and of the power below it; NaN where a night has no such activity."""
    swa, share = (
        np.array(
            [np.mean([np.log(getattr(night, fact).get(channel, np.nan)) for night in side]) for side in nights.sides]
        )
        for fact in ("swa", "below_band")
    )
    lowest = swa + share
    return float(swa[0] - swa[1]), float(lowest[0] - lowest[1])
