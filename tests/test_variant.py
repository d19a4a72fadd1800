"""Choices behind a row of the specification curve go into a variant and come back, whatever they are called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swa.tables.variant import IN_USE, Choices

NAMES = st.text(st.characters(exclude_categories=("Cc", "Cs")))


def test_usual_choices_are_read_by_people_too():
    assert Choices("swa", "0.5-4 Hz", "mean").encode() == f"swa|0.5-4 Hz|mean||{IN_USE}"


@given(st.builds(Choices, NAMES, NAMES, NAMES, NAMES, NAMES))
def test_what_is_encoded_is_decoded(choices):
    assert Choices.decode(choices.encode()) == choices


@pytest.mark.parametrize("variant", ["", "resampled", "a|b|c|d|e|f"])
def test_another_variant_holds_no_choices(variant):
    with pytest.raises(ValueError, match="holds no choices"):
        Choices.decode(variant)
