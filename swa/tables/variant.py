"""How a number could have been computed otherwise: one value for the choices, and its text in the column `variant`."""

import csv
import io
from dataclasses import astuple, dataclass, fields

IN_USE = "in use"  # the artefact limits of the settings
_BETWEEN = "|"


@dataclass(frozen=True, order=True)
class Choices:
    """Choices behind a row of the specification curve, beside channel, stages and window.

    Attributes
    ----------
    measure : str
        What was measured.
    band, estimator, selection : str
        Frequencies, how epochs or waves became one value, and which waves; empty where there is no such choice.
    artefacts : str
        Limits of the artefact rules.
    """

    measure: str
    band: str = ""
    estimator: str = ""
    selection: str = ""
    artefacts: str = IN_USE

    def encode(self) -> str:
        """The choices as the variant of a row, so that a row of the long table can hold them."""
        text = io.StringIO()
        csv.writer(text, delimiter=_BETWEEN, lineterminator="").writerow(astuple(self))
        return text.getvalue()

    @classmethod
    def decode(cls, variant: str) -> "Choices":
        """Choices of a variant, as `encode` wrote it.

        Raises
        ------
        ValueError
            It is none.
        """
        found = next(csv.reader(io.StringIO(variant, newline=""), delimiter=_BETWEEN), [])
        if len(found) != len(fields(cls)):
            raise ValueError(f"the variant {variant!r} holds no choices")
        return cls(*found)


CHOICE_FIELDS = tuple(field.name for field in fields(Choices))
