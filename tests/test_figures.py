"""Figures: they show the numbers that they are given, say when there are none, and are the same bytes each time."""

import datetime
import io
import itertools

import matplotlib
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from swa.errors import SwaError
from swa.glossary import read_glossary
from swa.report import figures
from swa.report.figures.night_plots import STAGE_ROWS
from swa.report.figures.style import BASELINE_COLOR, TREATMENT_COLORS
from swa.tables.contrast import Contrast

CONDITIONS = ["baseline", "ketamine", "magnesium"]

NBSP = "\u00a0"


def wave(amplitude_uv=80.0, channel="F3", n=12):
    time = np.arange(-100, 151) / 100
    return pd.DataFrame(
        {
            "channel": channel,
            "time_s": time,
            "mean_uv": -amplitude_uv * np.exp(-((time / 0.2) ** 2)),
            "sd_uv": 10.0,
            "n_waves": n,
        }
    )


def changes(**columns):
    rows = {
        "contrast": "ketamine:baseline",
        "measure": ["swa", "swa", "wave_density"],
        "window": ["cycle-1", "night", "night"],
        "scale": "ratio",
        "estimate": [1.25, 1.1, 0.9],
        "ci_low": [1.05, 0.9, np.nan],
        "ci_high": [1.49, 1.34, np.nan],
        "n": [8, 8, 8],
        "note": ["", "", "no interval: there is no stated reliability for this measure"],
    }
    return pd.DataFrame(rows | columns)


def pairs(contrast="ketamine:baseline", scale="ratio"):
    return pd.DataFrame(
        {
            "contrast": contrast,
            "subject": ["S1", "S2", "S3"],
            "baseline": [100.0, 200.0, 400.0],
            "treatment": [120.0, 260.0, np.nan],
            "scale": scale,
        }
    )


def texts(figure):
    found = [text.get_text() for text in figure.findobj(mpl.text.Text)]
    return [text for text in found if text]


def all_figures(night):
    colors = figures.condition_colors(CONDITIONS, "baseline")
    return {
        "night": figures.night_overview(
            night.epochs, night.hypnogram, night.spectrogram, night.cycles, start="2024-03-01T22:40:00"
        ),
        "average": figures.slow_wave_average({"baseline": night.waves, "ketamine": night.waves}, colors=colors),
        "spectra": figures.average_spectra({"baseline": night.spectra, "ketamine": night.spectra}, colors=colors),
        "paired": figures.paired_changes(pairs(), unit="µV²", colors=colors),
        "contrasts": figures.contrast_changes(changes().head(2), pairs().assign(change=1.1), title="SWA"),
        "forest": figures.forest(changes()),
    }


def test_equal_inputs_give_equal_bytes_without_a_date(night):
    for name, figure in all_figures(night).items():
        assert isinstance(figure, Figure)
        again = all_figures(night)[name]
        for kind in ("svg", "png"):
            first = figures.figure_bytes(figure, kind)
            assert first == figures.figure_bytes(again, kind), (name, kind)
            assert first == figures.figure_bytes(figure, kind), (name, kind)
        svg = figures.figure_bytes(figure, "svg").decode()
        assert "<dc:date>" not in svg
        assert "<text" not in svg, "letters are paths, so that no font is asked for"
        assert "Matplotlib v" not in svg


def test_one_pass_shows_what_two_drawings_show():
    """Lines, marks, intervals, fills, clips, an image, a mesh, dashes and letters stand where matplotlib puts them."""
    figure = Figure(figsize=(4, 3))
    axes = figure.subplots()
    axes.plot([0, 1, 2], [0, 2, 1], marker="o", linestyle="--", label="a line")
    axes.errorbar([0.5, 1.5], [1, 1], yerr=0.4, fmt="s")
    axes.scatter([0.2, 1.2], [1.5, 0.3], s=[20, 200])
    axes.fill_between([0, 2], [0, 0], [0.2, 0.4], alpha=0.5)
    axes.hlines([0.5, 1.5], 0, 9, color="red")  # cut at the edge of the axes
    figure.colorbar(axes.imshow(np.arange(12).reshape(3, 4), extent=(0.5, 1, 1, 1.5), interpolation="none"))
    axes.set(xlim=(0, 2), ylim=(0, 2), ylabel="µV²", xlabel="time (s)")
    axes.legend()
    svg, png = figures.figure_files(figure, dpi=120)
    plain = io.BytesIO()
    figure.savefig(plain, format="png", dpi=120)
    ours, theirs = (np.asarray(Image.open(file).convert("RGB"), dtype=float) for file in (io.BytesIO(png), plain))
    assert ours.shape == theirs.shape == (360, 480, 3)
    # Letters are outlines in ours, which shades their edges otherwise; a thing out of place would show in whole blocks.
    blocks = np.abs(ours - theirs).reshape(18, 20, 24, 20, 3).mean(axis=(1, 3, 4))
    # Around the axes are letters alone, which matplotlib 3.10 sets up to 3 pixels beside the outlines.
    is_old = matplotlib.__version_info__ < (3, 11)
    assert blocks[3:16, 5:18].max() < 25
    assert blocks.max() < (75 if is_old else 25)
    assert np.abs(ours - theirs).mean() < (3 if is_old else 2)
    shown = svg.decode()
    assert shown.count("<image") == 1
    assert 'width="288pt" height="216pt"' in shown


def test_the_style_of_the_caller_is_neither_used_nor_changed(night):
    expected = figures.figure_bytes(figures.forest(changes()), "svg")
    with mpl.rc_context({"font.size": 30.0, "axes.facecolor": "red"}):
        assert figures.figure_bytes(figures.forest(changes()), "svg") == expected
        assert mpl.rcParams["font.size"] == 30.0
    import sys

    assert "matplotlib.pyplot" not in sys.modules or not mpl.pyplot.get_fignums()


def test_a_condition_has_one_color_and_the_baseline_is_grey():
    colors = figures.condition_colors(["magnesium", "baseline", "ketamine"], "baseline")
    assert colors == {"baseline": BASELINE_COLOR, "ketamine": TREATMENT_COLORS[0], "magnesium": TREATMENT_COLORS[1]}
    assert colors == figures.condition_colors(CONDITIONS, "baseline")
    assert "" not in figures.condition_colors(["night"])


def test_average_wave_shows_the_means_that_it_is_given():
    figure = figures.slow_wave_average({"baseline": wave(60), "ketamine": wave(80, n=30)})
    lines = {line.get_label(): line for line in figure.axes[0].lines if " (n = " in str(line.get_label())}
    assert set(lines) == {"baseline (n = 12 waves)", "ketamine (n = 30 waves)"}
    shown = lines["ketamine (n = 30 waves)"]
    np.testing.assert_allclose(shown.get_ydata(), wave(80)["mean_uv"])
    np.testing.assert_allclose(shown.get_xdata(), wave(80)["time_s"])


def test_average_wave_takes_slow_waves_and_the_channel_that_all_have(night):
    own = figures.slow_wave_average({"a": night.waves, "b": wave(channel="C4-M1")})
    assert "Average slow wave, C4-M1" in texts(own)
    assert "Average slow wave, F3-M2" in texts(figures.slow_wave_average({"a": night.waves}))


def test_no_wave_is_said():
    assert "no slow wave in any of the nights" in texts(figures.slow_wave_average({"baseline": wave().iloc[:0]}))


def test_an_average_of_no_condition_is_an_error():
    with pytest.raises(SwaError, match="no condition was given"):
        figures.slow_wave_average({})


def test_nights_show_clock_time_where_it_is_known_and_hours_where_not(night):
    clock = figures.night_overview(
        night.epochs, night.hypnogram, night.spectrogram, night.cycles, start="2024-03-01T22:40"
    )
    same = figures.night_overview(
        night.epochs, night.hypnogram, night.spectrogram, night.cycles, start=datetime.datetime(2024, 3, 1, 22, 40)
    )
    assert {"23:00", "00:30", "clock time"} <= set(texts(clock))
    assert texts(clock) == texts(same)
    hours = figures.night_overview(night.epochs, night.hypnogram, night.spectrogram, night.cycles)
    assert {"0", "0.5", "time from the start of the recording (h)"} <= set(texts(hours))
    tick = dict(
        zip([text.get_text() for text in clock.axes[2].get_xticklabels()], clock.axes[2].get_xticks(), strict=True)
    )
    assert tick["23:00"] == pytest.approx(20 / 60)


def test_night_marks_cycles_with_the_mean_of_their_nrem_epochs(night):
    figure = figures.night_overview(night.epochs, night.hypnogram, night.spectrogram, night.cycles)
    assert [f"cycle {n}" for n in night.cycles["cycle"]] == [
        text for text in texts(figure) if text.startswith("cycle ")
    ]
    channel = night.epochs[night.epochs["channel"] == "F3-M2"]
    first = night.cycles.iloc[0]
    inside = channel["onset_s"].between(first["nrem_start_s"], first["nrem_end_s"] - 1)
    expected = channel.loc[inside & channel["stage"].isin(["N2", "N3"]), "swa"].mean()
    heights = [segment[0][1] for lines in figure.axes[2].collections for segment in lines.get_segments()]
    assert heights[0] == pytest.approx(expected)


def test_night_says_where_time_is_unusable_and_survives_gaps(night):
    epochs = night.epochs.copy()
    epochs.loc[epochs["onset_s"].between(3000, 4000), ["swa", "usable_s"]] = [np.nan, 0.0]
    spectrogram = night.spectrogram.copy()
    spectrogram.iloc[100:130, 1:] = np.nan
    figure = figures.night_overview(epochs, night.hypnogram, spectrogram, night.cycles.iloc[:0])
    assert any("less than half of the epoch is usable" in text for text in texts(figure))
    assert len(figure.axes[2].patches) > 1
    figures.figure_bytes(figure, "svg")


def test_night_without_channel_or_spectrogram_is_drawn(night):
    empty = figures.night_overview(night.epochs.iloc[:0], night.hypnogram)
    assert "no EEG channel was measured" in texts(empty)
    assert len(empty.axes) == 2


def test_a_stored_hypnogram_looks_like_the_one_in_memory(night):
    onset = night.epochs.drop_duplicates("onset_s")
    stored = pd.DataFrame({"onset": onset["onset_s"], "duration": 30.0, "stage": onset["stage"]})
    first = figures.night_overview(night.epochs, night.hypnogram, night.spectrogram, night.cycles)
    second = figures.night_overview(night.epochs, stored, night.spectrogram, night.cycles)
    assert figures.figure_bytes(first, "png") == figures.figure_bytes(second, "png")


def test_shared_scales_are_kept(night):
    figure = figures.night_overview(
        night.epochs, night.hypnogram, night.spectrogram, night.cycles, swa_limit_uv2=5000, power_limits_db=(-10, 35)
    )
    assert figure.axes[2].get_ylim() == (0, 5000)
    assert figure.axes[1].images[0].get_clim() == (-10, 35)


def test_spectra_show_the_change_in_decibels(night):
    louder = night.spectra.assign(density_uv2_hz=night.spectra["density_uv2_hz"] * 10)
    figure = figures.average_spectra({"baseline": night.spectra, "ketamine": louder})
    np.testing.assert_allclose(figure.axes[1].lines[0].get_ydata(), 10)
    assert "no spectrum was measured" in texts(figures.average_spectra({"baseline": night.spectra.iloc[:0]}))


def test_paired_plot_shows_complete_subjects_and_their_geometric_mean():
    known = {"ketamine:baseline": Contrast(treatment="ketamine", comparator="baseline")}
    figure = figures.paired_changes(pairs(), contrasts=known)
    bold = next(line for line in figure.axes[0].lines if line.get_linewidth() > 2)
    np.testing.assert_allclose(bold.get_ydata(), [np.sqrt(100 * 200), np.sqrt(120 * 260)])
    assert "n = 2" in texts(figure)
    assert figure.axes[0].get_yscale() == "log"


def test_paired_plot_of_differences_has_a_plain_axis_and_mean():
    figure = figures.paired_changes(pairs(scale="difference"))
    bold = next(line for line in figure.axes[0].lines if line.get_linewidth() > 2)
    np.testing.assert_allclose(bold.get_ydata(), [150, 190])
    assert figure.axes[0].get_yscale() == "linear"


def test_contrasts_stand_side_by_side_on_one_scale():
    both = pd.concat([pairs(), pairs("magnesium:baseline")])
    known = {"magnesium:baseline": Contrast(treatment="magnesium", comparator="baseline")}
    figure = figures.paired_changes(both, contrasts=known)
    assert len(figure.axes) == 2
    ticks = [[label.get_text() for label in axes.get_xticklabels()] for axes in figure.axes]
    assert ticks == [["baseline", "treatment"], ["baseline", "magnesium"]]
    assert [axes.get_xlabel() for axes in figure.axes] == ["ketamine:baseline, n = 2", "n = 2"]
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()
    assert "no subject has both values" in texts(figures.paired_changes(pairs().iloc[2:]))


def test_forest_marks_what_excludes_no_change_and_what_has_no_interval():
    figure = figures.forest(changes(), color="#0072b2")
    marks = [line for line in figure.axes[0].lines if line.get_marker() in ("o", "s", "D", "x")]
    assert [mark.get_marker() for mark in marks] == ["o", "s", "x"]
    assert [mark.get_markerfacecolor() for mark in marks[:2]] == ["#0072b2", "white"]
    np.testing.assert_allclose([float(mark.get_xdata()[0]) for mark in marks], [1.25, 1.1, 0.9])
    assert "+25.0 (+5.0 to +49.0), n = 8" in texts(figure)
    assert "−10.0 (no interval), n = 8" in texts(figure)


def test_forest_cuts_a_wide_interval_with_an_arrow_and_keeps_every_estimate():
    figure = figures.forest(changes(ci_high=[1.49, 500.0, np.nan]))
    low, high = figure.axes[0].get_xlim()
    assert low < 0.9
    assert 1.25 < high < 500
    assert ">" in [line.get_marker() for line in figure.axes[0].lines]


def test_forest_leaves_out_what_was_not_measured_and_differences():
    figure = figures.forest(changes(estimate=[np.nan, 1.1, 0.9], scale=["ratio", "difference", "ratio"]))
    assert len([line for line in figure.axes[0].lines if line.get_marker() in ("o", "s", "x")]) == 1
    assert "nothing was measured in both conditions" in texts(figures.forest(changes(estimate=[np.nan] * 3)))


def test_names_of_changes_of_sleep_begin_within_the_figure():
    names = [name for name, known in read_glossary().items() if known.group == "architecture"]
    rows = pd.DataFrame({"measure": names, "estimate": 1.0, "ci_low": 0.0, "ci_high": 2.0})
    figure = figures.sleep_changes(rows)
    figure.canvas.draw()
    labels = figure.axes[0].get_yticklabels()
    assert len(labels) == len(names)
    assert min(label.get_window_extent().x0 for label in labels) >= 0
    boxes = [label.get_window_extent() for label in labels]
    assert all(above.y0 >= below.y1 - 2 for above, below in itertools.pairwise(boxes))


def test_an_axis_of_activity_is_not_set_by_movement_in_wake(night):
    channel = night.epochs[night.epochs["channel"] == "F3-M2"]
    moved = channel.copy()
    moved.loc[moved["stage"] == "W", "swa"] = 1e6
    assert figures.activity_limit(moved) == figures.activity_limit(channel)
    assert figures.activity_limit(channel.iloc[:0]) == 1.0


def test_the_control_spectra_of_both_nights_are_one_plot_with_the_bands_of_the_check(night):
    from swa.report.figures.controls import control_spectra
    from swa.settings import ComparabilitySettings

    limits = ComparabilitySettings()
    bands = {"rem": limits.rem_hz, "quiet_wake": limits.wake_hz, "nrem_fast": limits.nrem_hz}
    channel = night.spectra["channel"].iloc[0]
    louder = night.spectra.assign(density_uv2_hz=night.spectra["density_uv2_hz"] * 1.44)
    figure = control_spectra({"baseline": night.spectra, "ketamine": louder}, channel, bands_hz=bands)
    lower, upper = (line.get_ydata() for line in figure.axes[2].get_lines())
    assert np.allclose(upper / lower, 1.44)
    assert {"baseline", "ketamine", "N2+N3, 20\N{EN DASH}30 Hz"} <= set(texts(figure))
    empty = control_spectra({"baseline": night.spectra.iloc[:0]}, channel, bands_hz=bands)
    assert texts(empty).count("not in these nights") == 3


def test_hypnograms_are_aligned_at_sleep_onset_whatever_their_starts():
    early = pd.DataFrame({"onset": [0.0, 30.0, 60.0], "duration": 30.0, "stage": ["W", "N2", "R"]})
    late = pd.concat([early.assign(stage="W"), early.assign(onset=early["onset"] + 90)], ignore_index=True)
    figure = figures.aligned_hypnograms({"a": early, "b": late}, {"a": 30.0, "b": 120.0})
    starts = []
    for axes in figure.axes:
        level, edges, _ = axes.patches[0].get_data()
        starts.append(edges[:-1][level == STAGE_ROWS["N2"]][0])
    assert starts == pytest.approx([0, 0])
    assert texts(figures.aligned_hypnograms({}, {}))


def test_stages_of_the_nights_of_a_subject_can_be_read_on_a_phone():
    stages = pd.DataFrame({"onset": [0, 30, 60], "duration": 30, "stage": ["W", "N2", "N3"]})
    figure = figures.aligned_hypnograms(dict.fromkeys("abc", stages), {})
    phone_px = 344  # what the card of a figure leaves of 390
    letters = [text.get_fontsize() for axes in figure.axes[:3] for text in axes.get_yticklabels()]
    assert min(letters) * phone_px / (figure.get_figwidth() * 72) > 5


def test_five_hypnograms_are_no_taller_than_a_screen():
    stages = pd.DataFrame({"onset": [0.0, 30.0, 60.0], "duration": 30.0, "stage": ["W", "N2", "R"], "swa": 100.0})
    sizes = [
        figures.aligned_hypnograms(dict.fromkeys("abcdefgh"[:n], stages), {}).get_figheight() for n in (1, 2, 5, 8)
    ]
    assert sizes == sorted(sizes)
    assert sizes[2] < 6.5


def test_a_course_of_one_cycle_counts_in_whole_cycles():
    table = pd.DataFrame({"condition": "a", "kind": ["cycle", "hour", "hour"], "number": [1, 1, 2], "mean": 200.0})
    figure = figures.activity_course(table.assign(ci_low=150.0, ci_high=250.0))
    assert [axes.get_xticks().tolist() for axes in figure.axes] == [[1], [1, 2]]


def test_an_interval_of_few_subjects_does_not_squash_the_activity_of_the_others():
    numbers = {"condition": ["a", "a", "b"], "kind": "hour", "number": [1, 2, 2], "mean": [560.0, 300.0, 400.0]}
    table = pd.DataFrame(numbers).assign(ci_low=100.0, ci_high=[800.0, 3200.0, np.nan], n=[4, 3, 2])
    figure = figures.activity_course(table)
    hours = figure.axes[1]
    assert hours.get_ylim() == (0, 1680)
    (cut,) = [line.get_xydata().tolist() for line in hours.lines if line.get_marker() == "^" and len(line.get_xdata())]
    assert cut == [[pytest.approx(2 - 0.045), 1680]]
    assert [text.get_text() for text in hours.texts] == ["n = 3"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a (n = 4)", "b (n = 2)"]
    assert figures.activity_course(table.assign(ci_high=600.0)).axes[0].get_ylim() == (0, 630)


def test_a_legend_lies_over_no_data():
    numbers = {"condition": list("abcdef"), "kind": "cycle", "number": 1, "mean": 200.0, "ci_low": 150.0}
    points = {"covariate": "age", "contrast": ["a:b", "c:b"], "x": [20.0, 30.0], "change": 1.2, "scale": "ratio"}
    for figure in (
        figures.activity_course(pd.DataFrame(numbers).assign(ci_high=250.0)),
        figures.covariate_changes(pd.DataFrame(points)),
    ):
        below = min(legend.get_window_extent().y0 for legend in figure.legends)
        assert all(axes.get_window_extent().y1 <= below for axes in figure.axes)
        assert not any(axes.get_legend() for axes in figure.axes)


def test_activity_of_a_night_that_is_not_compared_is_dotted():
    stages = pd.DataFrame({"onset": np.arange(40) * 30.0, "duration": 30.0, "stage": "N2", "swa": 100.0})
    figure = figures.aligned_hypnograms({"a": stages, "b": stages}, {"a": 0.0, "b": 0.0}, aside=["b"])
    styles = [line.get_linestyle() for line in figure.axes[-1].lines]
    assert styles[:2] == ["-", ":"]


def test_changes_in_minutes_are_filled_where_they_exclude_none():
    rows = pd.DataFrame({"measure": ["n3_minutes", "tst", "waso"], "estimate": [6.4, -2.0, 0.0]})
    rows = rows.assign(ci_low=[1.0, -9.0, np.nan], ci_high=[11.8, 5.0, np.nan])
    marks = [line for line in figures.sleep_changes(rows).axes[0].get_lines() if line.get_marker() not in ("None", "")]
    assert [line.get_marker() for line in marks] == ["s", "s", "x"]
    assert [line.get_markerfacecolor() == "white" for line in marks[:2]] == [False, True]
    assert "nothing was measured in both conditions" in texts(figures.sleep_changes(rows.iloc[:0]))


EMPTY = pd.DataFrame()
DRAWN_FROM_TABLES = {
    "forest": lambda table: figures.forest(table),
    "sleep_changes": lambda table: figures.sleep_changes(table),
    "aligned_hypnograms": lambda table: figures.aligned_hypnograms({"a": table}, {}),
    "paired_changes": lambda table: figures.paired_changes(table),
    "wave_amplitudes": lambda table: figures.wave_amplitudes(table),
    "slope_by_amplitude": lambda table: figures.slope_by_amplitude(table, table),
    "covariate_changes": lambda table: figures.covariate_changes(table),
    "activity_course": lambda table: figures.activity_course(table),
    "scalp_changes": lambda table: figures.scalp_changes(table),
    "group_spectra": lambda table: figures.group_spectra(table, table),
    "specification_curve": lambda table: figures.specification_curve(table),
    "control_spectra": lambda table: figures.control_spectra({"a": table}, "C4-M1", bands_hz={}),
    "average_spectra": lambda table: figures.average_spectra({"a": table}),
    "slow_wave_average": lambda table: figures.slow_wave_average({"a": table}),
    "night_overview": lambda table: figures.night_overview(table, table),
}


@pytest.mark.parametrize("name", DRAWN_FROM_TABLES)
def test_a_table_without_the_columns_is_told_what_was_found_and_expected(name):
    draw = DRAWN_FROM_TABLES[name]
    with pytest.raises(SwaError, match=f"^{name}: the table has no column .*; found: none. Expected is a DataFrame"):
        draw(EMPTY)
    with pytest.raises(SwaError, match=f"^{name}: the table has no column .*; found: measure."):
        draw(pd.DataFrame({"measure": ["swa"]}))
    with pytest.raises(SwaError, match=f"^{name}: got list. Expected is a DataFrame with the columns"):
        draw([1.0])


def test_a_table_with_columns_and_no_rows_is_an_empty_figure():
    assert "nothing was measured in both conditions" in texts(figures.forest(changes().iloc[:0]))
    columns = ["contrast", "channel", "estimate"]
    assert "no electrode was measured" in " ".join(texts(figures.scalp_changes(pd.DataFrame(columns=columns))))


def test_a_channel_stages_or_window_that_is_not_there_is_told_with_those_that_are(night):
    spectra = {"baseline": night.spectra}
    for chosen, kind in (({"channel": "Z9"}, "channel"), ({"stages": "N5"}, "stages"), ({"window": "noon"}, "window")):
        word = next(iter(chosen.values()))
        with pytest.raises(SwaError, match=f"average_spectra: there is no {kind} '{word}'. Expected is one of "):
            figures.average_spectra(spectra, **chosen)
    with pytest.raises(SwaError, match=r"there is no channel 'Z9'. Expected is one of F3-M2"):
        figures.slow_wave_average({"baseline": night.waves}, "Z9")
    with pytest.raises(SwaError, match=r"there is no channel 'Z9'. Expected is one of F3-M2"):
        figures.night_overview(night.epochs, night.hypnogram, channel="Z9")
    with pytest.raises(SwaError, match=r"control_spectra: there is no channel 'Z9'"):
        figures.control_spectra(spectra, "Z9", bands_hz={})
    with pytest.raises(SwaError, match=r"bands_hz has no quiet_wake, nrem_fast; found: rem. Expected are rem, quiet"):
        figures.control_spectra(spectra, "F3-M2", bands_hz={"rem": (4, 10)})
    unknown = pd.DataFrame({"contrast": "a:b", "channel": ["F3-M2", "E17"], "estimate": 1.1})
    with pytest.raises(SwaError, match="the channel 'E17' has no place on the head"):
        figures.scalp_changes(unknown)


def test_contrasts_stand_on_one_axis_with_a_dot_for_each_subject():
    names = ["ketamine:placebo", "magnesium:placebo"]
    rows = changes().head(2).assign(contrast=names, n=[8, 2], ci_low=[1.05, np.nan], ci_high=[1.49, np.nan])
    rows["is_told"] = [True, False]
    known = {name: Contrast(treatment=name.partition(":")[0], comparator="placebo") for name in names}
    subjects = pd.DataFrame({"contrast": names[0], "subject": ["S1", "S2"], "change": [0.4, 2.5]})
    figure = figures.contrast_changes(rows, subjects, contrasts=known)
    said = {
        "ketamine against placebo",
        f"+25.0{NBSP}% (+5.0{NBSP}% to +49.0{NBSP}%), n = 8",
        "magnesium against placebo",
    }
    assert said <= set(texts(figure))
    (axes,) = figure.axes
    low, high = axes.get_xlim()
    assert (low < 0.4, high > 2.5) == (True, True), "no subject is beyond the axis"
    marks = [line for line in axes.lines if line.get_markersize() == 5.5]
    assert [line.get_markerfacecolor() != "white" for line in marks] == [True]
    minutes = rows.assign(scale="difference", estimate=[5.0, -3.0], ci_low=[1.0, np.nan], ci_high=[9.0, np.nan])
    assert "change, min" in texts(figures.contrast_changes(minutes, subjects, unit="min"))
    assert "nothing was measured in both conditions" in texts(figures.contrast_changes(rows.head(0), subjects))


def test_forests_beside_each_other_have_one_axis():
    rows = changes()
    wide = figures.forest(rows, limits=(0.2, 5.0))
    assert wide.axes[0].get_xlim() == pytest.approx((0.2, 5.0))
