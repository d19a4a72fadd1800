"""What the pages draw is what the tables hold, to the last digit."""

import pandas as pd
import pytest

from swa.study.store import read_results


def read_texts(path):
    """Cells as they were written: parsing them is up to the test."""
    return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)


@pytest.mark.parametrize("subject", ["S01", "S03"])
def test_the_slope_at_equal_amplitude_of_the_figure_is_that_of_the_long_table(studied, subject):
    results = read_results(studied / "results")
    drawn = read_texts(results.path / f"sub-{subject}" / "figures" / "slope_by_amplitude.tsv")
    lines = drawn[drawn["kind"] == "line"].set_index("condition")
    page = (results.path / f"sub-{subject}" / f"sub-{subject}.html").read_text(encoding="utf-8")
    channel = page.partition("Upward slope against negative amplitude at ")[2].partition(",")[0]
    own = (results.measures["subject"] == subject) & (results.measures["channel"] == channel)
    rows = results.measures[own].query("stages == 'NREM' and window == 'night' and variant == ''")
    stored = rows[rows["measure"] == "wave_slope_up_matched"].set_index("condition")["value"]
    assert len(lines) == 2
    assert lines["slope_at_reference_uv_s"].map(float).to_dict() == stored.to_dict()
