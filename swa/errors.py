"""The errors that a user can meet: what was found, and what to do about it."""


class SwaError(Exception):
    """An input that cannot be used, with the way out.

    Parameters
    ----------
    problem : str
        What was found and what was expected, naming the file, channel, row or key.
    remedy : str
        What the user can do about it.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem} {self.remedy}".strip()


class SettingsError(SwaError):
    """A settings file or value that cannot be used."""


class RecordingError(SwaError):
    """A recording, or a channel of it, that cannot be read or analysed."""


class ScoringError(SwaError):
    """A hypnogram that cannot be read or does not fit the recording."""


class AmbiguousScoringError(ScoringError):
    """A scoring that could mean several things, or that reads as no night of anybody: to be asked about."""


class StudyError(SwaError):
    """A study file, or a folder of recordings, that cannot be understood."""


class StudyStopped(KeyboardInterrupt):
    """A run that its user stopped, with how many of its nights are finished and kept."""

    def __init__(self, finished: int, total: int) -> None:
        super().__init__(finished, total)
        self.finished = finished
        self.total = total
