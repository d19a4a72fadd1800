"""What the pages draw is what the tables hold, to the last digit."""

import pandas as pd
import pytest

from swa.study.condition_curves import read_curves
from swa.study.store import read_results
from swa.tables.marker import select


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


def parsed(texts, like):
    """Texts as the types of another table."""
    numbers = [name for name in like if pd.api.types.is_numeric_dtype(like[name])]
    found = texts[list(like)].replace({name: {"n/a": "nan"} for name in numbers})
    return found.astype(dict.fromkeys(numbers, float))


def same(drawn, table):
    """Whether a figure's numbers are those of rows of a table, digit for digit as the table has them."""
    found = parsed(drawn, table)
    pd.testing.assert_frame_equal(
        found, table.reset_index(drop=True).astype(found.dtypes), check_exact=True, check_dtype=False
    )
    return True


def test_what_a_subject_page_draws_is_in_the_tables_of_the_subject(studied):
    results, drawn = studied / "results", {}
    curves = read_curves(results, "S01")
    for name in ("slow_wave_average", "average_spectra", "wave_amplitudes", "slope_by_amplitude"):
        drawn[name] = read_texts(results / "sub-S01" / "figures" / f"{name}.tsv")
    (channel,) = set(drawn["wave_amplitudes"]["channel"])
    here = curves.at(channel)
    assert same(drawn["slow_wave_average"], here.waves)
    assert same(drawn["wave_amplitudes"], here.amplitudes)
    assert same(drawn["slope_by_amplitude"], here.slopes)
    spectra = select(here.spectra, stages="NREM", window="night")
    numbers = parsed(drawn["average_spectra"], spectra)["density_uv2_hz"].astype("float32")
    assert numbers.tolist() == spectra["density_uv2_hz"].tolist()


def test_what_the_page_of_the_study_draws_is_in_the_tables_of_the_study(studied):
    results = studied / "results"
    drawn, stored = (read_texts(results / name) for name in ("figures/spectra_cycle1.tsv", "group_spectra.tsv"))
    assert len(drawn) > 0
    pd.testing.assert_frame_equal(drawn, stored)
