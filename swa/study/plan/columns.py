"""Names of a study file's columns: other words and languages, and those that mean nothing here."""

import difflib
import re
from collections import Counter
from collections.abc import Sequence

from swa.glossary import short_names
from swa.study.plan.cell_words import NO
from swa.study.plan.sheet import number_of
from swa.tables.results_tables import NIGHTS
from swa.tables.schema import plain_name

MOST_CARRIED = 12  # names in one note
COVARIATE = "covariate_"
_READ_LATER = ("primary", "infusion", "nights_since_dose", "simulated")  # by who compares the nights
# Names that tables which nights are put into have for themselves, beside those of `NIGHTS`.
RESERVED = (
    "path", "problem", "subject_label", "session_label", "status", "staging_source", "verdict", "verdict_reasons",
    "doubts", "channel", "stages", "window", "measure", "variant", "value", "unit", "n", "note", "same_recording",
    "shared_recording",
)  # fmt: skip
APART = "study_"
# Names that mean one thing: no "Nacht" or "Visite", which can be order and session.
_OTHER_NAMES = {
    "subject": "subject_id, participant, participant_id, patient_id, "
    "proband, probandin, probanden_id, versuchsperson, vp, teilnehmer, sujet, sujeto",
    "condition": "treatment, bedingung, behandlung, traitement, condición, tratamiento",
    "recording": "edf, edf_file, psg, psg_file, file, file_name, filename, recording_file, "
    "aufnahme, aufzeichnung, datei, dateiname, enregistrement, fichier, fichier_edf, fichier_psg, nom_du_fichier, "
    "nom_de_fichier, grabación, archivo, archivo_edf, edf_datei, psg_datei",
    "session": "sitzung, séance, sesión",
    "hypnogram": "scoring, scoring_file, score_file, hypnogram_file, staging, staging_file, stages, stages_file, "
    "hypnogramm, hypnogramme, hipnograma, fichier_scoring, fichier_de_scoring, scoring_datei, "
    "schlafstadien_datei, fichier_hypnogramme, archivo_de_scoring",
    "date": "visit_date, study_date, "
    "datum, datum_der_nacht, nachtdatum, aufnahmedatum, messdatum, recording_date, date_of_recording, "
    "night_date, date_of_night, acq_time, date_de_nuit, date_de_la_nuit, date_d'enregistrement, fecha, "
    "fecha_de_la_noche",
    "order": "reihenfolge, ordre, orden",
    "period": "periode, période, periodo, período",
    "group": "gruppe, groupe, grupo",
    "adaptation": "adaptation_night, habituation_night, "
    "eingewöhnung, eingewöhnungsnacht, gewöhnungsnacht, adaptationsnacht, habituation, adaptación",
    "lights_off": "lights_out, light_off, licht_aus, lichtaus, lumières_éteintes, extinction_des_feux, "
    "extinction_des_lumières, coucher_lumières_éteintes, luces_apagadas, apagado_de_luces",
    "lights_on": "licht_an, lichtan, lumières_allumées, allumage_des_lumières, luces_encendidas",
    "wake_time": "aufwachzeit, heure_de_réveil, hora_de_despertar",
    "dose_start": "dose_time, time_of_dose, dosing_time, time_of_dosing, infusion_start, start_of_infusion, "
    "infusion_time, infusionsbeginn, infusionsstart, beginn_der_infusion, infusionszeit, gabe, zeitpunkt_der_gabe, "
    "uhrzeit_der_gabe, dosiszeit, début_de_perfusion, heure_de_perfusion, "
    "heure_dose, heure_de_la_dose, heure_de_prise, inicio_de_infusión, hora_de_infusión, hora_de_la_dosis",
    "dose_end": "infusion_end, end_of_infusion, infusionsende, ende_der_infusion, fin_de_perfusion, fin_de_infusión",
    "age": "alter, âge, edad",
    "sex": "gender, geschlecht, sexe, sexo",
    "exclude": "excluded, ausschluss, ausgeschlossen, exclusion, exclusión",
}
_DOSES = ("dose_start", "dose_end")
_DOSE_HINT = (
    " (a dose: hours since it are measured where the column dose_start has its date and time, like 2024-03-01T09:30)"
)
_A_DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d")
_A_FILE = re.compile(r"\.[^\W\d]\w{1,5}$")  # no number and no date
_COUNTS = ("include", "included", "usable", "use", "valid", "einschluss", "eingeschlossen", "verwendbar")
_KNOWN_AS = {other: name for name, others in _OTHER_NAMES.items() for other in others.split(", ")}


def name_in_english(cell: str) -> str:
    """What a header cell is called here, also with a unit behind it; itself where that is open."""
    return _KNOWN_AS.get(re.sub(r"_*[(\[].*[)\]]$", "", plain_name(cell)), cell.strip())


def read_other_names(header: list[str], columns: Sequence[Sequence[str]]) -> str:
    """Rename columns of other words and languages, in place; the note that says so, empty where there is none.

    A name that is there already, or that two columns could have, is given to none, nor a place in the order to words,
    the scoring to a column that names no file, or a dose to one without dates: it is told as carried along.
    """
    meant = [name_in_english(name) if name else "" for name in header]
    counts = Counter(meant)
    read = []
    for place, (name, other) in enumerate(zip(header, meant, strict=True)):
        words = other in ("order", "period") and any(
            cell and number_of(cell, decimal_comma=True) is None for cell in columns[place]
        )
        no_file = other == "hypnogram" and not any(_A_FILE.search(cell) for cell in columns[place])
        no_date = other in _DOSES and not all(_A_DATE.match(cell) for cell in columns[place] if cell)
        if other != name and counts[other] == 1 and not (words or no_file or no_date):
            header[place] = other
            read.append(f"{name!r} as {other}")
    return f"columns are read by what they mean: {', '.join(read)}" if read else ""


def find_not_counted(header: Sequence[str], columns: Sequence[Sequence[str]], numbers: Sequence[int]) -> list[str]:
    """Rows that a column of the opposite sense of `exclude` says not to count: who reads on would count them."""
    return [
        f"row {row}, {name}: {cell!r}, but this column is not read: give nights that do not count a reason in a column "
        "`exclude`"
        for name, cells in zip(header, columns, strict=True)
        if plain_name(name).rstrip("?_") in _COUNTS
        for row, cell in zip(numbers, cells, strict=True)
        if cell.strip() and cell.strip().casefold() in NO
    ]


def name_apart(name: str, known: Sequence[str]) -> str:
    """Name under which a column is carried along: another where the results have a column of that name themselves.

    A lab's own ``TST_min`` would otherwise stand where the measured one is looked for.
    """
    measured = (column.name for column in NIGHTS.columns)
    taken = {other.casefold() for other in (*RESERVED, *measured, *short_names())}
    free = {other.casefold() for other in (*known, *_READ_LATER)}
    return APART + name if name.casefold() in taken - free else name


def note_carried(columns: Sequence[str], known: Sequence[str], stated: Sequence[str]) -> list[str]:
    """One note on the columns that mean nothing here: not known, and no covariates by their name or the settings."""
    unused = [name for name in known if name not in columns]
    covariates = {plain_name(name) for name in stated}
    told = [
        f"{name}{_DOSE_HINT if name_in_english(name) in _DOSES else nearest(name, unused, 0.85)}"
        for name in columns
        if name not in (*known, *_READ_LATER)
        and not plain_name(name).startswith(COVARIATE)
        and plain_name(name) not in covariates
    ]
    more = f" and {len(told) - MOST_CARRIED} more" if len(told) > MOST_CARRIED else ""
    return [f"columns carried along unread: {', '.join(told[:MOST_CARRIED])}{more}"] if told else []


def nearest(name: str, known: Sequence[str], cutoff: float = 0.6) -> str:
    """Suggest the known name that resembles a wrong one, as a clause to append; empty where none does."""
    by_case = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(name.casefold(), list(by_case), n=1, cutoff=cutoff)
    return f" (did you mean {by_case[close[0]]!r}?)" if close else ""
