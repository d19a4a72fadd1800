"""Whether the headers of compared nights say the same of electrode, filter, range, rate and reference."""

from collections.abc import Iterator

from swa.comparison.controls.facts import ComparedNights
from swa.comparison.controls.registry import Finding, control
from swa.tables import doubts

# Name of the control: what a page and what a verdict calls it, and the fact of the header.
_FACTS = {
    "transducer": ("transducer", "transducer", "transducer"),
    "prefilter": ("prefilter", "prefilter", "prefilter"),
    "physical_range": ("physical range", "physical range", "physical_range_uv"),
    "rate": ("recording rate", "rate", "rate_hz"),
    "derivation": ("derivation", "derivation", "derivation"),
}


@control({name: label for name, (label, *_) in _FACTS.items()})
def compare_headers(nights: ComparedNights) -> Iterator[Finding]:
    """Facts of the headers: one finding for each that is the same in all nights; one per channel where it differs."""
    shared = nights.shared("header")
    for name, (_, what, fact) in _FACTS.items():
        said = {channel: [night.header[channel].get(fact) for night in nights.nights] for channel in shared}
        differs = {channel: values for channel, values in said.items() if len(set(map(str, values))) > 1}
        if not shared:
            yield Finding(control=name, notes=(doubts.HEADER_UNKNOWN(),))
        elif not differs:
            is_empty = said[shared[0]][0] in ("", None)
            yield Finding(control=name, notes=(doubts.HEADER_EMPTY() if is_empty else doubts.HEADER_SAME(),))
        for channel, values in differs.items():
            sides = "; ".join(
                f"{night.session}: {_said(value)}" for night, value in zip(nights.nights, values, strict=True)
            )
            yield Finding(
                control=name,
                channel=channel,
                notes=(doubts.HEADER_SIDES(sides=sides),),
                doubt=doubts.HEADER(fact=what, sides=sides),
            )


def _said(value: object) -> str:
    if value in ("", None):
        return doubts.HEADER_EMPTY().words
    return f"{value:g}" if isinstance(value, float) else str(value)
