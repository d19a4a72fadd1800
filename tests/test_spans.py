"""Stretches of samples say what a mask of them says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swa.recordings.spans import Spans

N = 40
stretches = st.lists(st.tuples(st.integers(0, N), st.integers(0, N)).map(sorted), max_size=6)


def spans_and_mask(edges):
    mask = np.zeros(N, bool)
    for first, end in edges:
        mask[first:end] = True
    return Spans.joined([np.array(edges, int).reshape(-1, 2)]), mask


@given(stretches, stretches)
def test_counts_are_those_of_the_masks(edges, others):
    (spans, mask), (other, other_mask) = spans_and_mask(edges), spans_and_mask(others)
    np.testing.assert_array_equal(spans.mask(N), mask)
    np.testing.assert_array_equal(Spans.of_mask(mask).mask(N), mask)
    assert spans.n_samples == mask.sum()
    assert spans.shared(other) == (mask & other_mask).sum()
    assert spans.before(np.arange(N + 1)).tolist() == [mask[:end].sum() for end in range(N + 1)]
    first, end = np.array(others, int).reshape(-1, 2).T
    assert spans.touch(first, end).tolist() == [mask[a:b].any() for a, b in others]
    both = Spans.joined([spans.edges, other.edges])
    np.testing.assert_array_equal(both.mask(N), mask | other_mask)
    np.testing.assert_array_equal(spans.within(other.edges.tolist()).mask(N), mask & other_mask)


@pytest.mark.parametrize(("edges", "there"), [([], False), ([(3, 5)], True)])
def test_there_are_spans_or_none(edges, there):
    assert bool(spans_and_mask(edges)[0]) is there
