"""Every figure of the pages: functions that take tables and return matplotlib figures.

Conditions have the colours of `condition_colors`; `figure_bytes` writes a figure so that equal figures are equal bytes.
"""

from swa.report.figures.contrast_plots import contrast_changes
from swa.report.figures.controls import control_spectra
from swa.report.figures.course_plots import activity_course
from swa.report.figures.files import figure_bytes, figure_files
from swa.report.figures.forests import forest, paired_changes
from swa.report.figures.night_plots import activity_limit, night_overview, power_limits
from swa.report.figures.sleep_plots import aligned_hypnograms, sleep_changes
from swa.report.figures.specification_plots import specification_curve
from swa.report.figures.spectra_plots import average_spectra, group_spectra
from swa.report.figures.study_plots import combinations, covariate_changes, placed_channels, scalp_changes
from swa.report.figures.style import condition_colors
from swa.report.figures.wave_plots import slope_by_amplitude, slow_wave_average, wave_amplitudes

__all__ = [
    "activity_course",
    "activity_limit",
    "aligned_hypnograms",
    "average_spectra",
    "combinations",
    "condition_colors",
    "contrast_changes",
    "control_spectra",
    "covariate_changes",
    "figure_bytes",
    "figure_files",
    "forest",
    "group_spectra",
    "night_overview",
    "paired_changes",
    "placed_channels",
    "power_limits",
    "scalp_changes",
    "sleep_changes",
    "slope_by_amplitude",
    "slow_wave_average",
    "specification_curve",
    "wave_amplitudes",
]
