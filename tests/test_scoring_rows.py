"""Rows of a table belong to the epoch that they name, whatever is missing, in whatever order they stand."""

import json
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from swa.errors import AmbiguousScoringError, ScoringError
from swa.settings import ScoringSettings
from swa.sleep.scoring import read_scoring


@pytest.fixture
def read(tmp_path):
    def write_and_read(text, name="night.csv", **options):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_scoring(path, ScoringSettings(**options))

    return write_and_read


def spell(scoring):
    return " ".join(scoring.stages)


# --- one by one


@pytest.mark.parametrize(
    "text",
    [
        "epoch,stage\n0,W\n1,W\n3,N2\n",
        "epoch,stage\n3,N2\n0,W\n1,W\n",
        "Epoch,Stage\n1,W\n2,W\n3,?\n4,N2\n",
        "0,W\n1,W\n3,N2\n",
        "0 W\n1 W\n3 N2\n",
        ",Stage\n0,W\n1,W\n3,N2\n",
        "onset,duration,stage\n90,30,N2\n0,30,W\n30,30,W\n",
        "onset,stage\n0,W\n30,W\n90,N2\n",
        "onset,duration,stage\n0,0,W\n30,0,W\n90,0,N2\n",
        "onset,duration,trial_type\n0,n/a,W\n30,n/a,W\n90,n/a,N2\n75,1,arousal\n",
        "Onset [min];Duration [min];Stage\n0;0,5;W\n0,5;0,5;W\n1,5;0,5;N2\n",
        "onset_min,duration_sec,stage\n0,30,W\n0.5,30,W\n1.5,30,N2\n",
        "begin,end,stage\n0,30,W\n30,60,W\n90,120,N2\n",
        "0,60,W\n60,30,?\n90,30,N2\n",
        "W,0,60\n?,60,30\nN2,90,30\n",
        "0\t60\tW\n60\t90\t?\n90\t120\tN2\n",
        "Time,Stage\n0,W\n30,W\n90,N2\n120,N2\n",
        "Scored by AB\nVersion 3\nepoch,stage\n0,W\n1,W\n3,N2\n",
        '"onset","duration","stage"\n"0","60","W"\n"90","30","N2"\n',
    ],
)
def test_a_row_lies_where_it_says(read, text):
    assert spell(read(text)).removesuffix(" N2") in ("W W UNS", "W W UNS N2")
    assert read(text).epoch_s == 30


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("epoch,stage\n0,W\n1,N1\n1,N2\n", "line 4 .* line 3"),
        ("epoch,stage\n0,W\n1,N1\n0,W\n1,N2\n", "line 4 .* line 2"),
        ("onset,duration,stage\n0,30,W\n30,30,N1\n30,30,N2\n", "line 4 .* line 3"),
        ("Time,Stage\n22:00:00,W\n22:00:30,W\n22:00:30,N2\n22:01:00,N2\n", "line 4 .* line 3"),
        ("scored\n\nepoch,stage\n0,W\n\n0,N2\n", "line 6 .* line 4"),
    ],
)
def test_two_rows_for_one_epoch_are_refused_with_their_lines(read, text, rows):
    with pytest.raises(ScoringError, match=rows):
        read(text)


@pytest.mark.parametrize("first", [2, 45])
def test_rows_that_are_missing_at_the_begin_are_asked_about(read, first):
    rows = "".join(f"{first + i},N2\n" for i in range(9))
    with pytest.raises(AmbiguousScoringError, match=rf"begin with {first}, so whether they are counted"):
        read("epoch,stage\n" + rows)
    assert spell(read(f"epoch,stage\n1,?\n{rows}") if first == 2 else read(f"epoch,stage\n0,?\n{rows}")).endswith(
        "N2 N2"
    )


def test_clock_times_in_no_order_lie_in_one_night(read):
    clocks = [(23 * 60 + 50 + i / 2) % 1440 for i in range(60)]
    rows = [f"{int(m) // 60:02d}:{int(m) % 60:02d}:{30 * (m % 1 > 0):02d},{'W' if i < 30 else 'N2'}"
            for i, m in enumerate(clocks)]  # fmt: skip
    np.random.default_rng(1).shuffle(rows)
    scoring = read("Time,Stage\n" + "\n".join(rows))
    assert spell(scoring) == "W " * 30 + " ".join(["N2"] * 30)
    assert f"{scoring.start:%H:%M}" == "23:50"


def test_a_unit_that_is_none_of_time_is_refused(read):
    with pytest.raises(ScoringError, match=r"'onset \[samples\]' is in a unit that is none of time"):
        read("onset [samples],duration,stage\n0,30,W\n7680,30,N2\n")


@pytest.mark.parametrize("layout", ["epoch,{}\n0,W,W\n1,N1,N2\n", "onset,duration,{}\n0,30,W,W\n30,30,N1,N2\n"])
def test_columns_of_several_scorers_are_asked_about_and_named_in_the_settings(read, layout):
    text = layout.format("Scorer 1,Scorer 2")
    with pytest.raises(AmbiguousScoringError, match="Scorer 1, Scorer 2") as error:
        read(text)
    assert '[scoring] column = "Scorer 1"' in error.value.remedy
    assert spell(read(text, column="scorer_1")) == "W N1"
    assert spell(read(text, column="Scorer 2")) == "W N2"
    assert spell(read(layout.format("Scorer 1,Remark").replace("N2", "late"), column="Scorer 2")) == "W N1"


def test_columns_that_say_the_same_are_one_and_machines_stand_back_behind_people(read):
    assert spell(read("onset,duration,value,description\n0,30,0,W\n30,30,2,N2\n")) == "W N2"
    assert spell(read("onset,duration,stage_ai,stage_hum\n0,30,0,0\n30,30,3,2\n60,30,4,4\n")) == "W N2 R"
    assert spell(read("epoch,yasa,scoring\n0,W,W\n1,N3,N2\n")) == "W N2"


def test_the_levels_beside_a_bids_table_say_what_its_codes_mean(read, tmp_path):
    rows = "onset\tduration\tstaging\n0\t0\t1\n30\t0\t4\n60\t0\t5\n90\t0\t2\n120\t0\t8\n"
    name = "sub-1_task-sleep_acq-scoring_events.tsv"
    with pytest.raises(AmbiguousScoringError, match="could mean several things"):
        read(rows, name)
    levels = '{"1": "Wake", "2": "REM", "3": "N1", "4": "N2", "5": "N3", "8": "Unscored"}'
    (tmp_path / "task-sleep_events.json").write_text(f'{{"staging": {{"Levels": {levels}}}}}')
    assert spell(read(rows, name)) == "W N2 N3 R UNS"
    with pytest.raises(AmbiguousScoringError):
        read(rows, "sub-1_task-nap_events.tsv")


def test_a_scoring_in_which_nothing_is_scored_names_its_columns(read):
    with pytest.raises(ScoringError, match=r"every epoch of it is unscored \(its columns are epoch, Stage, Remark\)"):
        read("epoch,Stage,Remark\n0,?,a\n1,?,b\n2,?,c\n")


# --- with rows dropped, shuffled, and lines above

LAYOUTS = {
    "epochs from 0": ("epoch,stage", lambda i, s: f"{i},{s}"),
    "epochs from 1": ("Epoch;Stage;Confidence", lambda i, s: f"{i + 1};{s};0,9"),
    "onsets and durations": ("onset,duration,stage", lambda i, s: f"{30 * i},30,{s}"),
    "durations of 0": ("onset\tduration\tstaging", lambda i, s: f"{30 * i}\t0\t{s}"),
    "minutes": ("Onset [min];Dauer;Stage;Duration (min)", lambda i, s: f"{i / 2:g};1;{s};0.5"),
    "begin and end": ("Begin,End,Sleep Stage", lambda i, s: f"{30 * i},{30 * i + 30},{s}"),
    "clock times": (
        "Time,Stage", lambda i, s: f"{(22 + i // 120) % 24:02d}:{i // 2 % 60:02d}:{30 * (i % 2):02d},{s}"
    ),
    "seconds": ("time\tstage", lambda i, s: f"{30 * i}\t{s}"),
    "without a header": ("", lambda i, s: f"{i},{s}"),
}  # fmt: skip


@st.composite
def nights(draw):
    """A night of stretches, which epochs of it are left, and in which order."""
    stretches = draw(
        st.lists(st.tuples(st.sampled_from(["N1", "N2", "N3", "R", "W"]), st.integers(2, 30)), min_size=4, max_size=20)
    )
    stages = ["W"] * 4 + [stage for stage, length in stretches for _ in range(length)] + ["W"] * 4
    dropped = draw(st.sets(st.integers(0, len(stages) - 1), max_size=math.ceil(len(stages) / 20)))
    kept = [i for i in range(len(stages)) if i not in dropped]
    return stages, draw(st.permutations(kept)) if draw(st.booleans()) else kept


@pytest.mark.parametrize("name", LAYOUTS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(night=nights(), above=st.sampled_from(["", "Scorer: AB\n", "# exported\n\n"]))
def test_no_epoch_moves_when_rows_are_dropped_or_shuffled_or_a_line_is_added(tmp_path, name, night, above):
    header, row = LAYOUTS[name]
    stages, kept = night
    path = tmp_path / "night.csv"
    path.write_text((above + header + "\n" if header else "") + "".join(row(i, stages[i]) + "\n" for i in kept))
    expected = np.array([stages[i] if i in set(kept) else "UNS" for i in range(max(kept) + 1)])
    counted = name in ("epochs from 0", "epochs from 1", "without a header")
    try:
        scoring = read_scoring(path)
    except AmbiguousScoringError:
        # Counted from 1 with rows missing, or from 0 without the first: nobody can tell one from the other.
        assert counted
        assert len(kept) < len(stages)
        return
    if min(kept) > 0 and len(kept) == len(stages) - min(kept) and counted and name != "epochs from 1":
        return  # epochs 1 to n without a gap are counted from 1
    first_s = 0.0 if scoring.start is None else (scoring.start.hour * 3600 + scoring.start.minute * 60
                                                 + scoring.start.second - 22 * 3600) % 86400  # fmt: skip
    first = round(first_s / 30)
    assert scoring.epoch_s == 30
    assert list(scoring.stages) == list(expected[first:])


AASM = {"0": "W", "1": "N1", "2": "N2", "3": "N3", "4": "R", "8": "UNS", "-2": "UNS"}
DELTAMED = {"1": "W", "2": "R", "3": "N1", "4": "N2", "5": "N3", "6": "UNS", "8": "UNS"}
REAL = {  # files, column and codes of the stages, settings
    "boas_ds005555": (22, "stage_hum", AASM, {}),
    "eesm17_ds004348": (4, "staging", DELTAMED, {}),
    "surrey_ds005207": (3, "staging", DELTAMED, {"codes": DELTAMED}),
}


@pytest.mark.parametrize("name", REAL)
def test_no_epoch_of_a_real_scoring_moves(shared_data, tmp_path, name):
    """Stages as counted by hand; then a twentieth of the rows dropped, the others shuffled, a line above."""
    number, column, codes, options = REAL[name]
    paths = sorted((shared_data / "scorings" / name).glob("*_events.tsv"))
    rng = np.random.default_rng(0)
    for path in paths:
        settings = ScoringSettings(**options)
        header, *rows = (row for row in path.read_text().splitlines() if row.strip())
        place = header.split("\t").index(column)
        by_hand = np.array([codes[row.split("\t")[place].strip()] for row in rows])
        assert list(read_scoring(path, settings).stages) == list(by_hand)
        kept = rng.permutation(np.flatnonzero(rng.random(len(rows)) > 0.05))
        (tmp_path / path.name).write_text("\n".join(["Scored by AB", header, *(rows[i] for i in kept)]))
        if path.with_suffix(".json").is_file():
            (tmp_path / path.name).with_suffix(".json").write_bytes(path.with_suffix(".json").read_bytes())
        read = read_scoring(tmp_path / path.name, settings)
        expected = np.full(len(rows), "UNS", dtype="U3")
        expected[kept] = by_hand[kept]
        first = min(kept) if name.startswith("boas") else 0
        assert list(read.stages)[first:] == list(expected[first : max(kept) + 1])
    assert len(paths) == number


def test_every_list_of_the_dreem_data_sets_has_the_stages_that_it_lists(shared_data):
    paths = sorted((shared_data / "scorings" / "dod_h").glob("*.json"))
    for path in paths:
        by_hand = [{"-1": "UNS"}.get(str(code)) or AASM[str(code)] for code in json.loads(path.read_text())]
        assert list(read_scoring(path).stages) == by_hand
    assert len(paths) == 40


@pytest.mark.slow
def test_swa_of_n3_rests_on_the_same_epochs_whatever_the_order_of_rows(shared_data, tmp_path, make_recording):
    """Real EEG laid along a real scoring, piece by piece of the same stage."""
    from swa.night.analysis import analyze_night
    from swa.recordings.recording import read_recording
    from swa.sleep.hypnogram import make_hypnogram
    from swa.tables.marker import select

    cycle = read_recording(shared_data / "recordings" / "cycle_1ch_100hz.edf")
    stages, epoch_s, _ = read_scoring(shared_data / "recordings" / "cycle_1ch_100hz_stages.csv").stages_in(cycle)
    eeg = next(cycle.groups("eeg")).data_uv[0]
    parts = int(30 // epoch_s)
    pieces: dict[str, list[np.ndarray]] = {}
    for i in range(0, len(stages) - parts, parts):
        if len(set(stages[i : i + parts])) == 1:
            at = round(i * epoch_s * 100)
            pieces.setdefault(str(stages[i]), []).append(eeg[at : at + 3000])
    path = sorted((shared_data / "scorings" / "boas_ds005555").glob("*_events.tsv"))[1]
    whole = read_scoring(path).stages[:400]
    rng = np.random.default_rng(1)
    other = pieces["N1"]
    laid = [(pool := pieces.get(stage, other))[rng.integers(len(pool))] for stage in whole]
    recording = make_recording({"C3-A2": np.concatenate(laid)})
    header, *rows = path.read_text().splitlines()[:401]
    kept = rng.permutation(np.flatnonzero(rng.random(len(rows)) > 0.05))
    (tmp_path / path.name).write_text("\n".join([header, *(rows[i] for i in kept)]))

    def swa_of_n3(hypnogram):
        rows = select(analyze_night(recording, hypnogram).measures, measure="swa", stages="N3", window="night")
        return float(rows.iloc[0]["value"])

    left = np.where(np.isin(np.arange(len(whole)), kept), whole, "UNS")
    dropped = swa_of_n3(read_scoring(tmp_path / path.name).hypnogram)
    assert dropped == swa_of_n3(make_hypnogram(left, 30.0))
    assert dropped == pytest.approx(swa_of_n3(make_hypnogram(whole, 30.0)), rel=0.1)


@pytest.mark.parametrize(
    "text",
    [
        "startsec,stopsec,stage\n0,90,W\n90,150,N1\n150,600,N2\n600,660,R\n",
        "22:00:00,22:01:30,W\n22:01:30,22:02:30,N1\n22:02:30,22:10:00,N2\n",
        "moment,stage\n0,W\n20,W\n40,N1\n60,N2\n",
        "piece,stage\n57,W\n58,W\n59,N1\n60,N2\n",
    ],
)
def test_a_column_that_could_place_the_rows_is_asked_about(read, text):
    with pytest.raises(AmbiguousScoringError, match="could say where each row belongs"):
        read(text)


def test_stretches_from_to_are_placed_by_them(read):
    assert spell(read("from,to,stage\n0,90,W\n90,150,N1\n150,210,N2\n210,240,R\n")) == "W W W N1 N1 N2 N2 R"


def test_a_column_that_counts_rows_under_any_name_is_no_question(read):
    assert spell(read("row,stage,certainty\n1,W,0.9\n2,N1,0.5\n3,N2,0.7\n4,N2,0.8\n")) == "W N1 N2 N2"
