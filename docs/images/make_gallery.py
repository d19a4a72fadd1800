"""Pictures of docs/gallery.md: python docs/images/make_gallery.py, after `swa run sample_recordings -o results`."""

from pathlib import Path

import swa
from swa.comparison.contrasts import subject_values
from swa.tables.contrast import contrasts_in

HERE = Path(__file__).parent
FOLDER = Path("sample_recordings")


def main() -> None:
    """Write the five pictures."""
    nights = {}
    for condition in ("baseline", "ketamine"):
        hypnogram = swa.read_hypnogram(FOLDER / "truth" / f"S01_{condition}_stages.tsv")
        nights[condition] = swa.analyze_night(swa.read_recording(FOLDER / f"S01_{condition}.edf"), hypnogram)
    first = nights["baseline"]
    results = swa.read_results("results")
    marker = "stages == 'NREM' and window == 'cycle-1' and channel == 'C4-M1' and variant == ''"
    values = subject_values(results).query(f"{marker} and measure == 'swa'")
    markers = ["swa", "delta_power", "wave_density", "wave_amplitude_p90", "wave_slope_up", "wave_slope_up_matched"]
    rows = results.contrasts.query(f"{marker} and subject == 'group' and contrast == 'ketamine:baseline'")
    rows = rows.set_index("measure").reindex(markers).dropna(subset="estimate").reset_index()
    contrasts = contrasts_in(results.contrasts)
    waves = {name: night.waves for name, night in nights.items()}
    spectra = {name: night.spectra for name, night in nights.items()}
    figures = {
        "night": swa.figures.night_overview(first.epochs, first.hypnogram, first.spectrogram, first.cycles),
        "waves": swa.figures.slow_wave_average(waves, channel="C4-M1"),
        "spectra": swa.figures.average_spectra(spectra, channel="C4-M1"),
        "pairs": swa.figures.paired_changes(values, contrasts=contrasts, unit="µV²", title="SWA, NREM cycle 1"),
        "forest": swa.figures.forest(rows, count="subjects"),
    }
    for name, figure in figures.items():
        (HERE / f"gallery-{name}.png").write_bytes(swa.figures.figure_bytes(figure, "png", dpi=110))


if __name__ == "__main__":
    main()
