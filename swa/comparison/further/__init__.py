"""Further comparisons of the same changes, beside the contrasts."""
