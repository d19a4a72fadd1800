"""Whether artefacts, clipping or sweat took or gave more in one condition than in the other."""

from collections.abc import Iterator

import numpy as np

from swa.comparison.controls.facts import ComparedNights
from swa.comparison.controls.registry import Finding, RowKind, control
from swa.tables import doubts

# Clean recordings have 0.06 to 0.23 of slow-wave activity at 0.2-0.5 Hz; a first-order filter at 1 Hz, forward and
# backward, leaves 0.02.
CLEAN_SHARE = 0.3
FASTEST_HZ = 4.0  # of slow waves
HIGH_PASS_RATIO = 4.0
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
