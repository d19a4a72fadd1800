"""Words in the cells of a study file: yes and no, kept nights, and sexes, in the languages that its columns have."""

YES = frozenset(("yes", "true", "y", "1", "1.0", "x", "ja", "j", "wahr", "oui", "vrai", "sí", "si", "verdadero"))
NO = frozenset(
    ("", "-", "\N{EN DASH}", "\N{EM DASH}", "no", "false", "n", "0", "0.0", "nein", "falsch", "non", "faux", "falso")
)
# In the column `exclude` every other word is a reason to leave a night out.
_NO_REASON = NO | {"none", "ok", "n/a", "keine", "keiner", "aucun", "aucune", "ninguna", "ninguno"} | {
    "included", "include", "eingeschlossen", "inclus", "incluse", "incluido", "incluida",
}  # fmt: skip
SEXES = {
    **dict.fromkeys(("f", "female", "w", "weiblich", "weibl.", "weibl", "femme", "féminin", "mujer", "femenino"), "F"),
    **dict.fromkeys(("m", "male", "männlich", "männl.", "männl", "h", "homme", "masculin", "hombre", "masculino"), "M"),
}


def leaves_out(cell: object) -> bool:
    """Whether a cell of the column `exclude` has a night left out: yes, or a reason."""
    return _folded(cell) not in _NO_REASON


def reason_to_leave_out(cell: object) -> str:
    """Reason that a cell of the column `exclude` gives, empty where it only says yes."""
    return "" if _folded(cell) in YES else str(cell).strip()


def _folded(cell: object) -> str:
    return str(cell).strip().casefold()
