"""The methods text: two runs differ in it exactly where their settings differ, and it cites what it uses."""

import dataclasses
import difflib
import re

import pandas as pd
import pytest

from swa.comparison.designs import known_designs
from swa.comparison.designs.mixed_model import MixedModel
from swa.comparison.designs.paired import Paired
from swa.report.facts import StudyFacts
from swa.report.words.methods_text import write_methods, write_setting
from swa.report.words.references import bibtex, cite, read_references, source
from swa.settings import Settings, check_settings


def facts(settings):
    nights = pd.DataFrame(
        {
            "subject": ["A", "A", "B"],
            "session": ["1", "2", "1"],
            "condition": ["baseline", "ketamine {x}", "baseline"],
            "status": ["done", "done", "failed"],
            "staging_source": ["YASA 0.8.1 (eeg: {C4}-M1)"] * 2 + [""],
        }
    )
    return StudyFacts(
        nights=nights,
        settings=settings,
        baseline="baseline",
        conditions=("baseline", "ketamine {x}"),
        design="",
        simulated="",
    )


PAIRED = Paired(treatment="ketamine {x}", baseline="baseline")
MIXED = MixedModel(treatment="magnesium", baseline="baseline")


class Stored:
    def __init__(self, **provenance):
        self.document = {"provenance": provenance}


def write(settings=None, **options):
    return write_methods(facts(settings or Settings()), [], **options)


def differences(first, second):
    """Words that two texts do not share."""
    first, second = first.split(), second.split()
    found = []
    for tag, i, j, k, m in difflib.SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        if tag != "equal":
            found.append((" ".join(first[i:j]), " ".join(second[k:m])))
    return found


CHANGED = {
    "signal.rate_hz": (200.0, "100", "200"),
    "cycles.nrem_starts_with": ("N1", "N2,", "N1,"),
    "cycles.rem_minimum_min": (4.0, "5", "4"),
    "artifacts.amplitude_uv": (450.0, "500", "450"),
    "artifacts.bad_channel_share": (0.3, "50", "30"),
    "power.window_s": (4.0, "5-s", "4-s"),
    "power.swa_hz": ((0.75, 4.5), "0.5–4", "0.75–4.5"),
    "power.sigma_hz": ((11.0, 13.0), "(11–16", "(11–13"),
    "waves.halfwave_s": ((0.3, 1.2), "0.25–1", "0.3–1.2"),
    "waves.negative_uv": ((50.0, float("inf")), "40", "50"),
    "windows.matched_min": (45.0, "60", "45"),
    "comparison.confidence": (0.9, "95", "90"),
    "comparison.icc": (0.9, "0.76,", "0.9,"),
}


@pytest.mark.parametrize("name", CHANGED)
def test_a_changed_setting_changes_its_words_and_no_others(name):
    value, before, after = CHANGED[name]
    group, key = name.split(".")
    changed = write(check_settings({group: {key: value}}))
    found = differences(write().text, changed.text)
    # Criteria that differ from their preset are called own: that is a setting too.
    renamed = [("riedner2007", "own")] if group == "waves" else []
    assert found == [*renamed, (before, after)]


def test_several_changed_settings_change_just_their_words():
    values = {"power": {"swa_hz": (0.75, 4.5)}, "comparison": {"icc": 0.9}, "windows": {"matched_min": 45.0}}
    found = differences(write().text, write(check_settings(values)).text)
    assert sorted(found) == sorted([("0.5–4", "0.75–4.5"), ("0.76,", "0.9,"), ("60", "45")])


def _every_setting():
    settings = Settings()
    for group in type(settings).model_fields:
        for key, value in getattr(settings, group):
            if isinstance(value, bool):
                yield group, key, not value
            elif isinstance(value, int | float):
                yield group, key, (value * 1.1 or 0.5) if isinstance(value, float) else value + 1


@pytest.mark.parametrize(("group", "key", "value"), list(_every_setting()), ids=lambda value: str(value))
def test_no_setting_in_force_is_left_unsaid(group, key, value):
    try:
        settings = check_settings({group: {key: value}})
    except Exception:  # out of its range: the other direction
        settings = check_settings({group: {key: value / 1.21 if isinstance(value, float) else value - 2}})
    text = write(settings).text
    assert text != write().text, f"{group}.{key} changes a number and must change the text"


def test_what_the_text_has_no_words_for_stands_at_its_end():
    text = write(check_settings({"quality": {"nrem_min": 90.0}})).sections[-1].text
    assert text.startswith("Further settings that differ from the defaults: quality.nrem_min = 90.")
    assert "Further settings" not in write().text


def test_scorings_are_counted_and_none_is_named_by_its_file():
    """Names of files hold dates of visits, which are no matter of a paper."""
    known = facts(Settings())
    nights = pd.concat([known.nights[:2]] * 4, ignore_index=True).assign(session=[f"n{i}" for i in range(8)])
    files = [f"Nacht {i} 06.01.2001 Scoring.csv" for i in range(8)]
    yasa = "YASA 0.8.1 (eeg: C4-M1)"
    for sources, told in (
        (files, "came from the scoring that came with the recording."),
        (
            [*files[:6], yasa, yasa],
            "came from YASA 0.8.1 (eeg: C4-M1) (Vallat & Walker, 2021) in 2 nights and the scoring that came with the "
            "recording in 6 nights.",
        ),
        ([f"YASA 0.8.1 (eeg: C{i}-M1)" for i in range(8)], "came from YASA 0.8.1 (Vallat & Walker, 2021)."),
    ):
        own = nights.assign(staging_source=sources, recording=[f"Nacht {i} 06.01.2001.edf" for i in range(8)])
        text = write_methods(dataclasses.replace(known, nights=own), []).text
        assert told in text
        assert "06.01.2001" not in text


def test_references_are_those_that_are_cited():
    text = write(designs=[PAIRED])
    keys = re.findall(r"^@\w+\{(\w+),$", text.references, re.M)
    assert keys == sorted(keys)
    for key in read_references():
        assert (cite(key) in text.text) == (key in keys), key
    assert "hartigan1969" in keys
    assert "hartigan1969" not in write().references
    assert "massimini2004" in write(check_settings({"waves": {"name": "massimini2004"}})).references


@pytest.mark.parametrize("key", read_references())
def test_bibtex_is_whole(key):
    entry = bibtex([key])
    assert entry.count("{") == entry.count("}")
    for name in ("author", "title", "journal", "year"):
        assert f"  {name} = {{" in entry
    fields = read_references()[key].fields
    assert cite(key).endswith(f", {fields['year']}")
    assert key.endswith(fields["year"])
    assert re.fullmatch(r"10\.\d{4,}/\S+", fields.get("doi", "")) or fields["url"].startswith("https://")


def test_one_two_and_more_authors_are_cited_as_texts_do():
    assert [cite(key) for key in ("holm1979", "vallat2021", "molle2002")] == [
        *("Holm, 1979", "Vallat & Walker, 2021", "Mölle et al., 2002")
    ]
    assert source("riedner2007") == "Riedner et al., 2007, Sleep 30:1643"


def test_a_page_writes_titles_over_the_paragraphs_and_sources_below_them():
    sections = {section.title: section for section in write(designs=[PAIRED]).sections}
    assert "Riedner et al., 2007, Sleep 30:1643" in sections["Slow waves"].sources
    assert any(text.startswith("Hartigan, 1969") for text in sections["Comparison of nights"].sources)
    assert all(section.text.strip() == section.text for section in sections.values())


def test_each_design_says_how_it_tests():
    """The text used to tell of sign flips whatever the rows over subjects were made by."""
    text = write(designs=[MIXED]).text
    assert "of the subjects who had both. Linear mixed model" in text
    assert "ign-flip" not in text
    paired = write(check_settings({"comparison": {"exact_flip_subjects": 9}}), designs=[PAIRED, PAIRED]).text
    assert "exact up to 9 subjects" in paired
    assert paired.count("Sign-flip test") == paired.count("labelled so (Hartigan, 1969).") == 1
    both = write(designs=[PAIRED, MIXED]).text
    assert "Over subjects: ketamine {x} against baseline: One value per subject. Sign-flip" in both
    assert "magnesium against baseline: One value per subject and condition, of" in both
    assert "Over subjects" not in write().text


def test_what_a_design_leaves_open_is_said_of_its_contrast():
    assert "Without a control condition the drug is confounded" in write(designs=[PAIRED]).text


def test_sources_of_designs_are_in_the_bibliography():
    assert {key for design in known_designs() for key in design.sources} <= set(read_references())


def test_recordings_versions_and_simulation_are_named():
    channel = {"name": "C4-M1", "role": "eeg", "rate_hz": 256.0, "note": "C4 less M1"}
    chin = {"name": "Chin", "role": "emg", "rate_hz": 512.0, "note": ""}
    night = Stored(channels=[channel, chin], versions={"swa": "0.1.0", "yasa": "0.8.1"})
    text = write_methods(facts(Settings()), [night, night])
    assert "We analysed 2 nights of 1 subject (1 night baseline and 1 night ketamine {x})." in text.text
    assert "1 further night could not be used." in text.text
    assert " The EEG, recorded at 256 Hz, was C4-M1 (C4 less M1)." in text.text
    assert "swa 0.1.0 (with yasa 0.8.1)" in text.text
    assert "note = {Version 0.1.0}" in text.references


def test_nights_are_counted_as_they_are_used_and_the_others_with_their_reason():
    rows = [
        *(("A", condition, "done", "", "") for condition in ("baseline", "ketamine {x}")),
        ("A", "baseline", "done", "yes", ""),
        *(("B", condition, "done", "", "") for condition in ("baseline", "ketamine {x}")),
        ("B", "ketamine {x}", "excluded", "", "fever"),
        ("B", "ketamine {x}", "excluded", "", "fever"),
        ("B", "ketamine {x}", "excluded", "", ""),
        ("C", "baseline", "failed", "", ""),
    ]
    nights = pd.DataFrame(rows, columns=["subject", "condition", "status", "adaptation", "exclude"])
    nights = nights.assign(session=[f"n{i}" for i in range(len(nights))])
    text = write_methods(dataclasses.replace(facts(Settings()), nights=nights), []).text
    counts = "2 nights baseline and 2 nights ketamine {x}"
    assert f"We analysed 5 nights of 2 subjects and compared 4 of them ({counts})." in text
    assert "1 adaptation night was not compared." in text
    assert "3 further nights were excluded by the user (3 ketamine {x}; fever: 2)." in text
    assert "1 further night could not be used." in text


def test_nights_before_an_infusion_are_counted_apart():
    rows = [(s, c, phase) for s in "AB" for c in ("baseline", "ketamine {x}") for phase in ("pre", "post")]
    nights = pd.DataFrame(rows, columns=["subject", "condition", "phase"])
    nights = nights.assign(session=[f"n{i}" for i in range(len(nights))], status="done")
    text = write_methods(dataclasses.replace(facts(Settings()), nights=nights), []).text
    counts = "2 nights baseline, 2 nights ketamine {x} and 4 nights before the infusion"
    assert f"We analysed 8 nights of 2 subjects ({counts})." in text


def test_derivations_stand_once_with_how_they_were_made():
    notes = {
        "C3-A2": "as recorded",
        "F3-A2": "as recorded",
        "EEG1": "as recorded; the label does not name the electrode",
    }
    channels = [{"name": name, "role": "eeg", "rate_hz": 100.0, "note": note} for name, note in notes.items()]
    text = write_methods(facts(Settings()), [Stored(channels=channels)]).text
    unnamed = "EEG1 (as recorded; the label does not name the electrode)"
    assert f" The EEG, recorded at 100 Hz, was C3-A2 and F3-A2 (as recorded) and {unnamed}." in text


def test_sixty_four_derivations_are_counted_not_listed():
    channels = [{"name": f"E{i}", "role": "eeg", "rate_hz": 500.0, "note": ""} for i in range(1, 65)]
    text = write_methods(facts(Settings()), [Stored(channels=channels)]).text
    assert "Hz, was 64 derivations, E1 to E64 (" in text


def test_a_declared_primary_is_named_and_an_undeclared_one_said():
    assert (
        "as named in the settings or the study file, was sigma power in N2+N3; all others"
        in write(primary="sigma power in N2+N3").text
    )
    assert "No primary outcome was declared, so all results are exploratory." in write().text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("power.overlap", 0.5, "50 %"),
        ("waves.negative_uv", (40.0, float("inf")), "at least 40 µV"),
        ("comparison.baseline", ("a", "b"), "a and b"),
        ("channels.roles", {}, "none"),
        ("cycles.sleep_onset", "first_n2", "first epoch of N2"),
    ],
)
def test_settings_are_written_as_a_text_writes_them(name, value, text):
    assert write_setting(name, value) == text


def test_a_channel_is_left_out_of_all_nights_only_where_a_subject_has_several():
    several = facts(Settings())
    alone = dataclasses.replace(several, nights=several.nights.iloc[[0, 2]], conditions=("baseline",))
    with_pairs, single = (write_methods(one, []).text for one in (several, alone))
    assert "NREM sleep unusable in a night was left out of all nights of the subject." in with_pairs
    assert "NREM sleep unusable in a night was marked as doubtful and left out of regional means." in single


def test_a_study_without_comparison_does_not_tell_how_it_compared():
    several = facts(Settings())
    alone = dataclasses.replace(several, nights=several.nights.iloc[[0]], conditions=("baseline",))
    assert "Nights were compared" in write_methods(several, []).text
    for word in ("Nights were compared", "primary", "two-sided"):
        assert word not in write_methods(alone, []).text
    failed = dataclasses.replace(alone, nights=several.nights.assign(status="failed"), baseline="", conditions=())
    assert write_methods(failed, []).text == "No night could be analysed, so there are no methods to report.\n"
