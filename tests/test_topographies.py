"""Clusters of electrodes: a change at the front of the head is found there, null studies hold the family-wise level."""

import numpy as np
import pandas as pd
import pytest

from swa.comparison.further.clusters import find_clusters, permute_clusters
from swa.comparison.further.topographies import electrode_values, find_neighbours, place_electrodes
from swa.settings import Settings
from swa.tables.files import write_table
from swa.tables.marker import Marker

ELECTRODES = [
    *("Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz"),
    *("C4", "T8", "P7", "P3", "Pz", "P4", "P8", "O1", "O2"),
]
FRONT = {"Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8"}
OPTIONS = Settings().comparison.model_copy(update={"cluster_flips": 1000})


def test_electrodes_have_one_channel_each_and_neighbours_beside_them():
    placed = place_electrodes(["C3-M2", "C3-A2", "FZ-M2", "frontal", "E12", "E1-M2"])
    assert placed == {"C3-M2": "C3", "FZ-M2": "Fz"}
    near = np.asarray(find_neighbours(ELECTRODES).todense(), bool)
    assert (near == near.T).all()
    names = np.array(ELECTRODES)
    assert {"F3", "F4", "Cz"} <= set(names[near[ELECTRODES.index("Fz")]])
    assert not {"O1", "Pz", "T8"} & set(names[near[ELECTRODES.index("Fz")]])


def test_family_wise_error_over_null_maps():
    """Maps are smooth: neighbours share most of their noise."""
    rng = np.random.default_rng(4)
    near = find_neighbours(ELECTRODES)
    smooth = np.asarray(near.todense(), float) / 4 + np.eye(len(ELECTRODES))
    options = OPTIONS.model_copy(update={"cluster_flips": 128})
    false = 0
    for _ in range(40):
        values = rng.standard_normal((8, len(ELECTRODES))) @ smooth + rng.standard_normal((8, 1))
        false += any(p <= 0.05 for *_, p in permute_clusters(values, options, None, near).clusters)
    assert false <= 7  # 99.9 % of binomial(40, 0.05)


def write_study(path, subjects, channels, *, boost=1.4, gaps=()):
    """SWA of the first cycle at each channel; ketamine multiplies that of frontal electrodes."""
    rng = np.random.default_rng(2)
    nights, rows = [], []
    for number in range(subjects):
        subject = f"{number + 1:02d}"
        for order, condition in enumerate(("baseline", "ketamine"), start=1):
            nights.append((subject, condition, condition, subject, condition, "done", order))
            level = 300 * np.exp(0.1 * rng.standard_normal())
            for channel in channels:
                drug = boost if condition == "ketamine" and channel.partition("-")[0] in FRONT else 1.0
                value = level * drug * np.exp(0.05 * rng.standard_normal())
                value = np.nan if (subject, channel) in gaps else value
                rows += [(subject, condition, condition, channel, "NREM", w, "swa", "", value) for w in ("cycle-1",)]
    columns = ["subject", "session", "condition", "subject_label", "session_label", "status", "order"]
    write_table(pd.DataFrame(nights, columns=columns), path / "nights.tsv")
    keys = ["subject", "session", "condition", "channel", "stages", "window", "measure", "variant", "value"]
    pd.DataFrame(rows, columns=keys).assign(unit="uV2", n=1, note="").to_parquet(path / "measures.parquet")
    return path


def topographies(path, channels, **options):
    path.mkdir(exist_ok=True)
    table = find_clusters(write_study(path, channels=channels, **options), settings=Settings(comparison=OPTIONS))
    return table[table["domain"] == "topography"]


def test_a_frontal_change_is_found_at_the_front(tmp_path):
    channels = [f"{name}-M1" for name in ELECTRODES]
    table = topographies(tmp_path, channels, subjects=8)
    first = table.iloc[0]
    found = {name.removesuffix("-M1") for name in first["channel"].split(", ")}
    assert found >= FRONT
    assert not found & {"Pz", "O1", "O2", "P3", "P4"}
    assert first["p"] < 0.05
    assert first["smallest_p"] == pytest.approx(2 / 2**8, abs=1e-6)  # rounded in the table
    assert (first["n"], first["method"], first["window"]) == (8, "sign flips", "cycle-1")
    assert np.isnan(first["from"])


def test_the_smallest_p_of_few_subjects_is_told(tmp_path):
    table = topographies(tmp_path, [f"{name}-M1" for name in ELECTRODES], subjects=5)
    assert table["note"].str.contains("no p below 0.0625 can come out with 5 subjects").all()


def test_channels_that_a_subject_lacks_are_left_out(tmp_path):
    channels = [f"{name}-M1" for name in ELECTRODES]
    table = topographies(tmp_path, channels, subjects=8, gaps={("03", "Fz-M1"), ("04", "O1-M1")})
    assert "Fz-M1" not in table.iloc[0]["channel"].split(", ")
    few = topographies(tmp_path / "few", channels, subjects=8, gaps={("03", name) for name in channels[:4]})
    assert few.empty  # 15 are left


def test_no_map_of_few_electrodes_or_none_with_a_place(tmp_path):
    assert topographies(tmp_path, ["F3-M2", "C3-M2", "O1-M2"], subjects=8).empty
    net = [f"E{number}" for number in range(1, 33)]
    assert topographies(tmp_path / "net", net, subjects=8).empty
    rows = pd.read_parquet(tmp_path / "net" / "measures.parquet")
    assert electrode_values(rows, pd.DataFrame(), Marker("swa", "N2", "night", "frontal")).empty
