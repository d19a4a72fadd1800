"""What is exchanged under no effect, by the design of a contrast."""

from typing import Literal

from swa.comparison.designs import ContrastDesign

Permutation = Literal["sign flips", "permuted sequences", "permuted labels"]


def permutation_of(design: ContrastDesign) -> Permutation:
    """Labels of arms and groups; sequences of designs that compare both orders; else signs of the subjects' changes."""
    if design.members:
        return "permuted labels"
    crossed = design.kind != "paired" and len(set(design.sequence.values())) > 1
    return "permuted sequences" if crossed else "sign flips"
