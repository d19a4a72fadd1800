"""Pages: their numbers are those of the tables, text stays text, every case has a sensible page, a browser agrees."""

import base64
import dataclasses
import functools
import hashlib
import html
import json
import math
import os
import re
import shutil
import subprocess
import tarfile
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from swa_cli.show import show_results

from swa.pipeline import compare_study
from swa.report.draft import _draw_forests, _filters
from swa.report.figures.files import BothRenderers
from swa.report.leading_rows import Headline
from swa.report.pages import PageTask, render, write_study_page, write_subject_page
from swa.report.sleep_pages import LEAD, draw_changes, lines_of
from swa.report.study_page import _answers
from swa.report.study_page import _not_compared as not_compared
from swa.report.terminal import leading_lines, leading_tables
from swa.report.words.numbers import MINUS, describe_change, number, p_is, p_value, percent
from swa.report.words.one_subject import passed_by_chance
from swa.report.words.p_values import TESTS
from swa.report.words.sentences import (
    MAGNESIUM,
    caveats,
    exploratory,
    glosses,
    group_answer,
    group_result,
    headline_in_plain_words,
    subject_answer,
    subject_result,
    unstated,
)
from swa.settings import Settings
from swa.study.plan.manifest import file_label
from swa.study.store import read_results
from swa.tables.contrast import Contrast, contrasts_in
from swa.tables.marker import DEFAULT_MARKER, Marker
from swa.tables.notes import (
    ARM_SIZES,
    BASELINE_ALIKE,
    BASELINE_PAIRS,
    FEW_FOR_FLIPS,
    FEW_FOR_LABELS,
    FIT_ERROR_ALONE,
    MIXED_MODEL,
    NO_RELIABILITY,
    NO_WINDOW_RELIABILITY,
    NOT_POSITIVE,
    ONE_ARM,
    ONE_SUBJECT,
    PAIRED_T,
    SIGN_FLIPS_EXACT,
    STATED_RELIABILITY,
    STATED_SCATTER,
    TWO_SUBJECTS,
)
from swa.tables.reason import encode, known_kinds

NASTY = "<script>alert('x')</script>&\"ש"


@dataclasses.dataclass
class Page:
    """What a parser sees: text, links, pictures, ids, headings and tables."""

    text: str = ""
    links: list = dataclasses.field(default_factory=list)
    images: list = dataclasses.field(default_factory=list)
    ids: list = dataclasses.field(default_factory=list)
    headings: list = dataclasses.field(default_factory=list)
    tables: list = dataclasses.field(default_factory=list)
    tags: list = dataclasses.field(default_factory=list)


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.page, self.skipping = Page(), 0

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.page.tags.append((tag, attrs))
        if "id" in attrs:
            self.page.ids.append(attrs["id"])
        if tag == "a":
            self.page.links.append(attrs["href"])
        if tag == "img":
            self.page.images.append(attrs)
        if tag in ("style", "script"):
            self.skipping += 1
        if re.fullmatch("h[1-6]", tag):
            self.page.headings.append(int(tag[1]))
        if tag == "table":
            self.page.tables.append([])
        if tag == "tr":
            self.page.tables[-1].append([])
        if tag in ("td", "th"):
            self.page.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        if tag in ("style", "script"):
            self.skipping -= 1

    def handle_data(self, data):
        if self.skipping:
            return
        data = data.replace("\u00a0", " ")
        self.page.text += data
        if self.page.tables and self.page.tables[-1] and self.page.tables[-1][-1]:
            self.page.tables[-1][-1][-1] += data


def parse(path):
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader.page


def night(subject, condition, **columns):
    return {"subject": subject, "condition": condition} | columns


@pytest.fixture(scope="session")
def study(build, tmp_path_factory):
    """Three subjects with a later, larger night; the third was not measured."""
    rows = [
        night("S1", "baseline", order=1),
        night("S1", "ketamine", order=2, size=1.2),
        night("S2", "baseline", order=1, size=1.1),
        night("S2", "ketamine", order=2, size=1.25),
        night("S10", "baseline", order=1),
        night("S10", "ketamine", order=2, status="failed"),
    ]
    return build(tmp_path_factory.mktemp("study") / "results", rows, drawn=True)


@pytest.fixture(scope="session")
def two_drugs(build, tmp_path_factory):
    """Three subjects with a night of each of two drugs."""
    sizes = {"baseline": 1.0, "ketamine": 1.2, "magnesium": 1.1}
    rows = [
        night(subject, condition, size=size, order=place, simulated="yes")
        for subject in ("S1", "S2", "S3")
        for place, (condition, size) in enumerate(sizes.items(), 1)
    ]
    return build(tmp_path_factory.mktemp("two") / "results", rows, drawn=True)


@pytest.fixture(scope="session")
def two_arms(build, tmp_path_factory):
    """Two arms of three subjects: a card of their comparison and one of the change within each."""
    rows = [
        night(f"S{place}", condition, arm=arm, size=size * (1 + place / 50), order=order, simulated="yes")
        for place in range(6)
        for arm in [("placebo", "ketamine")[place % 2]]
        for order, (condition, size) in enumerate({"baseline": 1.0, arm: 1 + 0.4 * (place % 2)}.items(), 1)
    ]
    return build(tmp_path_factory.mktemp("arms") / "results", rows, drawn=True)


SIX = ("baseline", "placebo", "ketamine", "magnesium", "zolpidem", "caffeine")


@pytest.fixture(scope="session")
def with_conditions(build, tmp_path_factory):
    """Three subjects with a night of each of so many conditions: two and more contrasts."""

    @functools.cache
    def make(count):
        rows = [
            night(subject, condition, size=1 + place / 20 + i / 50, order=place, simulated="yes")
            for i, subject in enumerate(("S1", "S2", "S3"))
            for place, condition in enumerate(SIX[:count], 1)
        ]
        return build(tmp_path_factory.mktemp("conditions") / "results", rows, drawn=True)

    return make


def subject_page(results, subject):
    return results.path / f"sub-{subject}" / f"sub-{subject}.html"


def all_pages(results):
    return [results.path / "index.html", *sorted(results.path.glob("sub-*/*.html"))]


def change_of(text):
    """A change in percent, read as the ratio."""
    return 1 + float(text.replace(MINUS, "-").replace("%", "").replace("+", "")) / 100


def check_changes(table, contrasts, settings_windows):
    """Every row of a table of changes against the contrasts, in the order of the page."""
    rows = [row for row in table if len(row) > 1 and row[0] in settings_windows]
    assert rows
    for row, (_, expected) in zip(rows, contrasts.iterrows(), strict=True):
        assert settings_windows[row[0]] == expected["window"]
        if math.isnan(expected["estimate"]):
            assert row[1] == "not measured"
            continue
        assert change_of(row[1]) == pytest.approx(expected["estimate"], abs=5.1e-4)
        if math.isnan(expected["ci_low"]):
            assert row[2] == "no interval"
        else:
            for text, value in zip(row[2].split(" to "), expected[["ci_low", "ci_high"]], strict=True):
                assert change_of(text) == pytest.approx(value, abs=5.1e-4)
        assert int(row[3]) == expected["n"]


WINDOWS = {"NREM cycle 1": "cycle-1", "First 60 min of clean NREM": "matched", "Whole night": "night"}
MARKERS = [
    *("swa", "slow_oscillation_power", "delta_power", "wave_density", "wave_density_baseline_fixed"),
    *("wave_amplitude_p90", "wave_slope_up", "wave_slope_down", "wave_slope_up_matched", "wave_slope_down_matched"),
    "sigma_power",
]


def shown_contrasts(results, subject):
    table = results.contrasts
    kept = table[
        (table["subject"] == subject)
        & (table["channel"] == "frontal")
        & (table["stages"] == "NREM")
        & table["window"].isin(list(WINDOWS.values()))
        & table["measure"].isin(MARKERS)
        & (table["variant"].fillna("") == "")
    ]
    order = kept["measure"].map(MARKERS.index) * 10 + kept["window"].map(list(WINDOWS.values()).index)
    return kept.loc[order.sort_values().index]


@pytest.mark.parametrize("subject", ["S1", "S2"])
def test_numbers_of_a_subject_page_are_those_of_the_tables(study, subject):
    page = parse(subject_page(study, subject))
    table = next(table for table in page.tables if table[0][0] == "Window")
    expected = shown_contrasts(study, subject)
    check_changes(table, expected, WINDOWS)
    measures = study.measures
    values = measures[
        (measures["subject"] == subject)
        & (measures["channel"] == "frontal")
        & (measures["stages"] == "NREM")
        & (measures["variant"] == "")
    ].set_index(["measure", "window", "condition"])["value"]
    rows = [row for row in table if len(row) > 1 and row[0] in WINDOWS]
    for row, (_, contrast) in zip(rows, expected.iterrows(), strict=True):
        for text, condition in zip(row[4:6], ("baseline", "ketamine"), strict=True):
            value = values[contrast["measure"], contrast["window"], condition]
            assert text == "not measured" if math.isnan(value) else float(text) == pytest.approx(value, rel=6e-3)


def test_numbers_of_the_study_page_are_those_of_the_tables(study):
    page = parse(study.path / "index.html")
    table = next(table for table in page.tables if table[0][0] == "Window")
    check_changes(table, shown_contrasts(study, "group").assign(ci_low=math.nan, ci_high=math.nan), WINDOWS)
    nights = next(table for table in page.tables if table[0][0] == "Subject" and "Status" in table[0])
    assert [row[0] for row in nights[1:]] == ["S1", "S1", "S2", "S2", "S10", "S10"], "S2 stands before S10"
    column = nights[0].index("SWA, µV²")
    by_key = study.nights.set_index(["subject", "session"])
    for row in nights[1:]:
        value = by_key.loc[(row[0], row[1]), "swa"]
        assert row[3] == by_key.loc[(row[0], row[1]), "status"]
        assert row[column] == "–" if math.isnan(value) else float(row[column]) == pytest.approx(value, rel=6e-3)


def test_no_word_and_no_picture_has_an_interval_of_two_subjects_which_the_table_keeps(study, two_drugs):
    of_three = leading_tables(two_drugs)[0].rows
    assert any(" to " in row[3] for row in of_three)
    assert np.isfinite(shown_contrasts(study, "group")["ci_low"]).any()
    told = [row[3] for table in leading_tables(study) for row in table.rows]
    assert set(told) <= {"no interval", ""}
    page = (study.path / "index.html").read_text(encoding="utf-8")
    captions = " ".join(re.findall("<figcaption>(.*?)</figcaption>", page, re.DOTALL))
    assert "Filled marks" not in captions, "nor is one explained"
    assert "No row has an interval." in captions
    for alt in re.findall(r'<img[^>]* alt="([^"]*)"', page):
        assert not re.search(r"\([+\u2212]?[\d.]+[^)]* to ", alt), alt
    for path in (study.path / "figures").glob("*.tsv"):
        drawn = pd.read_csv(path, sep="\t")
        if {"ci_low", "n", "estimate"} <= set(drawn):
            assert drawn["ci_low"].isna().all(), path.name


def test_the_result_is_a_sentence_with_interval_and_n(study):
    row = shown_contrasts(study, "S1").iloc[0]
    text = parse(subject_page(study, "S1")).text
    change = f"{100 * (row['estimate'] - 1):.1f} % higher than in the baseline night"
    assert f"slow-wave activity (0.5–4 Hz) in N2+N3 of NREM cycle 1 at the frontal channel F3-M2 was {change}" in text
    assert "% interval" in text
    assert "n = 2 nights" in text
    assert "every result on this page is exploratory" in text
    study_text = parse(study.path / "index.html").text
    assert "n = 2 subjects" in study_text
    assert "Two subjects cannot carry a test" in study_text


def test_what_the_design_leaves_open_stands_in_plain_words_first_and_beside_each_effect(study):
    source = (study.path / "index.html").read_text(encoding="utf-8")
    first = re.search(r'<p class="design">(.*?)</p>', source, re.S)[1]
    assert "without a control condition: a difference may also come from" in first
    assert "confounded" not in first
    for path in all_pages(study):
        cards, after = path.read_text(encoding="utf-8").split("<details>")[:2]
        answers = re.findall("<article.*?</article>", cards, re.DOTALL)
        assert all("No control condition: cause not established." in answer for answer in answers)
        assert not answers or "confounded with night order, adaptation and regression to the mean" in after


def test_the_last_lines_of_a_run_say_what_the_design_leaves_open(study):
    lines = leading_lines(study)
    assert lines
    assert all(line.endswith("No control condition: cause not established.") for line in lines)


def test_a_card_cannot_be_taken_for_an_approval(study):
    text = (study.path / "index.html").read_text(encoding="utf-8")
    card = re.search("<article.*?</article>", text, re.DOTALL)[0]
    assert 'class="effect open"' in card, "two subjects tell nothing from chance"
    assert re.search(r'class="effect open">[^<]* <small>too few to tell</small>', card)
    assert "Recordings checked: nothing in them speaks against" in card
    assert card.index('class="limit"') < card.index('class="effect'), "what must not be concluded comes first"
    assert "sound" not in re.sub("<[^>]*>", "", card)


def test_a_caption_says_that_panels_hold_other_subjects():
    pairs = pd.DataFrame(
        [(subject, drug, 500.0, 600.0) for drug in ("k", "m") for subject in ("S1", "S2")],
        columns=["subject", "contrast", "baseline", "treatment"],
    ).assign(scale="ratio")
    same = "each line is a subject, the thick one their geometric mean"
    assert lines_of(pairs) == same
    assert lines_of(pairs.drop(index=3)) == f"{same} (not the same subjects in each panel)"


def test_treatments_side_by_side_are_said_not_to_be_compared_with_each_other():
    ketamine, magnesium = (Contrast(treatment=name, comparator="placebo") for name in ("ketamine", "magnesium"))
    assert not_compared([ketamine, magnesium]) == ["ketamine and magnesium are not compared with each other here"]
    assert not_compared([ketamine]) == []
    assert not_compared([ketamine, magnesium, Contrast(treatment="ketamine", comparator="magnesium")]) == []
    arms = Contrast(treatment="post", comparator="pre", first="ketamine", second="placebo")
    assert not_compared([arms, ketamine, magnesium]) == []


def test_short_names_of_the_headline_are_said_in_words():
    for members, said in (
        (("F3-M2",), ["F3-M2: left frontal electrode against the right mastoid"]),
        (("C4-A1", "Cz-A2"), [
            "C4-A1: right central electrode against the left ear",
            "Cz-A2: midline central electrode against the right ear",
        ]),
        (("F3-M2", "F4-M1", "Fz-M2"), []),
        (("Fpz-Cz",), []),
    ):  # fmt: skip
        headline = Headline(marker=Marker("swa", "NREM", "cycle-1", "frontal"), declared=True, members=members)
        usual = ["N2+N3: non-REM sleep beyond the lightest stage", "NREM cycle 1: the first stretch of non-REM sleep"]
        assert glosses(headline) == [*usual, *said]


@pytest.mark.parametrize(
    ("channel", "members", "electrode", "exact"),
    [
        ("frontal", ("F3-M2",), "the left frontal electrode", "F3-M2"),
        ("frontal", ("F3-M2", "F4-M1"), "the frontal electrodes", "F3-M2 and F4-M1"),
        ("frontal", ("F1", "F2", "F3", "F4", "Fz"), "the frontal electrodes", ""),
        ("Cz-A2", (), "the midline central electrode", "Cz-A2"),
        ("EEG 1", (), "EEG 1", ""),
    ],
)
def test_the_first_screen_asks_in_plain_words_and_keeps_the_exact_terms(channel, members, electrode, exact):
    headline = Headline(marker=Marker("swa", "NREM", "cycle-1", channel), declared=True, members=members)
    parts = headline_in_plain_words(headline, Settings())
    assert "".join(text for text, _ in parts) == (
        "slow-wave activity (0.5–4 Hz) in non-REM sleep beyond the lightest stage of the first sleep cycle "
        "(NREM cycle 1) at " + electrode
    )
    assert [term for _, term in parts if term] == ["N2+N3", exact][: 1 + bool(exact)]


@pytest.mark.parametrize(
    ("window", "said"),
    [
        ("cycle-1", "the first sleep cycle (NREM cycle 1)"),
        ("cycle-4", "the 4th sleep cycle (NREM cycle 4)"),
        ("night", "the whole night"),
        ("hour-2", "the second hour after sleep onset"),
        ("third-1", "the first third of the night"),
    ],
)
def test_a_window_is_called_as_everybody_says_it_with_its_exact_name_behind(window, said):
    minutes = Headline(marker=Marker("N3_min", "any", window, "all"), declared=True)
    for headline in (SWA, minutes):
        own = dataclasses.replace(headline.marker, window=window)
        parts = headline_in_plain_words(dataclasses.replace(headline, marker=own), Settings())
        assert said in [text for text, _ in parts]


def test_two_subjects_have_nothing_beside_their_change_that_looks_like_a_test():
    row = result_row(n=2, p=math.nan, p_adjusted=math.nan, reasons=encode([PAIRED_T(), TWO_SUBJECTS()]))
    answer = group_answer(row, WITHIN, SWA, Settings())
    assert answer.numbers == ("n\u00a0=\u00a02 subjects", "no p with two subjects")
    assert (answer.aside, answer.is_told) == ("too few to tell", False)
    assert answer.sentence.endswith(
        "(n\u00a0=\u00a02 subjects). Two subjects cannot carry a test: look at each of them."
    )
    assert "interval" in group_answer(result_row(n=3), WITHIN, SWA, Settings()).numbers[0]


def test_of_a_change_that_was_not_measured_nothing_is_sound():
    nothing = {"estimate": math.nan, "ci_low": math.nan, "ci_high": math.nan, "n": 0, "note": "no subject has a change"}
    answer = group_answer(result_row(verdict="sound", **nothing), WITHIN, SWA, Settings())
    assert (answer.verdict, answer.verdict_words, answer.mark) == ("", "", "")
    assert group_answer(result_row(verdict="caution", **nothing), WITHIN, SWA, Settings()).verdict == "caution"


def test_what_leads_by_default_is_explained_without_a_drug():
    assert "NREM cycle 1 leads" in exploratory(dataclasses.replace(SWA, declared=False), compared=True)
    assert "ketamine" not in exploratory(dataclasses.replace(SWA, declared=False), compared=True)


def test_a_card_is_told_only_where_its_interval_leaves_out_no_change_between_comparable_nights():
    for facts, told in (
        ({}, True),
        ({"n": 2}, False),
        ({"ci_low": 0.9}, False),
        ({"verdict": "caution"}, True),
        ({"verdict": "not comparable"}, False),
        ({"design_limit": "one order"}, True),
        ({"design_limit": "no control; unknown order"}, False),
        ({"design_limit": "zeros left out"}, False),
        ({"ci_low": math.nan, "ci_high": math.nan}, False),
    ):
        answer = group_answer(result_row(p=0.04963, p_adjusted=0.04963, **facts), WITHIN, SWA, Settings())
        assert answer.is_told == told, facts
        assert "p = 0.050" in answer.numbers
        assert ("p = 0.0496;" in answer.sentence) == (facts != {"n": 2})  # with two subjects nothing looks like a test


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        ("", ""),
        ("no control", "No control condition: cause not established."),
        ("no control; unknown order", "No control condition and order of the nights unknown: cause not established."),
        ("one arm; unequal orders", "Only the comparison of the arms can show an effect of the drug."),
    ],
)
def test_what_the_design_leaves_open_is_said_from_its_codes(codes, words):
    for answer in (group_answer, subject_answer):
        assert answer(result_row(design_limit=codes), WITHIN, SWA, Settings()).limit == words


def test_zeros_leave_the_direction_open_and_the_design_the_cause():
    codes = "no control; zeros left out"
    answer = group_answer(result_row(design_limit=codes), WITHIN, SWA, Settings())
    assert answer.limit == (
        "No control condition: cause not established. Lowest values left out: direction not established."
    )


def test_a_result_without_the_subjects_of_zeros_says_that_they_were_the_lowest():
    reasons = encode([NOT_POSITIVE(n=5, condition="ketamine")])
    answer = group_answer(result_row(reasons=reasons, design_limit="zeros left out"), WITHIN, SWA, Settings())
    for words in (answer.reading, answer.sentence):
        assert "5 with a zero or negative value in ketamine nights" in words
        assert "can be the opposite" in words
        assert "The whole interval" not in words
    assert answer.limit == "Lowest values left out: direction not established."


def test_every_page_says_marker_and_two_sided(study):
    for path in all_pages(study):
        text = parse(path).text
        assert "not measurements of them" in text
    assert "No direction is presumed" in parse(study.path / "index.html").text


def test_pages_ask_nothing_of_a_network_and_name_no_place_of_this_machine(study):
    for path in all_pages(study):
        source = path.read_text(encoding="utf-8")
        page = parse(path)
        for tag, attrs in page.tags:
            for name in ("src", "href", "srcset", "action", "data"):
                assert not re.match(r"\s*(https?:|//|file:)", attrs.get(name) or ""), (path, tag, attrs)
        assert not re.search(r"@import|url\(|<script|<link|https?:", source.split("<body>")[0])
        assert str(study.path) not in source
        assert str(Path.home()) not in source


def test_links_lead_somewhere(study):
    for path in all_pages(study):
        page = parse(path)
        assert len(page.ids) == len(set(page.ids))
        for link in page.links:
            target, _, anchor = link.partition("#")
            assert (path.parent / target).resolve().exists(), link
            assert not anchor or anchor in page.ids
    links = parse(study.path / "index.html").links
    assert "sub-S1/sub-S1.html" in links
    assert links.count("sub-S10/sub-S10.html") == 1, "a failed night leads nowhere"


def test_markup_is_accessible(study):
    for path in all_pages(study):
        page = parse(path)
        assert ("html", {"lang": "en"}) in page.tags
        assert page.headings[0] == 1
        assert page.headings.count(1) == 1
        assert all(after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
        assert "#content" in page.links
        assert page.images
        for image in page.images:
            assert len(image["alt"]) > 30
            assert re.search(r"\d", image["alt"]), image["alt"]
        scrolls = [
            attrs for tag, attrs in page.tags if tag == "div" and attrs.get("class") == "scroll" and "role" in attrs
        ]
        assert all(attrs["tabindex"] == "0" and attrs["aria-label"] for attrs in scrolls)


def test_colors_have_enough_contrast_in_light_and_dark(study):
    source = (study.path / "index.html").read_text(encoding="utf-8")
    schemes = [dict(re.findall(r"--(\w+): (#\w+);", block)) for block in re.findall(r":root \{([^}]*)\}", source)[:2]]
    for scheme in schemes:
        for name in ("ink", "muted", "link", "mark"):
            assert contrast(scheme[name], scheme["paper"]) >= 4.5, (name, scheme)


def contrast(first, second):
    def luminance(color):
        digits = color[1:] if len(color) == 7 else "".join(2 * letter for letter in color[1:])
        parts = np.array([int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)])
        return np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]

    light, dark = sorted([luminance(first), luminance(second)], reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_figures_stand_beside_the_page_with_their_numbers(study):
    folder = study.path / "sub-S1" / "figures"
    names = {path.stem for path in folder.glob("*.svg")}
    assert names == {"ses-baseline_night", "ses-ketamine_night", "slow_wave_average", "average_spectra"} | {
        *("wave_amplitudes", "slope_by_amplitude", "control_spectra"),
        *("forest_ketamine_baseline", "sleep_ketamine_baseline", "hypnograms"),
    }
    for name in names:
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert len((folder / f"{name}.tsv").read_text(encoding="utf-8").splitlines()) > 1
    stored = pd.read_csv(study.path / "figures" / "paired_swa_cycle1.tsv", sep="\t")
    row = shown_contrasts(study, "S2").iloc[0]
    assert stored.set_index("subject").loc["S2", "change"] == pytest.approx(row["estimate"], rel=1e-5)
    assert not list(study.path.rglob("*.tmp"))


@pytest.mark.slow
@pytest.mark.long
def test_figures_of_an_earlier_run_do_not_stay(build, compare, tmp_path):
    rows = [night("A", "baseline"), night("A", "ketamine", size=1.2)]
    results = build(tmp_path / "results", rows)
    names = {path.stem for path in results.path.glob("**/figures/*.svg")}
    for folder in ("figures", "sub-A/figures"):
        for suffix in ("svg", "png", "tsv"):
            (results.path / folder / f"forest_magnesium_baseline.{suffix}").write_text("old")
        (results.path / folder / "mine.txt").write_text("a file of somebody else")
    compare(results.path)
    assert {path.stem for path in results.path.glob("**/figures/*.svg")} == names
    assert not list(results.path.glob("**/forest_magnesium*"))
    assert len(list(results.path.glob("**/mine.txt"))) == 2


def test_methods_stand_beside_the_page_as_on_it(study):
    text = (study.path / "methods.txt").read_text(encoding="utf-8")
    page = parse(study.path / "index.html").text
    assert len(text.split("\n\n")) > 5
    for paragraph in text.strip().split("\n\n"):
        assert paragraph in page
    assert (study.path / "methods.bib").read_text(encoding="utf-8").strip() in page


def test_equal_results_give_equal_pages(study):
    before = {path: path.read_bytes() for path in all_pages(study)}
    write_subject_page(PageTask(results=study.path, subject="S1", label="S1"))
    write_study_page(read_results(study.path))
    assert {path: path.read_bytes() for path in all_pages(study)} == before


def test_no_text_of_a_figure_leaves_its_canvas(study, monkeypatch):
    """A label that is too long for its margin was cut off at the left edge."""
    drawn, own = [], BothRenderers.draw_text

    def draw(self, gc, x, y, s, prop, angle, *args, **kwargs):
        width, height, descent = self.get_text_width_height_descent(s, prop, False)
        corners = np.array([(0, descent), (width, descent), (0, descent - height), (width, descent - height)])
        turn = np.deg2rad(-angle)
        turned = corners @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) + (x, y)
        drawn.append((s, turned.min(axis=0), self.get_canvas_width_height() - turned.max(axis=0)))
        own(self, gc, x, y, s, prop, angle, *args, **kwargs)

    monkeypatch.setattr(BothRenderers, "draw_text", draw)
    write_subject_page(PageTask(results=study.path, subject="S1", label="S1"))
    write_study_page(read_results(study.path))
    assert len(drawn) > 100
    assert [(s, first, last) for s, first, last in drawn if min(*first, *last) < -0.5] == []


def test_what_was_left_out_is_listed_with_the_way_out(study):
    for path in (study.path / "index.html", subject_page(study, "S10")):
        text = parse(path).text
        assert "no NREM sleep (N2 or N3)" in text
        assert "Check that this is a night." in text
    assert "1 failed" in parse(study.path / "index.html").text


def test_what_was_not_measured_has_its_reason(study):
    page = parse(subject_page(study, "S1"))
    table = next(table for table in page.tables if table[0][0] == "Window")
    row = next(row for row in table if row[0] == "First 60 min of clean NREM")
    assert row[1] == "not measured"
    assert not re.search("sound|caution|variation", row[-1]), "nothing was measured that could be read"
    measured = next(row for row in table if row[0] == "NREM cycle 1")
    assert re.match(r"(within variation|reliable change); sound", measured[-1])
    mark = row[-1].split()[-1]
    source = html.unescape(subject_page(study, "S1").read_text(encoding="utf-8"))
    assert re.search(
        rf"<li><sup>{mark}</sup> not measured in \w+: [\d.]+ min of clean NREM, 60 are needed</li>", source
    )


@pytest.mark.slow
@pytest.mark.long
def test_how_it_was_computed_is_that_of_the_settings(study, build, tmp_path):
    rows = [night("S1", "baseline"), night("S1", "ketamine", size=1.2)]
    plain = parse(study.path / "index.html").text
    other = parse(build(tmp_path / "b", rows, comparison={"icc": 0.9, "confidence": 0.9}).path / "index.html").text
    assert "ICC 0.76, CV 40 %" in plain
    assert "ICC 0.9, CV 40 %" in other
    assert "95 % interval" in plain
    assert "90 % interval" in other
    assert "95 % interval" not in other
    for text in (plain, other):
        assert "riedner2007" in text
        assert "Riedner et al., 2007, Sleep 30:1643" in text


def test_names_and_notes_made_of_markup_appear_as_text(build, tmp_path):
    rows = [
        night(NASTY, "baseline", session="one<i>", notes=[f"note {NASTY}"]),
        night(NASTY, "ketamine <b>", session="two", size=1.2),
        night("other", "ketamine <b>", status="failed", recording="<img src=x onerror=alert(1)>.edf"),
    ]
    results = build(tmp_path / "results", rows)
    label = file_label(NASTY)
    for path in (results.path / "index.html", subject_page(results, label)):
        page = parse(path)
        assert NASTY in page.text
        assert [tag for tag, _ in page.tags if tag in ("script", "b", "i")] == ["script"], "the page's own"
        assert NASTY not in path.read_text(encoding="utf-8")
        assert all(attrs["src"].startswith("data:image/svg+xml;base64,") for attrs in page.images)
        assert "ketamine <b>" in page.text
    assert f"note {NASTY}" in parse(subject_page(results, label)).text


def test_one_night_alone_has_its_values(build, tmp_path):
    results = build(tmp_path / "results", [night("A", "recording")])
    page = parse(subject_page(results, "A"))
    value = results.measures.query(
        "measure == 'swa' and window == 'cycle-1' and stages == 'NREM' and channel == 'frontal'"
    )
    assert "There is no pair of nights to compare" in page.text
    assert f"was {value['value'].iloc[0]:.3g} µV² (n = {value['n'].iloc[0]} epochs)" in page.text
    assert "Exploratory" not in page.text
    reason = results.measures.query("measure == 'wave_slope_up_matched' and window == 'night'")["note"].iloc[0]
    assert "baseline night" in reason
    assert reason in page.text
    index = parse(results.path / "index.html")
    assert "No night is a baseline (baseline, placebo, pre)" in index.text
    assert "No two conditions were measured in the same subjects" in index.text


def test_conditions_without_a_baseline_are_told_what_names_one(build, tmp_path):
    results = build(tmp_path / "results", [night("A", "plc"), night("A", "ketamine")])
    text = parse(results.path / "index.html").text
    assert "No night is a baseline (baseline, placebo, pre)" in text
    assert '[comparison] and baseline = "plc" (or another of plc, ketamine), and run again with --settings' in text


def test_a_baseline_that_failed_is_not_said_to_be_none(build, tmp_path):
    results = build(tmp_path / "results", [night("A", "baseline", status="failed"), night("A", "ketamine")])
    for path in all_pages(results):
        text = parse(path).text
        assert "No baseline night was analysed, so the nights are described and not compared." in text
        assert "Comparison of nights" not in text
    assert "Nights were compared" not in (results.path / "methods.txt").read_text(encoding="utf-8")


def test_baseline_nights_alone_are_described(build, tmp_path):
    results = build(tmp_path / "results", [night("A", "baseline"), night("B", "baseline")])
    assert "there is nothing to compare" in parse(results.path / "index.html").text
    assert "Night baseline: slow-wave activity" in parse(subject_page(results, "A")).text


def test_a_study_of_failed_nights_has_a_page(build, tmp_path):
    rows = [night("A", "baseline", status="failed"), night("A", "ketamine", status="excluded")]
    results = build(tmp_path / "results", rows)
    page = parse(results.path / "index.html")
    assert "No night could be analysed" in page.text
    assert "0 nights of 0 subjects analysed, 1 failed, 1 excluded (1 ketamine)." in page.text
    assert not page.images
    assert "sub-A/sub-A.html" not in page.links
    assert "leads to its page" not in page.text
    assert "no NREM sleep" in page.text


def test_one_channel_of_no_known_region_leads_the_page(build, tmp_path):
    rows = [night("A", "baseline"), night("A", "ketamine", size=1.2)]
    results = build(tmp_path / "results", rows, channels=("O1-M2",))
    page = parse(subject_page(results, "A"))
    assert "of NREM cycle 1 at O1-M2 was" in page.text
    assert "Average slow wave at O1-M2" in " ".join(image["alt"] for image in page.images)


def spoil(results, channels, compare):
    """Say of a stored night that all of its NREM is unusable in these channels, and compare again."""
    folder = results.night("A", "ketamine")
    document = folder.document()
    for channel in channels:
        document["summary"]["unusable_nrem_share"][channel] = {"muscle": 0.4, "clipped": 0.6, "any": 1.0}
    folder.finish(document)
    return compare(results.path)


@pytest.mark.slow
@pytest.mark.long
def test_channels_that_were_left_out_are_named_and_the_page_goes_on_without_them(build, compare, tmp_path):
    results = build(tmp_path / "results", [night("A", "baseline"), night("A", "ketamine", size=1.2)])
    page = parse(subject_page(spoil(results, ["F3-M2"], compare), "A"))
    assert "at the central channel C4-M1 was" in page.text
    assert "100.0 % (clipped 60.0, muscle 40.0)" in page.text
    assert "F3-M2: 100 % of its NREM is unusable" in page.text
    results = spoil(results, ["C4-M1"], compare)
    assert "was not measured (not measured in ketamine)" in parse(subject_page(results, "A")).text
    assert "every EEG channel is bad in this night" in parse(results.path / "index.html").text


def test_a_declared_primary_leads_and_is_not_exploratory(build, tmp_path):
    rows = [night(s, c, size=1.2 if c == "ketamine" else 1.0) for s in "AB" for c in ("baseline", "ketamine")]
    results = build(tmp_path / "results", rows, comparison={"primary": "sigma_power NREM night central"})
    page = parse(results.path / "index.html")
    assert "Primary result" in page.text
    assert "sigma power (11–16 Hz) in N2+N3 of the whole night at the central channel C4-M1" in page.text
    assert "every result on this page is exploratory" not in page.text
    table = next(table for table in page.tables if table[0][0] == "Window")
    roles = [row[table[0].index("Role")] for row in table if row[0] in WINDOWS]
    assert roles.count("primary") == 1


def test_the_terminal_leads_with_the_declared_primary_at_the_level_in_force(build, tmp_path, capsys):
    rows = [night(s, c, size=1.2 if c == "ketamine" else 1.0) for s in "AB" for c in ("baseline", "ketamine")]
    declared = {"primary": "swa NREM matched central", "confidence": 0.9}
    show_results(build(tmp_path / "results", rows, comparison=declared))
    title, heads, first, *others = capsys.readouterr().out.splitlines()
    assert title.strip() == "ketamine against baseline, N2+N3, central"
    assert heads.split() == ["marker", "window", "change", "90", "%", "interval", "p", "p", "adjusted", "n", "role"]
    assert re.match("SWA +First 60 min of clean NREM +not measured .*primary", first)
    assert re.match("SWA +NREM cycle 1 ", others[0])
    assert not any(" primary" in line for line in others)


@pytest.mark.slow
@pytest.mark.long
def test_the_terminal_shows_channels_of_no_region(build, tmp_path, capsys):
    results = build(
        tmp_path / "results", [night("A", "baseline"), night("A", "ketamine", size=1.2)], channels=("O1-M2",)
    )
    (table,) = leading_tables(results)
    assert table.label == "ketamine against baseline, N2+N3, O1-M2"
    assert len(table.rows) == 8
    told = "No subject has the same frontal or central channel in all nights: O1-M2 leads."
    assert table.about.splitlines()[0] == told
    assert told in parse(results.path / "index.html").text
    show_results(results)
    assert not re.search("[\u2212\u00a0]", capsys.readouterr().out), "what is printed can be searched for"


@pytest.mark.slow
@pytest.mark.long
def test_no_text_names_a_level_that_is_not_in_force(build, tmp_path):
    rows = [night(s, c, size=1.2 if c == "ketamine" else 1.0) for s in "AB" for c in ("baseline", "ketamine")]
    results = build(tmp_path / "results", rows, comparison={"confidence": 0.9})
    texts = {path: parse(path) for path in all_pages(results)}
    shown = [page.text + " ".join(image["alt"] for image in page.images) for page in texts.values()]
    for text in (*shown, (results.path / "methods.txt").read_text(encoding="utf-8")):
        assert "90 %" in text
        assert not re.search(r"\b95\s?%", text)


@pytest.mark.slow
@pytest.mark.long
def test_the_text_tells_of_the_test_that_was_asked_for(build, tmp_path):
    """The page told of sign flips whatever was computed."""
    rows = [night(s, c, size=1.2 if c == "ketamine" else 1.0) for s in "ABC" for c in ("baseline", "ketamine")]
    results = build(tmp_path / "results", rows, comparison={"design": "mixed model"})
    method = shown_contrasts(results, "group").iloc[0]["method"]
    assert method == "mixed model, condition + (1 | subject), within subjects"
    page, _, _ = parse(results.path / "index.html").text.partition("All settings in force")
    for text in (page, (results.path / "methods.txt").read_text(encoding="utf-8")):
        assert "of the subjects who had both. Linear mixed model" in text
        assert "ign-flip" not in text
        assert "paired t" not in text.replace("(paired t, two-sided level", "")


@pytest.mark.slow
@pytest.mark.long
def test_a_primary_beside_the_usual_markers_has_its_picture_of_subjects(build, tmp_path):
    rows = [night(s, c, size=1.2 if c == "ketamine" else 1.0) for s in "AB" for c in ("baseline", "ketamine")]
    results = build(tmp_path / "results", rows, comparison={"primary": "Theta_Power NREM night central"})
    page = parse(results.path / "index.html")
    assert "theta power (4–8 Hz) in N2+N3 of the whole night at the central channel C4-M1 was on average" in page.text
    drawn = pd.read_csv(results.path / "figures" / "paired_theta_power_night.tsv", sep="\t")
    assert list(drawn["subject"]) == ["A", "B"]


def test_contrasts_of_arms_are_no_afterthought(make_draft, tmp_path):
    arms = {"contrast": "ketamine:placebo", "treatment": "ketamine", "comparator": "placebo"}
    arms |= {"first": "ketamine", "second": "placebo", "verdict": "", "verdict_reasons": ""}
    row = result_row(**arms, **vars(DEFAULT_MARKER)).to_dict()
    asked = row | {"contrast": "magnesium:placebo", "treatment": "magnesium", "first": "", "second": ""}
    answers = _answers(make_draft(tmp_path, pd.DataFrame([row, asked])))["answers"]
    assert answers[0].sentence.startswith("The change of slow-wave activity")
    assert "higher in ketamine than in placebo" in answers[0].sentence
    assert "asked for" not in answers[0].question
    assert answers[1].sentence.startswith("Asked for afterwards, exploratory: In magnesium nights")
    assert answers[1].question == "magnesium against placebo (asked for afterwards, exploratory)"


def test_a_contrast_without_a_number_has_no_panel(make_draft, tmp_path, monkeypatch):
    """Of two references nothing is measured in both conditions, of a marker that is none of a ratio nothing as one."""
    monkeypatch.setattr("swa.report.shelf.figure_files", lambda figure: (b"<svg/>", b""))
    names = {"contrast": "ketamine:baseline", "treatment": "ketamine", "comparator": "baseline"}
    names |= {"first": "", "second": ""}
    there = result_row(**names, **vars(DEFAULT_MARKER)).to_dict()
    gone = there | {"contrast": "magnesium:baseline", "treatment": "magnesium", "estimate": np.nan}
    draft = make_draft(tmp_path, pd.DataFrame([there, gone]))
    assert [picture.name for picture in _draw_forests(draft)] == ["forest_ketamine_baseline"]
    assert _draw_forests(make_draft(tmp_path, pd.DataFrame([there | {"scale": "difference"}]))) == []

    minutes = {"measure": LEAD, "channel": "all", "window": "night", "stages": "", "variant": "", "scale": "difference"}
    rows = pd.DataFrame([there | minutes, gone | minutes])
    assert [picture.name for picture in draw_changes(make_draft(tmp_path, rows))] == ["sleep_ketamine_baseline"]


def test_the_drug_against_placebo_beside_baseline_nights_is_planned_and_leads(make_draft, tmp_path):
    """It read "asked for afterwards, exploratory", below the uncontrolled change from baseline."""
    conditions = ("baseline", "ketamine", "placebo")
    nights = pd.DataFrame(
        [{"subject": s, "session": c, "condition": c, "status": "done"} for s in "ABC" for c in conditions]
    )
    pairs = [(drug, "baseline", "no control") for drug in ("ketamine", "magnesium")]
    pairs += [("ketamine", "placebo", ""), ("placebo", "baseline", "")]
    rows = [
        result_row(
            contrast=f"{drug}:{other}", treatment=drug, comparator=other, first="", second="", design_limit=limit
        )
        for drug, other, limit in pairs
    ]
    rows = pd.DataFrame(rows).assign(**vars(DEFAULT_MARKER))
    answers = _answers(make_draft(tmp_path, rows, declared=True, nights=nights))["answers"]
    assert [answer.question for answer in answers] == [
        "ketamine against placebo",
        "ketamine against baseline",
        "placebo against baseline",
        "magnesium against baseline (asked for afterwards, exploratory)",  # no night of this study calls for it
    ]


@pytest.mark.slow
@pytest.mark.long
def test_treatments_have_their_own_sentences_tables_and_colors(build, tmp_path):
    rows = [
        night(s, c, order=i, size=1 + 0.1 * i)
        for s in "AB"
        for i, c in enumerate(("baseline", "ketamine", "magnesium"), start=1)
    ]
    results = build(tmp_path / "results", rows)
    for path in (results.path / "index.html", subject_page(results, "A")):
        page = parse(path)
        assert "In the ketamine night" in page.text or "In ketamine nights" in page.text
        assert "In the magnesium night" in page.text or "In magnesium nights" in page.text
        assert "a change of either sign is possible" in page.text
        assert len([table for table in page.tables if table[0][0] == "Window"]) == 4  # of markers and of sleep
    assert (results.path / "figures" / "forest_magnesium_baseline.svg").is_file()


@pytest.mark.slow
@pytest.mark.long
def test_repeated_baseline_nights_are_what_the_interval_rests_on(build, tmp_path):
    rows = [
        night(s, c, session=f"{c}{i}", size=1 + 0.05 * i + 0.2 * (c == "ketamine"))
        for s in "ABC"
        for c, i in (("baseline", 1), ("baseline", 2), ("ketamine", 1))
    ]
    page = parse(subject_page(build(tmp_path / "results", rows), "A"))
    assert "The interval rests on the repeated baseline nights of 3 subjects of this study." in page.text
    assert "n = 3 nights" in page.text
    assert "baseline, session baseline2" in page.text


def test_simulated_nights_are_said_to_be(build, study, tmp_path):
    results = build(
        tmp_path / "results", [night("A", "baseline", simulated="yes"), night("A", "ketamine", simulated="yes")]
    )
    for path in all_pages(results):
        assert "Simulated data" in parse(path).text
    for path in all_pages(study):
        assert "Simulated data" not in parse(path).text


def test_a_simulated_header_is_enough_to_say_so(build, compare, tmp_path):
    """Without a study file: the recording itself says what it is; a subject of real nights is not marked for it."""
    results = build(tmp_path / "results", [night("A", "baseline"), night("B", "baseline")])
    folder = results.night("A", "baseline")
    document = folder.document()
    document["summary"]["header"] = {"F3-M2": {"transducer": "simulated"}}
    folder.finish(document)
    results = compare(results.path)
    texts = {page.stem: parse(page).text for page in all_pages(results)}
    assert {name for name, text in texts.items() if "imulated" in text} == {"index", "sub-A"}
    assert "Simulated data" in texts["sub-A"]
    assert "Simulated data" not in texts["index"]
    assert "Some of the nights are simulated, not taken from sleepers" in texts["index"]
    assert "Slow-wave sleep, in part simulated" in texts["index"]


def test_a_contrast_whose_nights_are_all_lost_is_named_where_losses_are_listed(build, tmp_path):
    lost = night("A", "magnesium", status="failed")
    results = build(tmp_path / "results", [night("A", "baseline"), night("A", "ketamine"), lost])
    text = parse(results.path / "index.html").text
    assert "magnesium against baseline: not compared; of magnesium no night can be used, of 1." in text
    assert "Nothing: every night" not in text


@pytest.mark.slow
@pytest.mark.long
def test_many_channels_have_a_scalp_picture_and_are_counted_not_listed(build, tmp_path):
    names = ("Fp1", "Fp2", "F3", "F4", "F7", "F8", "Fz", "C3", "C4", "P3", "P4", "O1")
    channels = tuple(f"{name}-M2" for name in names)
    rows = [night(s, c, size=1.2 if c == "ketamine" else 1.0) for s in "AB" for c in ("baseline", "ketamine")]
    results = build(tmp_path / "results", rows, channels=channels)
    page = parse(results.path / "index.html")
    assert "at the frontal channels was" in page.text
    (scalp,) = [image["alt"] for image in page.images if "over the scalp" in image["alt"]]
    table = pd.read_csv(results.path / "figures" / "scalp_swa_cycle1.tsv", sep="\t")
    assert set(table["channel"]) == set(channels)
    highest = table.loc[table["estimate"].idxmax()]
    assert f"to {percent(highest['estimate'])} at {highest['channel']}, n = 12 electrodes" in scalp
    assert "was 12 derivations" not in page.text  # the provenance of these nights names one channel
    unusable = next(table for table in parse(subject_page(results, "A")).tables if table[1][:1] == ["Staged by"])
    assert {row[0] for row in unusable if row[0].endswith("unusable")} == {f"{name} unusable" for name in channels}


@pytest.mark.slow
@pytest.mark.long
def test_a_contrast_asked_for_afterwards_is_no_part_of_the_title(build, tmp_path):
    rows = [
        night(s, c, order=i, size=1 + 0.1 * i)
        for s in "AB"
        for i, c in enumerate(("baseline", "ketamine", "magnesium"), start=1)
    ]
    results = build(tmp_path / "results", rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("swa.report.shelf.figure_files", lambda figure: (b"<svg/>", b""))
        compare_study(results.path, jobs=1, contrast="ketamine:magnesium")
    page = parse(results.path / "index.html")
    assert "Slow-wave sleep: ketamine and magnesium against baseline" in page.text
    assert "Asked for afterwards, exploratory: In ketamine nights" in page.text
    assert page.text.count("Asked for afterwards") == 1


@pytest.mark.slow
@pytest.mark.long
def test_twelve_nights_fit_a_page(build, tmp_path):
    rows = [night("A", "baseline", session=f"b{i}") for i in range(4)]
    rows += [night("A", "ketamine", session=f"k{i}", size=1.2) for i in range(8)]
    path = subject_page(build(tmp_path / "results", rows, drawn=True), "A")
    assert path.stat().st_size < 3_000_000
    assert len(parse(path).images) == 1 + 12 + 7  # hypnograms beside each other, nights, what is of conditions


@pytest.mark.slow
@pytest.mark.long
def test_six_nights_of_a_subject_stand_in_their_order_and_are_compared_by_condition(build, tmp_path):
    """Two baselines, two post nights of ketamine and two of magnesium: every night has its picture and its column."""
    rows = [
        night("A", condition, session=f"{condition}{number}", size=size)
        for number in (1, 2)
        for condition, size in (("baseline", 1.0), ("ketamine", 1.2), ("magnesium", 1.0))
    ]
    path = subject_page(build(tmp_path / "results", rows, drawn=True), "A")
    page = parse(path)
    assert path.stat().st_size < 3_000_000
    shown = [image["alt"] for image in page.images]
    assert shown[0].startswith("Hypnograms of 6 nights")
    assert [alt.partition(":")[0] for alt in shown[1:7]] == [
        f"Night {row['condition']}, session {row['session']}" for row in rows
    ]
    assert len(shown) == 7 + 5 + 4  # nights; waves, spectra and controls of conditions; forests, of minutes too
    sleep = next(table for table in page.tables if table[0][:1] == ["Measure"])
    assert [len(row) for row in sleep] == [7] * len(sleep)
    for treatment in ("ketamine", "magnesium"):
        assert re.search(rf"{treatment} .{{,300}}n = 4 nights", page.text), treatment


@pytest.mark.slow
@pytest.mark.long
def test_sixty_four_channels_do_not_swell_a_page(build, tmp_path):
    rows = [night("A", "baseline"), night("A", "ketamine", size=1.2)]
    results = build(tmp_path / "results", rows, channels=tuple(f"E{i}" for i in range(1, 65)), drawn=True)
    path = subject_page(results, "A")
    page = parse(path)
    assert path.stat().st_size < 3_000_000
    assert (results.path / "index.html").stat().st_size < 3_000_000
    assert len(page.images) == 3 + 5 + 2
    unusable = next(table for table in page.tables if table[1][:1] == ["Staged by"])
    assert len(unusable) < 10, "channels of which there is the same to say share a row"
    assert all(f"E{i}" in re.split(r"[ ,]+", " ".join(row[0] for row in unusable)) for i in range(1, 65))


def test_a_missing_value_of_a_template_is_an_error():
    with pytest.raises(Exception, match="undefined"):
        render("study.html", {})


@given(st.floats(-1e4, 1e4).filter(lambda value: value == 0 or abs(value) >= 1e-3))
def test_numbers_have_three_significant_digits(value):
    text = number(value)
    assert "e" not in text
    assert float(text.replace(MINUS, "-")) == pytest.approx(value, rel=5.1e-3)
    digits = text.lstrip(MINUS).replace(".", "").lstrip("0")
    assert value == 0 or len(digits) >= 3


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1012.77, "1010"),
        (9.4677, "9.47"),
        (0.05, "0.0500"),
        (12, "12.0"),
        (0, "0"),
        (-3.14159, "−3.14"),
        (99.96, "100"),
    ],
)
def test_numbers_are_written_plainly(value, text):
    assert number(value) == text


def test_large_and_missing_numbers():
    assert number(3.5e6) == "3.50 × 10⁶"
    assert number(math.nan) == "–"
    assert p_value(0.0004) == "< 0.001"
    assert p_value(0.0456) == "0.0456"
    assert [p_is(p, 2) for p in (0.0004, 0.031, 0.99, 0.996, 1.0)] == [
        *("p < 0.001", "p = 0.031", "p = 0.99", "p > 0.99", "p > 0.99")
    ], "a p of 1.0 reads as certainty that there is nothing"


@given(st.floats(0.01, 50))
def test_percent_is_the_ratio_less_one(ratio):
    text = percent(ratio).replace("\u00a0", " ")
    assert text.endswith(" %")
    assert change_of(text) == pytest.approx(ratio, abs=5.1e-4)
    assert re.search(r"\.\d %$", text), "one decimal"
    assert text.startswith("+") == (round(100 * (ratio - 1), 1) > 0)


def test_a_change_of_a_difference_has_its_unit_and_sign():
    row = pd.Series({"scale": "difference", "estimate": 1.2, "ci_low": np.nan, "ci_high": np.nan, "n": 2})
    change = describe_change(row, "1/h")
    assert (change.change, change.interval, change.excludes_none, change.n) == ("+1.20 1/h", "", False, 2)


# --- in a browser

AXE = ("4.10.3", "880970c081707360e64f34cea25ff91892f5bc95675b0776925b9709dd8a68bb")
WIDTHS = (1280, 820, 390)
PAPERS = {"A4": 688, "Letter": 709}  # width in CSS px less the margins of 14 mm
# Runs in the page of frames, which reads what the pages in them look like and work like.
LOOK = """
const frames = [...document.querySelectorAll("iframe")];
const wait = (frame) => new Promise((done) => {
  const ready = () => frame.contentDocument.readyState === "complete" &&
    frame.contentWindow.location.href !== "about:blank";
  const look = () => (ready() ? done() : setTimeout(look, 50));
  look();
});
// Words of usual length in the table of nights that stand on two lines.
const broken = (inner) => [...inner.querySelectorAll(".nights th, .nights td")].flatMap((cell) => {
  const texts = inner.createTreeWalker(cell, NodeFilter.SHOW_TEXT), range = inner.createRange(), found = [];
  for (let text = texts.nextNode(); text; text = texts.nextNode())
    for (const word of text.data.matchAll(/\\S+/g)) {
      range.setStart(text, word.index);
      range.setEnd(text, word.index + word[0].length);
      if (word[0].length <= 9 && range.getClientRects().length > 1) found.push(word[0]);
    }
  return found;
});
// Heads of that table that reach into the next column.
const spilled = (inner) => [...inner.querySelectorAll(".nights thead th")].filter((cell) => {
  const range = inner.createRange();
  range.selectNodeContents(cell);
  return range.getBoundingClientRect().right > cell.getBoundingClientRect().right + 0.5;
}).map((cell) => cell.textContent);
const shape = (frame) => {
  const inner = frame.contentDocument, width = frame.clientWidth, view = frame.contentWindow;
  const right = (element) => element.getBoundingClientRect().right;
  return {
    content: inner.documentElement.scrollWidth, width, images: inner.images.length,
    broken: [...inner.images].filter((image) => !image.naturalWidth).length,
    outside: [...inner.querySelectorAll("main *, header *")].filter((element) =>
      !element.closest(".scroll") && right(element) > width + 1).map((element) => element.outerHTML.slice(0, 80)),
    clipped: [...inner.querySelectorAll(".scroll")].filter((box) => view.getComputedStyle(box).display !== "none" &&
      box.clientWidth && box.scrollWidth > width + 1).map((box) => box.getAttribute("aria-label")),
    broken_words: broken(inner), spilled: spilled(inner),
    asked: view.performance.getEntriesByType("resource").map((entry) => entry.name).filter((name) =>
      !name.startsWith("data:")),
  };
};
const tables = (inner) => [...inner.querySelectorAll("table.sortable")].map((table) => {
  const column = (place) => [...table.tBodies[0].rows].filter((row) => !row.hidden).map((row) =>
    row.cells[place].textContent.trim());
  const heads = [...table.tHead.rows[0].cells].map((head) => head.textContent);
  const sorted = {};
  heads.forEach((name, place) => {
    const head = table.tHead.rows[0].cells[place];
    head.querySelector("button").click();
    const up = [head.getAttribute("aria-sort"), column(place)];
    head.querySelector("button").click();
    sorted[name] = [up, [head.getAttribute("aria-sort"), column(place)]];
  });
  const field = inner.getElementById(table.id + "-filter");
  const filter = (text) => {
    field.value = text;
    field.dispatchEvent(new frames[0].contentWindow.Event("input"));
    return [column(0), field.parentElement.querySelector("[role=status]").textContent];
  };
  const kept = filter("KETAMINE s2");
  const shared = filter("lies inside the band");
  return { sorted, kept, shared, labelled: field.labels.length, none: filter("no such night"), all: filter("") };
});
const zoom = (inner) => [...inner.querySelectorAll("figure.wide")].map((figure) => {
  const [inward, outward] = figure.querySelectorAll(".zoom button"), image = figure.querySelector("img");
  const before = image.clientWidth;
  inward.click();
  const after = image.clientWidth;
  outward.click();
  return [before, after, image.clientWidth];
});
(async () => {
  const found = [];
  for (const frame of frames) {
    await wait(frame);
    const inner = frame.contentDocument;
    const seen = { name: frame.dataset.name, kind: frame.dataset.kind, ...shape(frame) };
    if (frame.dataset.kind === "page" && frame.clientWidth === 1280) {
      seen.tables = tables(inner);
      seen.zoom = zoom(inner);
    }
    if (frame.contentWindow.axe) {
      inner.querySelectorAll("details").forEach((details) => { details.open = true; });
      const report = await frame.contentWindow.axe.run(inner, { resultTypes: ["violations"] });
      seen.violations = report.violations.filter((one) => ["serious", "critical"].includes(one.impact)).map((one) =>
        [one.id, one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160))]);
      seen.rules = report.passes.length;
    }
    found.push(seen);
  }
  document.body.dataset.found = btoa(unescape(encodeURIComponent(JSON.stringify(found))));
})();
"""


@pytest.fixture(scope="session")
def axe(tmp_path_factory):
    """axe-core, whose licence (MPL-2.0) keeps it out of the project: from SWA_AXE, or from npm."""
    if path := os.environ.get("SWA_AXE"):
        source = Path(path).read_bytes()
    else:
        folder = tmp_path_factory.mktemp("axe")
        command = [shutil.which("npm") or "npm", "pack", "--silent", f"axe-core@{AXE[0]}"]
        try:
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
        except (OSError, subprocess.SubprocessError):
            pytest.skip("axe-core is not here: install npm, or name its axe.min.js in SWA_AXE")
        with tarfile.open(next(folder.glob("*.tgz"))) as archive:
            source = archive.extractfile("package/axe.min.js").read()
    assert hashlib.sha256(source).hexdigest() == AXE[1]
    return source.decode("utf-8")


@pytest.fixture(scope="session")
def chromium():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    return pytest.skip("no chromium on this machine")


def run_chromium(chromium, folder, *arguments):
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    command += ["--disable-component-update", "--no-first-run", f"--user-data-dir={folder / 'profile'}"]
    command += ["--host-resolver-rules=MAP * ~NOTFOUND", "--allow-file-access-from-files", "--enable-logging=stderr"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=300, check=True)


def variants(page, folder, axe, name):
    """Copies of a page for axe in light and dark, and as printed; without the policy that would keep axe out."""
    source = page.read_text(encoding="utf-8")
    open_to_axe = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", source)
    assert open_to_axe != source
    with_axe = open_to_axe.replace("</body>", f"<script>{axe}</script></body>")
    dark = with_axe.replace("@media (prefers-color-scheme: dark)", "@media all").replace("light dark", "dark")
    printed = open_to_axe.replace("@media print", "@media all")
    for kind, text, widths in (
        ("light", with_axe, (1280, 390)),
        ("dark", dark, (1280,)),
        ("print", printed, tuple(PAPERS.values())),
    ):
        copy = folder / f"{name}_{kind}.html"
        copy.write_text(text, encoding="utf-8")
        yield from ((copy, kind, width) for width in widths)


def look_at(pages, folder, chromium, axe):
    """What a browser finds in pages, at every width, in light and dark, and as printed; one browser for all."""
    frames = []
    for number_of_page, page in enumerate(pages):
        name = page.stem
        frames += [(name, page, "page", width) for width in WIDTHS]
        frames += [(name, *one) for one in variants(page, folder, axe, f"{number_of_page}")]
    boxes = "\n".join(
        f'<iframe data-name="{name}" data-kind="{kind}" style="border:0;width:{width}px;height:1500px" '
        f'src="{path.resolve().as_uri()}"></iframe>'
        for name, path, kind, width in frames
    )
    wrapper = folder / "frames.html"
    wrapper.write_text(f'<!DOCTYPE html><meta charset="utf-8"><body>{boxes}<script>{LOOK}</script>', encoding="utf-8")
    arguments = ["--window-size=1400,1600", "--virtual-time-budget=120000", "--dump-dom", wrapper.as_uri()]
    done = run_chromium(chromium, folder, *arguments)
    found = re.search(r'data-found="([^"]*)"', done.stdout)
    assert found, done.stderr[-2000:]
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return json.loads(base64.b64decode(found[1]).decode("utf-8")), console


@pytest.fixture(scope="session")
def seen(study, build, chromium, axe, tmp_path_factory):
    """Pages of a study, and of one whose names are markup and whose primary is declared."""
    shared = {"verdict": "caution", "verdict_reasons": "a filter lies inside the band", "doubts": "shared"}
    rows = [
        night(NASTY, "baseline", notes=[f"note {NASTY}"], simulated="yes", **shared),
        night(NASTY, "ketamine <b>", size=1.2, simulated="yes", **shared),
        night("x" * 60, "ketamine <b>", status="failed", recording=f"{'long' * 30}.edf"),
    ]
    declared = {"primary": "swa NREM night central"}
    other = build(tmp_path_factory.mktemp("other") / "results", rows, comparison=declared, drawn=True)
    pages = [study.path / "index.html", subject_page(study, "S1"), *all_pages(other)]
    return look_at(pages, tmp_path_factory.mktemp("browser"), chromium, axe)


@pytest.mark.slow
def test_a_browser_shows_all_of_a_page_at_every_width_and_asks_for_nothing(seen):
    found, console = seen
    assert console == []
    assert len(found) == 4 * (len(WIDTHS) + 3 + len(PAPERS))
    for frame in found:
        where = frame["name"], frame["kind"], frame["width"]
        assert frame["content"] <= frame["width"], where
        assert frame["images"] > 2, where
        assert (frame["broken"], frame["outside"], frame["asked"]) == (0, [], []), where


@pytest.mark.slow
def test_nothing_is_cut_off_on_paper(seen):
    printed = [frame for frame in seen[0] if frame["kind"] == "print"]
    assert {frame["width"] for frame in printed} == set(PAPERS.values())
    for frame in printed:
        assert frame["clipped"] == [], (frame["name"], frame["width"])
        assert frame["broken_words"] == [], (frame["name"], frame["width"])
        assert frame["spilled"] == [], (frame["name"], frame["width"])


@pytest.mark.slow
def test_axe_finds_no_serious_fault_in_light_and_dark(seen):
    checked = [frame for frame in seen[0] if frame["kind"] in ("light", "dark")]
    assert len(checked) == 4 * 3
    for frame in checked:
        assert frame["rules"] > 10, "axe has looked"
        assert frame["violations"] == [], (frame["name"], frame["kind"], frame["width"])


@pytest.mark.slow
def test_the_table_of_nights_sorts_and_filters(seen):
    (table,) = next(frame["tables"] for frame in seen[0] if frame["kind"] == "page" and frame["name"] == "index")
    subjects = table["sorted"]["Subject"]
    assert subjects[0] == ["ascending", ["S1", "S1", "S2", "S2", "S10", "S10"]]
    assert subjects[1] == ["descending", ["S10", "S10", "S2", "S2", "S1", "S1"]]
    for (up, rising), (down, falling) in table["sorted"].values():
        assert (up, down) == ("ascending", "descending")
        values = [[float(text) for text in column if re.fullmatch(r"[\d.]+", text)] for column in (rising, falling)]
        if len(values[0]) > 1:
            assert values == [sorted(values[0]), sorted(values[0], reverse=True)]
            assert not re.match(r"[\d.]", rising[-1]) or len(values[0]) == len(rising), "what is missing stands last"
    assert table["kept"] == [["S2"], "1 of 6"]
    assert table["none"] == [[], "0 of 6"]
    assert (len(table["all"][0]), table["all"][1], table["labelled"]) == (6, "", 1)


@pytest.mark.slow
def test_a_reason_that_nights_share_is_found_in_each_of_them(seen):
    """It stands once, below the table, where the filter did not look."""
    tables = [frame["tables"] for frame in seen[0] if frame["kind"] == "page" and frame.get("tables")]
    (shared,) = [table["shared"] for own in tables for table in own if len(table["all"][0]) == 3]
    assert shared == [[NASTY, NASTY], "2 of 3"]


FIRST_SCREEN = """<!DOCTYPE html><body style="margin:0">
<iframe style="border:0;width:{width}px;height:{height}px" src="{page}"></iframe>
<script>addEventListener("load", () => {{
  const image = document.querySelector("iframe").contentDocument.querySelector(".shown img");
  document.body.dataset.bottom = Math.ceil(image.getBoundingClientRect().bottom);
}});</script>"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["study", "arms", "subject", 3, 4, 6])
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (820, 1180), (390, 844)])
def test_the_figure_is_whole_on_the_first_screen(
    two_drugs, two_arms, with_conditions, chromium, tmp_path, kind, width, height
):
    """On a phone two cards filled the screen, on a tablet three, and on a desk those of a subject."""
    if kind == "subject":
        page = subject_page(two_drugs, "S1")
    else:
        results = {"study": two_drugs, "arms": two_arms}.get(kind) or with_conditions(kind)
        page = results.path / "index.html"
    wrapper = tmp_path / "screen.html"
    address = page.resolve().as_uri()
    wrapper.write_text(FIRST_SCREEN.format(width=width, height=height, page=address), encoding="utf-8")
    options = ["--virtual-time-budget=20000", "--dump-dom", wrapper.as_uri()]
    found = re.search(r'data-bottom="(\d+)"', run_chromium(chromium, tmp_path, *options).stdout)
    assert int(found[1]) <= height


@pytest.mark.slow
def test_many_contrasts_stand_on_one_axis_first_and_the_pairs_of_nights_further_down(with_conditions):
    for count, first in ((3, "paired_swa_cycle1"), (4, "contrasts_swa_cycle1")):
        source = (with_conditions(count).path / "index.html").read_text(encoding="utf-8")
        result, _, rest = source.partition('<section id="subjects"')
        assert re.findall('<figure class="small" data-name="(.*?)"', result) == [first]
        assert ('data-name="paired_swa_cycle1"' in rest) == (count == 4)
    results = with_conditions(4)
    drawn = pd.read_csv(results.path / "figures" / "contrasts_swa_cycle1.tsv", sep="\t")
    cards = re.findall(r"<h3>(.*?)</h3>.*?<p class=\"effect[^>]*>(.*?)[ <]", source, re.DOTALL)
    rows = drawn[drawn["subject"] == "group"]
    assert "simulated: ketamine and magnesium against placebo and baseline</h1>" in source
    known = contrasts_in(results.contrasts)
    assert [known[name].in_words for name in rows["contrast"]] == [html.unescape(name) for name, _ in cards]
    assert [percent(ratio) for ratio in rows["estimate"]] == [effect for _, effect in cards]


@pytest.mark.slow
def test_a_night_can_be_enlarged_and_made_whole_again(seen):
    zooms = [zoom for frame in seen[0] for zoom in frame.get("zoom", [])]
    assert len(zooms) >= 4  # both nights of a subject page, at two widths, and other wide figures
    for before, after, again in zooms:
        assert after == pytest.approx(2 * before, rel=0.02)
        assert again == before


def count_sheets(page, chromium, folder):
    pdf = folder / "page.pdf"
    run_chromium(chromium, folder, f"--print-to-pdf={pdf}", "--no-pdf-header-footer", page.resolve().as_uri())
    return pdf.read_bytes().count(b"/Type /Page\n")


@pytest.mark.slow
def test_a_page_prints_on_few_sheets_of_which_the_first_is_a_summary(study, chromium, tmp_path):
    """Also with six contrasts whose verdicts have long reasons the summary is one sheet."""
    assert 2 <= count_sheets(subject_page(study, "S1"), chromium, tmp_path) <= 9
    source = (study.path / "index.html").read_text(encoding="utf-8")
    (answer,) = re.findall("<article.*?</article>", source, re.DOTALL)
    long = re.sub(r'(<p class="verdict.*?)</p>', r"\1: " + "S01: 31 % of NREM unusable, " * 12 + "</p>", answer)
    alone = "main > section:not(#result), footer { display: none } #result { break-after: auto !important }</style>"
    page = tmp_path / "summary.html"
    page.write_text(source.replace(answer, long * 6).replace("</style>", alone), encoding="utf-8")
    assert long != answer
    assert count_sheets(page, chromium, tmp_path) == 1


SWA = Headline(marker=Marker("swa", "NREM", "cycle-1", "F3-M2"), declared=True)
WITHIN = Contrast(treatment="ketamine", comparator="placebo")


def result_row(**facts):
    row = {"subject": "group", "scale": "ratio", "estimate": 1.2, "ci_low": 1.05, "ci_high": 1.4, "n": 8}
    row |= {"p": 0.02, "p_adjusted": 0.02, "n_tests": 1, "role": "primary", "method": "", "note": "", "reasons": ""}
    return pd.Series(row | {"verdict": "", "verdict_reasons": "", "design_limit": ""} | facts)


@pytest.mark.parametrize("sentence", [subject_result, group_result])
@pytest.mark.parametrize(
    ("reason", "why"),
    [
        (
            NO_RELIABILITY(df=3),
            "needs repeated baseline nights (df ≥ 3), there is no stated reliability for this measure",
        ),
        (
            NO_WINDOW_RELIABILITY(df=3),
            "needs repeated baseline nights (df ≥ 3), there is no stated reliability for this part of the night",
        ),
        (BASELINE_ALIKE(), "the baseline nights do not differ at all"),
        (ONE_SUBJECT(), "there is one subject"),
    ],
)
def test_a_result_without_an_interval_says_why_and_keeps_its_verdict(sentence, reason, why):
    row = result_row(
        ci_low=np.nan,
        ci_high=np.nan,
        p=np.nan,
        reasons=encode([reason]),
        verdict="not comparable",
        verdict_reasons="the same recording",
    )

    said = sentence(row, WITHIN, SWA, Settings())

    assert f"(no interval: {why}" in said
    assert said.endswith("Whether the recordings can be compared: not comparable (the same recording).")


@pytest.mark.parametrize(
    ("reason", "said", "unsaid"),
    [
        (STATED_RELIABILITY(sd=0.27, times=1.42), "varies 1.42 times as much as the whole", "not known"),
        (STATED_RELIABILITY(sd=0.19), "), not on repeated nights of this study", "times as much"),
        (BASELINE_PAIRS(sd=0.2, df=12, subjects=12), "baseline nights of 12 subjects of this study.", "in all people"),
        (BASELINE_PAIRS(sd=0.2, df=3, subjects=1), "nights of 1 subject of this study; how much", "1 subjects"),
        (BASELINE_PAIRS(sd=0.2, df=4, subjects=2), "not the same in all people, and others may pass", "1 subject"),
        (STATED_SCATTER(sd=0.02), "how much else nights of one person differ by is not known", "usually differ"),
        (FIT_ERROR_ALONE(), "the error of the fit alone", "usually differ"),
    ],
)
def test_a_result_of_one_subject_says_what_its_interval_rests_on(reason, said, unsaid):
    sentence = subject_result(result_row(n=2, reasons=encode([reason])), WITHIN, SWA, Settings())
    assert said in sentence
    assert unsaid not in sentence


@pytest.mark.parametrize(
    ("subjects", "confidence", "said"),
    [
        (12, 0.95, "about 5 % of subjects pass without a change, of 12 one or more in about 46 % of studies"),
        (20, 0.99, "about 1 % of subjects pass without a change, of 20 one or more in about 18 % of studies"),
        (1, 0.95, "about 5 % of subjects pass without a change, in each marker"),
    ],
)
def test_how_many_single_subjects_pass_by_chance(subjects, confidence, said):
    assert said in passed_by_chance(subjects, confidence)


@pytest.mark.parametrize(("subjects", "confidence"), [(0, 0.95), (12, 0.9)])
def test_no_single_subject_passes_where_none_is_told(subjects, confidence):
    assert passed_by_chance(subjects, confidence) == ""


@pytest.mark.parametrize("reason", [STATED_SCATTER(sd=0.02), FIT_ERROR_ALONE()])
def test_a_card_calls_no_change_reliable_whose_interval_lacks_the_variation_between_nights(reason):
    """The sentence said that it is not known, the card beside it "more than two nights would usually differ"."""
    answer = subject_answer(result_row(n=2, reasons=encode([reason])), WITHIN, SWA, Settings())
    assert "how much else nights of one person differ by is not known" in answer.reading
    assert not answer.is_told
    known = subject_answer(result_row(n=2, reasons=encode([STATED_RELIABILITY(sd=0.1)])), WITHIN, SWA, Settings())
    assert "more than two nights of one person would usually differ" in known.reading
    assert known.is_told


@pytest.mark.parametrize("sentence", [subject_result, group_result])
def test_another_time_constant_may_be_another_asymptote(sentence):
    headline = Headline(marker=Marker("process_s_tau_condition", "NREM", "night", "F3-M2"), declared=True)
    assert "another asymptote reads as another time constant" in sentence(result_row(), WITHIN, headline, Settings())
    assert "asymptote" not in sentence(result_row(), WITHIN, SWA, Settings())


@pytest.mark.parametrize(
    ("role", "adjusted", "told"), [("primary", 0.04, True), ("primary", 0.02, False), ("exploratory", 0.04, True)]
)
def test_the_primary_of_two_drugs_is_told_with_both_p(role, adjusted, told):
    said = group_result(result_row(role=role, p_adjusted=adjusted, n_tests=2), WITHIN, SWA, Settings())
    assert "; p = .02" in said or "; p = 0.02" in said
    assert ("adjusted over the 2 contrasts with placebo" in said) == told


def test_a_result_says_the_method_of_its_row():
    few = result_row(method="paired t", reasons=encode([PAIRED_T(), FEW_FOR_FLIPS(smallest_p=0.125)]))
    said = group_result(few, WITHIN, SWA, Settings())
    assert "Method: too few subjects for a sign-flip interval" in said
    assert "so this is the paired t interval" in said
    for reason in (MIXED_MODEL(), FEW_FOR_LABELS()):
        said = group_result(result_row(method=reason.words, reasons=encode([reason])), WITHIN, SWA, Settings())
        assert reason.words in said
        assert "paired t" not in said


def test_a_change_that_is_compared_between_arms_or_groups_is_told_as_that():
    """Names of groups used to be read as those of conditions: "than placebo patients:controls nights"."""
    groups = Contrast(treatment="ketamine", comparator="placebo", first="patients", second="controls")
    said = group_result(result_row(), groups, SWA, Settings()).replace("\u00a0", " ")
    assert said.startswith(
        "The change of slow-wave activity (0.5–4 Hz) in N2+N3 of NREM cycle 1 at F3-M2 was on average "
    )
    assert "20.0 % higher in patients than in controls (95 % interval" in said
    assert said.endswith("The whole interval lies above no difference.")
    sizes = ARM_SIZES(first="patients", second="controls", n_first=7, n_second=5)
    row = result_row(estimate=1.1, ci_low=0.9, ci_high=1.3, n=12, reasons=encode([sizes]))
    answer = group_answer(row, groups, SWA, Settings())
    assert "n = 7 + 5 subjects" in [text.replace("\u00a0", " ") for text in answer.numbers]
    assert (answer.aside, answer.is_told, answer.is_part) == ("direction unclear", False, False)
    assert group_answer(result_row(), groups, SWA, Settings()).aside == ""
    same = group_result(result_row(estimate=1.0, ci_low=0.9, ci_high=1.1), groups, SWA, Settings())
    assert "was on average the same in patients as in controls" in same
    assert (
        "Whether patients changed more or less than controls stays open: the interval leaves room for either." in same
    )


@pytest.mark.parametrize(
    ("names", "told"), [(["placebo"], False), (["Mg", "placebo"], True), (["iv magnesium"], True), (["omg"], False)]
)
def test_what_magnesium_is_known_for_is_said_of_its_conditions(names, told):
    assert (MAGNESIUM in caveats(names)) == told


def test_filters_say_which_nights_have_them():
    """ "8 nights" of each left open that one condition had them all."""

    def stored(condition, text):
        return SimpleNamespace(condition=condition, summary={"header": {"C4": {"prefilter": text}}})

    nights = (
        [stored("baseline", "HP:0.1Hz")] * 3 + [stored("ketamine", "HP:1Hz")] * 2 + [stored("ketamine", "HP:0.1Hz")]
    )
    assert (
        _filters(nights)
        == "HP:0.1Hz (all 3 baseline nights and 1 of 3 ketamine nights); HP:1Hz (2 of 3 ketamine nights)"
    )
    assert _filters(nights[:3]) == "HP:0.1Hz"


def test_a_card_names_the_test_of_its_p_or_why_there_is_none():
    flips = result_row(method="sign-flip, exact", reasons=encode([SIGN_FLIPS_EXACT()]))
    assert group_answer(flips, WITHIN, SWA, Settings()).numbers[-2:] == ("p = 0.020", "sign-flip test")
    for reasons, said in (
        ([PAIRED_T(), TWO_SUBJECTS()], "no p with two subjects"),
        ([SIGN_FLIPS_EXACT(), ONE_ARM(arm="placebo")], "no p within one arm"),
        ([PAIRED_T()], "no p"),
    ):
        row = result_row(p=np.nan, p_adjusted=np.nan, reasons=encode(reasons))
        assert group_answer(row, WITHIN, SWA, Settings()).numbers[-1] == said


def test_every_method_of_a_row_over_subjects_has_a_name_for_its_card():
    stated = {kind.code for kind in known_kinds().values() if kind.part == "method"}
    of_one_subject = {"no_interval", "baseline_pairs", "stated_reliability", "stated_by_scorings", "stated_scatter"}
    of_one_subject |= {"fit_error", "fit_error_alone"}
    assert stated - of_one_subject <= set(TESTS)


def test_the_arm_of_the_control_carries_the_same_warning():
    """It stood beside the arm of the drug alone, so that the other read as a result."""
    row = result_row(p=np.nan, p_adjusted=np.nan, reasons=encode([SIGN_FLIPS_EXACT(), ONE_ARM(arm="placebo")]))
    answer = group_answer(row, WITHIN, SWA, Settings())
    assert answer.is_part
    assert answer.limit == "Only the comparison of the arms can show an effect of the drug."


def test_the_study_page_says_that_swa_does_not_know_of_randomisation_and_blinding(study):
    cards = (study.path / "index.html").read_text(encoding="utf-8").split("<details>")[0]
    assert "Whether the study was randomised or blinded is not in its files" in cards
    assert "or blinded" not in unstated(blinded=True), "beside a notice that the conditions are codes"


def test_filters_of_the_headers_stand_in_the_head_of_each_page(build, compare, tmp_path):
    results = build(tmp_path / "results", [night("A", "baseline"), night("A", "ketamine")])
    for session, text in (("baseline", ""), ("ketamine", "HP:1Hz")):
        folder = results.night("A", session)
        document = folder.document()
        facts = {"transducer": "", "prefilter": text, "physical_range_uv": None, "rate_hz": 100.0, "derivation": ""}
        document["summary"]["header"] = dict.fromkeys(("F3-M2", "C4-M1"), facts)
        folder.finish(document)
    compare(results.path)
    for page in all_pages(results):
        text = " ".join(parse(page).text.split())
        assert "Filters in the headers: none named (the baseline night); HP:1Hz (the ketamine night)." in text
