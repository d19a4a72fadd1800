"""One dead night never costs a good one: subjects whose EEG holds nothing, beside one that has everything."""

import datetime

import numpy as np
import pandas as pd
import pytest
from swa_cli.main import main

from swa.study.store import Results, read_results

STAGES = "W*4 N2*20 N3*16 R*8"
CHANNELS = ("F3-M2", "C4-M1")
LIVING = ("P1", "P2")


@pytest.fixture(scope="module")
def make_study(tmp_path_factory, write_edf, sleep_eeg, make_hypnogram):
    """`make_study(dead)`: results of a study of P1, P2 and P3; `dead` are the nights that are flat, or noise."""
    hypnogram = make_hypnogram(STAGES)
    living = sleep_eeg(hypnogram)
    rng = np.random.default_rng(0)

    def make(*dead, noise=False, pages=True):
        folder = tmp_path_factory.mktemp("study")
        lines = [name for part in STAGES.split() for name in [part.split("*")[0]] * int(part.split("*")[1])]
        rows = []
        for subject in (*LIVING, "P3"):
            for number, condition in enumerate(("baseline", "ketamine")):
                name = f"{subject}_{condition}.edf"
                nothing = rng.uniform(-3000, 3000, len(living)) if noise else np.zeros(len(living))
                size = 1 + 0.1 * number * (2 if subject == "P2" else 1)
                signal = nothing if (subject, condition) in dead else size * np.roll(living, 3000 * len(rows))
                start = datetime.datetime(2024, 3, 1 + number, 22, 40 + len(rows))
                write_edf(folder / name, dict.fromkeys(CHANNELS, signal), start=start)
                scoring = f"{subject}_{condition}_stages.csv"
                (folder / scoring).write_text("stage\n" + "\n".join(lines) + "\n", encoding="utf-8")
                rows.append({"subject": subject, "condition": condition, "recording": name, "hypnogram": scoring})
        pd.DataFrame(rows).to_csv(folder / "study.tsv", sep="\t", index=False)
        results = folder / "results"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("swa.report.shelf.figure_files", lambda figure: (b"<svg/>", b""))
            if not pages:
                patch.setattr("swa.pipeline._write_pages", lambda *_: None)
                patch.setattr("swa.tables_of_study._compare_further", lambda *_: None)
            with pytest.raises(SystemExit) as ended:
                main(["run", str(folder), "-o", str(results), "--jobs", "1"])
        assert not ended.value.code, "every night was analysed"
        return read_results(results)

    return make


@pytest.fixture(scope="module")
def alone(make_study):
    """The study without a dead night: its nights, measures and contrasts."""
    return make_study(pages=False)


def assert_whole(found: Results, alone: Results) -> None:
    """The living subjects have the numbers that they have among living ones, and every page is there."""
    for name in ("nights", "measures", "contrasts"):
        rows, expected = getattr(found, name), getattr(alone, name)
        living = rows[rows["subject"].isin(LIVING)].reset_index(drop=True)
        expected = expected[expected["subject"].isin(LIVING)].reset_index(drop=True)
        shared = [column for column in expected if column in living and column != "p_adjusted"]
        pd.testing.assert_frame_equal(living[shared], expected[shared], check_dtype=False)
    assert (found.path / "index.html").is_file()
    for subject in LIVING:
        assert (found.path / f"sub-{subject}" / f"sub-{subject}.html").is_file()
    assert not set(found.problems["step"]) & {"page", "subject", "specifications"}


@pytest.mark.slow
@pytest.mark.long
def test_a_subject_with_only_dead_nights_costs_no_other(make_study, alone):
    found = make_study(("P3", "baseline"), ("P3", "ketamine"))
    assert_whole(found, alone)
    assert (found.path / "sub-P3" / "sub-P3.html").is_file()
    nights = found.nights.set_index(["subject", "session"])
    assert (nights.loc["P3", "verdict"] == "unusable").all()
    told = found.problems.query("subject == 'P3' and step != 'primary'")
    assert told["problem"].str.contains("every EEG channel is bad").all()
    assert len(told) == 2
    assert "P3" not in set(found.measures["subject"])
    with pytest.raises(SystemExit) as ended:
        main(["compare", str(found.path), "--jobs", "1"])
    assert not ended.value.code
    assert_whole(read_results(found.path), alone)


@pytest.mark.slow
def test_a_dead_night_of_a_subject_costs_neither_its_other_night_nor_the_study_page(make_study, alone):
    found = make_study(("P3", "ketamine"), noise=True)
    assert_whole(found, alone)
    own = found.measures[(found.measures["subject"] == "P3") & found.measures["value"].notna()]
    assert set(own["session"]) == {"baseline"}


@pytest.mark.slow
def test_a_study_of_dead_nights_alone_is_told_and_not_broken(make_study):
    dead = [(subject, condition) for subject in (*LIVING, "P3") for condition in ("baseline", "ketamine")]
    found = make_study(*dead)
    assert found.measure_names() == []
    assert found.contrasts.empty
    assert (found.path / "index.html").is_file()
    assert (found.nights["verdict"] == "unusable").all()
