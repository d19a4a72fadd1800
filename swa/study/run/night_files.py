"""The files of one night as they are written, the one that makes it finished last."""

from typing import cast

import numpy as np
import pandas as pd

from swa.night.analysis import Night
from swa.study.store import NIGHT_FORMAT, NIGHT_TABLES, NightFolder
from swa.tables.files import hash_file, write_table
from swa.tables.night_document import AnalysedMinutes, Provenance, WrittenFile
from swa.tables.results_tables import SPECTRA, WAVES

WAVE_STAGES = ("N2", "N3")


def write_night(folder: NightFolder, night: Night, fingerprint: str, provenance: Provenance) -> None:
    """Write the tables of a night; `desc-night.json` goes last and alone makes the night finished."""
    waves = night.waves.table
    stages = night.hypnogram.proba
    epochs = night.epochs.drop_duplicates("onset_s")
    hypnogram = pd.DataFrame(
        {
            "onset": epochs["onset_s"],
            "duration": 1 / night.hypnogram.sampling_frequency,
            "stage": epochs["stage"],
            "confidence": np.nan if stages is None else stages.max(axis=1).to_numpy().round(4),
        }
    )
    tables = {
        "epochs": _rounded(night.epochs),
        "hypnogram": hypnogram,
        "waves": WAVES.typed(waves[waves["stage"].isin(WAVE_STAGES)]),
        "average": _rounded(night.waves.average),
        "spectra": SPECTRA.typed(night.spectra),
        "spectrogram": night.spectrogram,
        "cycles": night.cycles,
        "rejection": _rounded(night.rejection),
        "staging_bias": _rounded(night.staging_bias),
        "measures": night.measures,
    }
    folder.file("desc-night.json").unlink(missing_ok=True)  # from here on the night is neither the old nor the new one
    files: dict[str, WrittenFile] = {}
    for name, ending in NIGHT_TABLES.items():
        write_table(tables[name], folder.file(ending))
        path = folder.file(ending)
        files[ending] = {"size": path.stat().st_size, "sha256": hash_file(path)}
    folder.finish(
        {
            "format": NIGHT_FORMAT,
            "fingerprint": fingerprint,
            "summary": night.summary,
            "notes": list(night.notes),
            "provenance": provenance,
            "analysed_minutes": cast(AnalysedMinutes, night.waves.analysed_min.round(4).to_dict("list")),
            "files": files,
        }
    )


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Six significant digits are more than a marker holds."""
    table = table.copy()
    for column in table.select_dtypes("float"):
        table[column] = [float(f"{value:.6g}") for value in table[column]]
    return table
