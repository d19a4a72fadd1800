"""The figures of the pages, as ``import swa.figures`` finds them (`swa.report.figures`)."""

from swa.report.figures import *  # noqa: F403
from swa.report.figures import __all__ as __all__
