"""Clusters of frequencies and hours: known effects are found, null studies hold the family-wise level."""

import numpy as np
import pandas as pd
import pytest

from swa.comparison.further import clusters
from swa.comparison.further.clusters import find_clusters, permute_clusters
from swa.report import figures
from swa.report.study_page import _clusters
from swa.settings import Settings
from swa.study.store import NIGHT_TABLES, NightFolder
from swa.tables.files import write_table
from swa.tables.marker import DEFAULT_MARKER
from swa.tables.results_tables import CLUSTERS

OPTIONS = Settings().comparison.model_copy(update={"cluster_flips": 1000})
HERTZ = np.arange(0.5, 30.25, 0.25)


def spectra_changes(rng, subjects):
    """Null ln-ratios: a level of the night, a smooth shape, and noise of each frequency."""
    smooth = np.cumsum(rng.standard_normal((subjects, len(HERTZ))), axis=1) * 0.03
    return smooth + 0.2 * rng.standard_normal((subjects, 1)) + 0.1 * rng.standard_normal((subjects, len(HERTZ)))


@pytest.mark.parametrize("sides", [1, 2])
def test_family_wise_error_over_null_studies(sides):
    rng = np.random.default_rng(sides)
    options = OPTIONS.model_copy(update={"cluster_flips": 128})
    false = 0
    for _ in range(100):
        others = spectra_changes(rng, 6) if sides == 2 else None
        found = permute_clusters(spectra_changes(rng, 6 if sides == 2 else 8), options, others)
        false += any(p < 0.05 for *_, p in found.clusters)
    assert false <= 12  # 99.9 % of binomial(100, 0.05)


def test_all_flips_and_the_smallest_p():
    rng = np.random.default_rng(5)
    change = 0.02 * rng.standard_normal((6, 40))
    change[:, 10:20] += 0.5
    found = permute_clusters(change, OPTIONS)
    assert (found.n_flips, found.smallest_p) == (32, 2 / 2**6)
    first, last, t_sum, p = found.clusters[0]
    assert abs(first - 10) <= 1
    assert abs(last - 19) <= 1
    assert t_sum > 0
    assert p == pytest.approx(2 / 2**6)
    assert permute_clusters(-change, OPTIONS).clusters[0][2:] == pytest.approx((-t_sum, p))


def test_p_of_few_subjects_agrees_with_flips_by_hand():
    change = np.random.default_rng(8).standard_normal((5, 12)) + 0.8
    found = permute_clusters(change, OPTIONS)
    signs = np.array([[1 - 2 * (k >> i & 1) for i in range(5)] for k in range(32)])
    largest = []
    for one in signs:
        t = clusters.one_sample_t(change * one[:, None])
        beyond = np.where(np.abs(t) > 2.7764451, np.sign(t), 0)
        runs = np.cumsum(np.r_[0, np.diff(beyond) != 0])
        largest.append(max((abs(t[(runs == run) & (beyond != 0)].sum()) for run in np.unique(runs)), default=0))
    for *_, t_sum, p in found.clusters:
        assert p == pytest.approx(np.mean(np.array(largest) >= abs(t_sum) - 1e-9))
    assert found.clusters


def test_a_change_that_does_not_vary_is_no_cluster():
    assert permute_clusters(np.full((6, 10), 0.3), OPTIONS).clusters == ()


def write_study(path, subjects, *, boost=1.5, period=1.0, order="before"):
    """Stored spectra and SWA per hour; ketamine multiplies 0.5-4 Hz and the first two hours by `boost`."""
    rng = np.random.default_rng(3)
    nights, measures = [], []
    for number in range(subjects):
        subject = f"{number + 1:02d}"
        first = order == "before" or number % 2 == 0
        for condition in ("baseline", "ketamine"):
            place = 1 + (condition == "ketamine") if first else 2 - (condition == "ketamine")
            drug = boost if condition == "ketamine" else 1.0
            level = 100 * np.exp(0.05 * rng.standard_normal()) * (period if place == 2 else 1.0)
            nights.append((subject, condition, condition, subject, condition, "done", place, place))
            density = level / HERTZ * np.where(HERTZ <= 4, drug, 1) * np.exp(0.05 * rng.standard_normal(len(HERTZ)))
            parts = [
                pd.DataFrame({"channel": channel, "frequency_hz": HERTZ, "density_uv2_hz": density * factor})
                for channel, factor in (("F3-M2", 1.0), ("F4-M1", 2.0))
            ]
            table = pd.concat(parts).assign(stages="NREM", window="cycle-1")
            file = NightFolder(path, subject, condition).file(NIGHT_TABLES["spectra"])
            file.parent.mkdir(parents=True)
            table.to_parquet(file)
            for hour in range(1, 7):
                value = level * (drug if hour <= 2 else 1) * np.exp(-0.2 * hour + 0.05 * rng.standard_normal())
                measures.append((subject, condition, condition, "frontal", "NREM", f"hour-{hour}", "swa", "", value))
    columns = ["subject", "session", "condition", "subject_label", "session_label", "status", "order", "period"]
    table = pd.DataFrame(nights, columns=columns)
    write_table(table.drop(columns="period") if order == "before" else table, path / "nights.tsv")
    keys = ["subject", "session", "condition", "channel", "stages", "window", "measure", "variant", "value"]
    regional = pd.DataFrame(measures, columns=keys)  # of a region whose channels every night has
    parts = [regional, *(regional.assign(channel=name) for name in ("F3-M2", "F4-M1"))]
    pd.concat(parts).assign(unit="uV2", n=1, note="").to_parquet(path / "measures.parquet")
    return path


def test_clusters_of_a_study(tmp_path):
    table = find_clusters(write_study(tmp_path, 8))
    assert list(table.columns) == CLUSTERS.names
    strong = table[table["p"] < 0.05].set_index("domain")
    assert set(strong["channel"]) == {"frontal"}
    assert (strong["t_sum"] > 0).all()
    assert strong.loc["frequency", "from"] == 0.5
    assert strong.loc["frequency", "to"] == pytest.approx(4, abs=0.5)
    assert (strong.loc["hours", "from"], strong.loc["hours", "to"]) == (1, 2)
    assert (strong["n"] == 8).all()
    assert (strong["n_flips"] == 128).all()


def test_few_subjects_are_told_what_p_can_be(tmp_path):
    table = find_clusters(write_study(tmp_path, 4))
    own = table[table["domain"] == "frequency"]
    assert (own["smallest_p"] == 0.125).all()
    assert own["note"].str.contains("no p below 0.125 can come out with 4 subjects").all()
    alone = find_clusters(write_study(tmp_path / "two", 2))
    assert alone["p"].isna().all()
    assert alone["note"].str.contains("fewer than 3 subjects").all()


def test_a_period_effect_makes_no_cluster_in_a_crossover(tmp_path):
    """A shift of the second night falls out of the comparison of sequences, which sign flips would not know of."""
    settings = Settings(comparison=OPTIONS)
    table = find_clusters(write_study(tmp_path, 10, boost=1.0, period=2.0, order="both"), settings=settings)
    own = table[table["domain"] == "frequency"]
    assert set(own["method"]) == {"permuted sequences"}
    assert not (own["p"] < 0.05).any()
    drug = find_clusters(write_study(tmp_path / "drug", 10, boost=1.5, period=2.0, order="both"), settings=settings)
    strong = drug[(drug["p"] < 0.05) & (drug["domain"] == "frequency")].iloc[0]
    assert strong["t_sum"] > 0
    assert strong["to"] == pytest.approx(4, abs=0.5)


def test_the_page_marks_clusters_and_says_them(tmp_path, make_draft):
    write_table(find_clusters(write_study(tmp_path, 8)), tmp_path / "clusters.tsv")
    facts = {"treatment": "ketamine", "comparator": "baseline", "first": "", "second": ""}
    rows = pd.DataFrame([facts | vars(DEFAULT_MARKER) | {"contrast": "ketamine:baseline"}])
    marked, said = _clusters(make_draft(tmp_path, rows))
    assert "exploratory: ketamine against baseline: " in said
    assert "0.5\u20134 Hz (p = 0.0078), sign flips, 128 of them, n = 8" in said
    assert "not at which frequencies" in said
    spectra = pd.DataFrame({"condition": "baseline", "frequency_hz": HERTZ, "density_uv2_hz": 1 / HERTZ})
    change = pd.DataFrame({"contrast": "ketamine:baseline", "frequency_hz": HERTZ, "change_db": 1.0})
    figure = figures.group_spectra(spectra, change.assign(low_db=0.0, high_db=2.0), clusters=marked)
    assert [0.5, 4.0] in [list(line.get_xdata()) for line in figure.axes[1].lines]
    elsewhere = make_draft(tmp_path, rows, marker=DEFAULT_MARKER.at(window="night"))
    assert _clusters(elsewhere)[1] == ""
