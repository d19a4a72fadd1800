"""Tables behind the pages: waves by size and slope, gain check, covariates, profiles."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd

from swa.glossary import read_glossary
from swa.report import figures
from swa.report.change_tables import change_table, explain_markers, join_equal
from swa.report.facts import nights_of_subject
from swa.report.figures.study_plots import placed_channels
from swa.report.leading_rows import Headline, headline_rows
from swa.report.optional_tables import (
    PlainTable,
    control_name,
    cycle_table,
    gain_overview,
    gain_table,
    moderator_table,
    plan_table,
    profile_table,
)
from swa.report.sleep_pages import sleep_rows
from swa.report.words.names import where_measured
from swa.report.words.numbers import change
from swa.report.words.sentences import stand_in, was
from swa.settings import Settings
from swa.study.store import NightFolder
from swa.tables.contrast import Contrast
from swa.tables.files import write_json
from swa.tables.marker import DEFAULT_MARKER, Marker
from swa.tables.notes import (
    G_AV,
    MEDIAN_DIFFERENCE,
    NO_RELIABILITY,
    PAIRED_T_IS,
    STATED_RELIABILITY,
    STATED_SCATTER,
    WITHOUT_NIGHT,
)
from swa.tables.reason import encode

KETAMINE = Contrast(treatment="ketamine", comparator="baseline")
GAIN = pd.DataFrame(
    [
        ("A", "ketamine:baseline", "F3-M2", "rem", 0.01, 0.02, 0.24, "false", "4-10 Hz; 3 of 3 controls"),
        ("A", "ketamine:baseline", "C4-M1", "rem", 0.40, 0.35, 0.24, "true", "4-10 Hz; 3 of 3 controls"),
        ("A", "ketamine:baseline", "all", "prefilter", np.nan, np.nan, np.nan, "false", np.nan),
    ],
    columns=["subject", "contrast", "channel", "control", "ln_ratio", "g", "limit", "flagged", "note"],
)


def test_a_table_of_many_words_is_folded_as_one_of_many_rows_is():
    def table(rows, words):
        cells = (("word " * words, "2"),) * rows
        return PlainTable(label="", about="", columns=("", ""), rows=cells)

    assert [table(rows, words).is_long for rows, words in ((12, 1), (13, 1), (3, 40), (3, 60))] == [0, 1, 0, 1]


def test_the_gain_check_puts_what_is_flagged_first():
    table = gain_table(GAIN, KETAMINE)
    assert table.rows[0] == (
        *("C4-M1", "REM", "+49.2\u00a0%", "+41.9\u00a0%", "−21.3\u00a0% to +27.1\u00a0%", "flagged"),
        "4-10 Hz; 3 of 3 controls",
    )
    assert table.rows[2] == ("all", "prefilter", "–", "–", "–", "not flagged", "–")
    assert "Flagged, standing first: REM at C4-M1." in table.about
    assert not table.is_long
    assert "Nothing is flagged" in gain_table(GAIN[GAIN["channel"] != "C4-M1"], KETAMINE).about
    assert gain_table(GAIN, Contrast(treatment="other", comparator="baseline")) is None
    known = {str(KETAMINE): KETAMINE}
    assert gain_overview(GAIN, known).rows == (("ketamine against baseline", "1 subject", "A (REM)", "none"),)
    assert gain_overview(pd.DataFrame(), known) is None


def test_what_the_stager_moves_is_counted_in_the_overview():
    moved = [GAIN.iloc[1].to_dict() | {"control": name} for name in ("staging_n3", "staging_sol", "rem")]
    known = {"ketamine:baseline": KETAMINE}
    both = gain_overview(pd.DataFrame(moved), known)
    assert both.columns[2:] == ("Recordings", "Stager alone")
    assert both.rows[0][2:] == ("A (REM)", "A (2 measures)")
    one = gain_overview(pd.DataFrame(moved[:1]), known)
    assert one.rows[0][2:] == ("none", "A (minutes of N3 (slow-wave sleep) with the stager alone)")


def test_controls_have_the_names_of_the_field():
    names = ["quiet_wake", "staging_density", "staging_swa", "staging_n3", "prefilter", "sleep_onset"]
    assert [control_name(name) for name in names] == [
        "quiet wake",
        "slow-wave density with the stager alone",
        "slow-wave activity with the stager alone",
        "minutes of N3 (slow-wave sleep) with the stager alone",
        "prefilter",
        "sleep onset",
    ]


def test_explanations_of_markers_name_others_in_words():
    (entry,) = explain_markers(["wave_density", "no such marker"], Settings())
    assert "See density of large waves, limit fixed on baseline and wave amplitude, 90th percentile." in entry.note
    assert not any(
        "`" in str(text) for entry in explain_markers(read_glossary(), Settings()) for text in vars(entry).values()
    )


def test_explanations_of_markers_name_the_settings_in_force():
    swa, waves = explain_markers(
        ["swa", "wave_density"],
        Settings(power={"swa_hz": (0.75, 4.5)}, waves={"peak_to_peak_uv": (60.0, 400.0), "negative_uv": (30.0, 200.0)}),
    )
    assert swa.definition == "Power of the EEG from 0.75 to 4.5 Hz, the mean over the epochs of the window."
    assert "over 0.75–4.5 Hz" in swa.formula
    assert "half-waves of 60–400 µV peak to peak and −30 µV" in waves.definition


def change_rows(*rows):
    facts = {"measure": "swa", "scale": "ratio", "p": np.nan, "p_adjusted": np.nan, "role": "exploratory", "method": ""}
    facts |= {"verdict": "sound", "verdict_reasons": "", "ci_low": np.nan, "ci_high": np.nan, "n": 2}
    return pd.DataFrame([facts | row for row in rows])


def test_a_table_of_changes_says_what_the_reasons_say():
    rows = change_rows(
        {
            "window": "cycle-1",
            "estimate": 1.5,
            "ci_low": 1.1,
            "ci_high": 2.0,
            "method": "stated reliability (SD_w 0.2)",
            "reasons": encode([STATED_RELIABILITY(sd=0.2)]),
        },
        {"window": "night", "estimate": 1.2, "reasons": encode([NO_RELIABILITY(df=3)])},
        {"window": "matched", "estimate": 0.9, "ci_low": 0.7, "ci_high": 1.2, "reasons": ""},
        {
            "window": "hour-1",
            "estimate": 0.9,
            "ci_low": 0.8,
            "ci_high": 0.95,
            "reasons": encode([STATED_SCATTER(sd=0.02)]),
        },
    )
    table = change_table(rows, Contrast(treatment="a:b", comparator="c"), Settings())
    ((measure, name, found),) = table.markers
    assert (measure, name, table.id) == ("swa", "Slow-wave activity (0.5\u20134 Hz), µV²", "ab_c")
    assert [row.reading for row in found] == ["reliable change; sound", "sound", "within variation; sound", "sound"]
    assert [row.interval for row in found][1] == "no interval"
    assert [row.marks for row in found] == ["a", "b", "", ""]
    assert [text for _, text in table.footnotes] == [
        "interval: stated reliability (SD between nights, ln: 0.2)",
        "no interval: needs repeated baseline nights (df ≥ 3), there is no stated reliability for this measure",
    ]


def test_a_central_channel_that_leads_is_not_denied_beside_its_name():
    """Nights at C3 and at C3-A2 have no central channel in common, and C3 leads."""
    told = stand_in(Headline(marker=DEFAULT_MARKER.at(channel="C3"), declared=False))
    assert told == "No subject has the same frontal or central channel in all nights: C3 leads."


def test_statistics_stand_in_their_column_and_those_left_out_in_one_note():
    reasons = [
        PAIRED_T_IS(df=3, t=-2.1),
        G_AV(g=0.5),
        WITHOUT_NIGHT(n=2, condition="a"),
        WITHOUT_NIGHT(n=1, condition="b"),
    ]
    rows = change_rows({"window": "night", "estimate": 1.5, "ci_low": 1.1, "ci_high": 2.0, "reasons": encode(reasons)})
    table = change_table(rows, Contrast(treatment="a", comparator="b"), Settings())
    ((_, _, (row,)),) = table.markers
    assert row.statistics == "paired t(3) = −2.10, g_av 0.50"
    assert table.footnotes == [("a", "left out: 2 without a a night, 1 without a b night")]


def test_sleep_that_leads_has_the_eeg_beside_it_and_its_own_words():
    """The page of Held's design had an empty figure of markers, and a share of N3 rose by 9.84 %."""
    rows = pd.DataFrame(
        [("all", "any", "n3_minutes"), ("frontal", "NREM", "swa"), ("C4-M1", "NREM", "swa"), ("all", "any", "tst")],
        columns=["channel", "stages", "measure"],
    ).assign(window="night", variant="")
    headline = Headline(marker=Marker("n3_minutes", "any", "night", "all"), declared=True)
    shown = headline_rows(rows, headline)
    assert shown[["channel", "measure"]].values.tolist() == [["all", "n3_minutes"], ["frontal", "swa"]]
    swa = replace(headline, marker=DEFAULT_MARKER)
    assert [was(headline), was(swa)] == ["were", "was"]
    assert [where_measured(one.marker) for one in (headline, swa)] == ["", "N2+N3, frontal"]
    assert [change(9.84, "difference", unit) for unit in ("%", "min")] == ["+9.84 points", "+9.84 min"]


def test_a_hyphen_of_a_statistic_is_no_minus():
    median = MEDIAN_DIFFERENCE(median=-8.0, low=-16.2, high=0.0, percent=95.8)
    rows = change_rows({"window": "night", "estimate": 1.5, "reasons": encode([median])})
    ((_, _, (row,)),) = change_table(rows, KETAMINE, Settings()).markers
    assert row.statistics == "median difference −8 (−16.2 to 0; 95.8 % signed-rank interval), Hodges-Lehmann"


def test_covariates_and_profiles_are_written_with_intervals_and_n():
    row = (
        "ketamine:baseline",
        "serum_mg",
        "frontal",
        "NREM",
        "cycle-1",
        "swa",
        0.5,
        0.1,
        0.8,
        0.02,
        0.04,
        12,
        "rank",
        "",
    )
    columns = "contrast covariate channel stages window measure estimate ci_low ci_high p p_adjusted n method note"
    table = moderator_table(pd.DataFrame([row], columns=columns.split()), Settings(), "of {}".format)
    assert table.rows == (
        *[
            (
                *("serum mg", "of ketamine:baseline", "Slow-wave activity, NREM cycle 1"),
                *("+0.500 (+0.100 to +0.800)", "0.0200", "12", "rank", "–"),
            )
        ],
    )
    of_minutes = pd.DataFrame([row], columns=columns.split()).assign(measure="n3_minutes", window="night")
    assert moderator_table(of_minutes, Settings(), str).rows[0][3] == "+0.500 min (+0.100 min to +0.800 min)"
    columns = ["treatment_a", "treatment_b", "measure set", "similarity", "ci_low", "ci_high", "p", "equivalence_p"]
    profile = pd.DataFrame(
        [("ketamine", "magnesium", "headline", 0.8, np.nan, np.nan, 0.0004, np.nan)], columns=columns
    )
    table = profile_table(profile.assign(n=5, note="few"))
    assert table.rows == (("ketamine and magnesium", "headline", "+0.800", "< 0.001", "–", "5", "few"),)
    assert moderator_table(pd.DataFrame(), Settings(), str) is None


def test_a_covariate_without_a_test_is_one_row_and_a_cosine_alone_is_not_shown():
    columns = [
        "contrast",
        "covariate",
        "measure",
        "window",
        "estimate",
        "ci_low",
        "ci_high",
        "p",
        "n",
        "method",
        "note",
    ]
    few = [
        (name, "serum_mg", measure, "cycle-1", *[np.nan] * 4, 3, "slope", "too few")
        for measure in ("swa", "n3_minutes")
        for name in ("k:b", "m:b")
    ]
    tested = [(name, "age", "swa", "cycle-1", 0.1, 0.0, 0.2, 0.04, 9, "slope", "") for name in ("k:b", "m:b")]
    table = moderator_table(pd.DataFrame([*few, *tested], columns=columns), Settings(), str.upper)
    assert [row[:2] for row in table.rows] == [("serum mg", "K:B and M:B"), ("age", "K:B"), ("age", "M:B")]
    columns = ["treatment_a", "treatment_b", "measure set", "similarity", "ci_low", "ci_high", "p", "equivalence_p"]
    alone = pd.DataFrame([("k", "m", "all", 1.0, *[np.nan] * 4, 2, "")], columns=[*columns, "n", "note"])
    assert profile_table(alone).rows[0][2] == "–"
    assert profile_table(pd.DataFrame()) is None


def test_the_change_of_the_first_cycle_against_later_ones_has_interval_n_and_reason():
    rows = pd.DataFrame(
        {
            "contrast": "ketamine:baseline",
            "channel": ["frontal", "frontal", "C4-M1"],
            "stages": "NREM",
            "cycles": ["1 against 2", "1 against 2 and 3", "1 against 2"],
            "measure": "swa",
            "scale": "ratio",
            "estimate": [1.2, np.nan, 9.0],
            "ci_low": [1.05, np.nan, 8.0],
            "ci_high": [1.37, np.nan, 10.0],
            "p": [0.012, np.nan, 0.5],
            "p_adjusted": [0.024, np.nan, 0.5],
            "n": [8, 0, 8],
            "method": "paired t",
            "note": ["", "no subject has a change", ""],
        }
    )
    table = cycle_table(rows, "frontal", Settings(), str)
    first, second = (dict(zip(table.columns, row, strict=True)) for row in table.rows)
    plain = {name: text.replace("\u00a0", " ") for name, text in first.items()}
    assert (plain["Cycle 1 over later"], plain["95 % interval"], plain["n"]) == ("+20.0 %", "+5.0 % to +37.0 %", "8")
    assert (plain["p"], plain["p adjusted"]) == ("0.0120", "0.0240")
    assert (second["Cycle 1 over later"], second["n"]) == ("\u2013", "0")
    assert second["Note"] == "no subject has a change"
    assert cycle_table(rows.iloc[:0], "frontal", Settings(), str) is None
    assert cycle_table(pd.DataFrame(), "frontal", Settings(), str) is None


def test_many_channels_with_equal_cells_share_a_row():
    rows = [(f"E{i}", ["0 %"]) for i in range(20)]
    rows[7] = ("E7", ["3.1 % (muscle 3.1)"])
    joined = join_equal(rows)
    assert [cells for _, cells in joined] == [["0 %"], ["3.1 % (muscle 3.1)"]]
    assert joined[1][0] == "E7"
    assert joined[0][0].count(",") == 18
    assert join_equal(rows[:10]) == rows[:10]


def test_electrodes_have_places_and_one_electrode_one_place():
    assert placed_channels(["F3-M2", "F3-Cz", "FP1-M2", "E17", "frontal", "C4-M1"]) == ["F3-M2", "FP1-M2", "C4-M1"]


def test_scalp_picture_has_a_head_for_each_contrast_on_one_scale():
    names = [f"{name}-M2" for name in ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2")]
    table = pd.concat(
        [
            pd.DataFrame({"contrast": c, "channel": names, "estimate": np.linspace(1, top, 10)})
            for c, top in (("a:b", 1.5), ("c:b", 1.2))
        ]
    )
    figure = figures.scalp_changes(table)
    scales = {image.get_clim() for axes in figure.axes[:2] for image in axes.images}
    assert scales == {(-np.log(1.5), np.log(1.5))}


def test_covariates_have_a_panel_each_with_a_point_for_each_subject():
    points = pd.DataFrame(
        {
            "covariate": ["age"] * 3 + ["serum_mg"] * 3,
            "contrast": "k:b",
            "x": range(6),
            "change": 1.25,
            "scale": "ratio",
        }
    )
    figure = figures.covariate_changes(points)
    drawn = [axes.collections[0].get_offsets() for axes in figure.axes]
    assert [len(offsets) for offsets in drawn] == [3, 3]
    assert np.allclose(drawn[0][:, 1], 25)
    minutes = figures.covariate_changes(points.assign(scale="difference"), unit="min")
    assert minutes.axes[0].get_ylabel() == "change, min"


def test_planning_on_the_page_is_the_table():
    table = pd.DataFrame(
        {"effect": [1.1, 1.2], "power": 0.8, "level": 0.05, "subjects": [28, 10], "subjects_low": [12, 5]}
        | {"subjects_high": [70, 21], "change_sd": 0.172, "change_sd_low": 0.11, "change_sd_high": 0.28}
        | {
            "n": 10,
            "detectable": [1.187, 1.187],
            "method": "changes of this study",
            "design": "paired",
        }
    )
    shown = plan_table(table, "slow-wave activity")
    assert shown.rows == (("+10.0\u00a0%", "28", "12 to 70"), ("+20.0\u00a0%", "10", "5 to 21"))
    assert "10 subjects find a change of +18.7\u00a0%." in shown.about
    assert (
        "for slow-wave activity; from changes of this study; SD of the ln change 0.172 (0.110 to 0.280)" in shown.about
    )
    assert "find a change" not in plan_table(table.assign(n=1, detectable=np.nan), "slow-wave activity").about
    assert plan_table(table.iloc[:0], "slow-wave activity") is None


def test_nights_of_a_page_stand_in_the_order_of_their_dates_and_say_why_they_are_not_compared(tmp_path):
    rows = [
        ("third", "ketamine", "post", "", "2001-01-20T23:00:00"),
        ("first", "baseline", "", "yes", "2001-01-06T23:00:00"),
        ("second", "baseline", "", "", "2001-01-13T23:00:00"),
        ("fourth", "ketamine", "pre", "", "2001-01-27T23:00:00"),
    ]
    nights = pd.DataFrame(rows, columns=["session", "condition", "phase", "adaptation", "start"])
    nights = nights.assign(subject="A", subject_label="A", session_label=nights["session"], status="done")
    for night in nights.to_dict("records"):
        folder = NightFolder(tmp_path, "A", night["session"])
        parts = {"files": {}, "provenance": {}} | {"summary": {"recording_start": night["start"]}}
        write_json({"fingerprint": "x", **parts}, folder.file("desc-night.json"))
    assert [night.name for night in nights_of_subject(tmp_path, nights, "A")] == [
        "baseline, session first (adaptation night, not compared)",
        "baseline, session second",
        "ketamine, session third",
        "ketamine, session fourth (before the infusion)",
    ]


def test_a_count_of_sleep_has_no_decimals():
    nights = [SimpleNamespace(session=name) for name in ("a", "b")]
    rows = [
        ("awakenings", "a", 1.0),
        ("awakenings", "b", 0.0),
        ("cycle_minutes", "a", 74.0),
        ("stage_shifts", "a", 6.0),
    ]
    measures = pd.DataFrame(rows, columns=["measure", "session", "value"])
    measures = measures.assign(channel="all", window="night", variant="")
    told = dict(sleep_rows(nights, measures))
    assert told["Awakenings"] == ["1", "0"]
    assert told["Length of NREM\u2013REM cycles, min"] == ["74.0", "not measured"]
    assert told["Stage shifts an hour, 1/h"][0] == "6.00"
