"""What an `mne.io.Raw` says of itself (what was not recorded, joined, marked as bad), and its samples."""

import datetime
import functools
import itertools
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from swa.errors import RecordingError
from swa.recordings.formats import READ_BY_MNE, ending_of, stem_of
from swa.recordings.signal_source import BLOCK_S, Block, Piece

if TYPE_CHECKING:
    import mne

# Channel types of mne that are no potential of the body. Of any other, `misc` among them, the label decides: mne takes
# all signals of an EDF for EEG, and those of an array without types for misc.
_NO_POTENTIALS = (
    "stim", "syst", "resp", "temperature", "gsr", "mag", "grad", "ref_meg", "exci", "ias", "eyegaze", "pupil", "chpi",
)  # fmt: skip
_SEVERAL_RATES = (".edf", ".bdf", ".gdf")
_SKIP = "bad_acq_skip"
_KIND = re.compile(r"^(?:comment|stimulus)/", re.IGNORECASE)  # what mne puts before markers of BrainVision
_UTC_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")
_JOINTS = re.compile(r"(?:edge |bad )?boundary|new segment/.*")  # of mne, EEGLAB and BrainVision


@dataclass(frozen=True, kw_only=True)
class RawMarks:
    """Marks of a raw, in samples from its first one.

    Attributes
    ----------
    skipped : tuple of (int, int)
        First and end sample of what was not recorded.
    joints : tuple of int
        Samples at which another recording begins.
    bad : tuple of (int, int, tuple of str)
        First and end sample of segments marked as bad, and the channels that they are of (empty: all).
    ignored : dict of str to str
        Channels that are left alone, and why.
    """

    skipped: tuple[tuple[int, int], ...]
    joints: tuple[int, ...]
    bad: tuple[tuple[int, int, tuple[str, ...]], ...]
    ignored: dict[str, str]

    def pieces(self, n_samples: int, shortest: int) -> tuple[tuple[int, int], ...]:
        """First and end sample of each uninterrupted piece; one shorter than `shortest` samples counts as gap."""
        edges = sorted({0, n_samples, *self.joints, *(edge for span in self.skipped for edge in span)})
        edges = [edge for edge in edges if 0 <= edge <= n_samples]
        pieces = [
            (first, end)
            for first, end in itertools.pairwise(edges)
            if not any(begin <= first and end <= stop for begin, stop in self.skipped)
        ]
        return tuple(piece for piece in pieces if piece[1] - piece[0] >= shortest or len(pieces) == 1)

    def notes(self, rate_hz: float) -> tuple[str, ...]:
        """What a reader of the numbers should know."""
        notes = []
        if self.skipped:
            total_s = sum(end - first for first, end in self.skipped) / rate_hz
            notes.append(
                f"not recorded (BAD_ACQ_SKIP): {len(self.skipped)} {'gap' if len(self.skipped) == 1 else 'gaps'} of "
                f"{total_s:g} s in all; they keep their place and are unusable"
            )
        if self.joints:
            marks = "edges, boundaries, new segments"
            notes.append(f"joined from {len(self.joints) + 1} recordings ({marks}): nothing crosses the joints")
        if self.bad:
            total_s = sum(end - first for first, end, _ in self.bad) / rate_hz
            notes.append(f"{total_s:g} s marked as bad in mne are unusable (counted as clipped)")
        return tuple(notes)


def open_raw(path: Path, kind: str) -> "mne.io.BaseRaw":
    """Open a recording of a format that mne reads; its samples stay in the file.

    Raises
    ------
    RecordingError
        mne cannot read it.
    """
    import mne

    if not path.exists():
        raise RecordingError(f"{path.name}: there is no such file.", "Check its path.")
    with warnings.catch_warnings():
        file = path.resolve()  # the other files of a recording lie beside it, and not beside a link to it
        warnings.simplefilter("ignore")  # of positions and montages; gaps and joints are told by the annotations
        try:
            return mne.io.read_raw(file, preload=False, verbose="error")
        except Exception as error:  # its readers raise whatever they stumble over
            what = (str(error).strip() or "without saying why").splitlines()[0]
            what = what.replace(f"{file.parent}{os.sep}", "").replace(stem_of(file.name), stem_of(path.name))[:200]
            raise RecordingError(
                f"{path.name}: mne could not read it as a recording of {kind} ({what}).",
                'Install mffpy (pip install "swa[egi]"), by which mne reads it, or export it as EDF.'
                if kind == "EGI" and find_spec("mffpy") is None
                else "Check that all its files are there and that it is continuous, or export it as EDF.",
            ) from None


def read_annotations(path: Path) -> list[tuple[float, float, str]]:
    """Onset and duration in s from the first sample, and text of each annotation of a recording that mne reads.

    Raises
    ------
    RecordingError
        mne cannot read it.
    """
    raw = open_raw(path, READ_BY_MNE[ending_of(path.name)])
    return [
        (float(mark["onset"]) - raw.first_time, float(mark["duration"]), _KIND.sub("", str(mark["description"])))
        for mark in raw.annotations
    ]


def start_of(raw: "mne.io.BaseRaw") -> datetime.datetime | None:
    """When the first sample was taken, by the clock of the place; None where the raw does not say it.

    mne keeps the moment in UTC. EGI and MEGIN say how far the clock on the wall was from it, which others mean by UTC.
    """
    begin: datetime.datetime | None = raw.info["meas_date"]
    if begin is None:
        return None
    told = _UTC_OFFSET.fullmatch(str(raw.info.get("utc_offset") or ""))
    east = datetime.timedelta(hours=int(told[2]), minutes=int(told[3])) if told else datetime.timedelta()
    local = begin + (-east if told and told[1] == "-" else east)
    return (local + datetime.timedelta(seconds=raw.first_time)).replace(tzinfo=None)


def describe_filters(raw: "mne.io.BaseRaw") -> str:
    """The filters of a recording as a header of EDF writes them; those that mne assumes are none."""
    high_hz, low_hz = float(raw.info["highpass"] or 0), float(raw.info["lowpass"] or 0)
    told = [f"HP:{high_hz:g}Hz"] if high_hz > 0 else []
    return " ".join([*told, f"LP:{low_hz:g}Hz"] if 0 < low_hz < float(raw.info["sfreq"]) / 2 - 1e-6 else told)


def read_marks(raw: "mne.io.BaseRaw") -> RawMarks:
    """Read the annotations and the bad channels of a raw."""
    rate_hz, n_samples = float(raw.info["sfreq"]), raw.n_times
    skipped: list[tuple[int, int]] = []
    joints: set[int] = set()
    bad: list[tuple[int, int, tuple[str, ...]]] = []
    for mark in raw.annotations:
        text = str(mark["description"]).lower()
        begin_s = float(mark["onset"]) - raw.first_time  # onsets count from the first sample before any cropping
        first, end = round(begin_s * rate_hz), round((begin_s + float(mark["duration"])) * rate_hz)
        if _JOINTS.fullmatch(text):
            joints |= {first} & set(range(1, n_samples))
        elif text.startswith("bad") and min(end, n_samples) > max(first, 0):
            span = (max(first, 0), min(end, n_samples))
            if text.startswith(_SKIP):
                skipped.append(span)
            else:
                bad.append((*span, tuple(mark.get("ch_names", ()))))
    kinds = zip(raw.ch_names, raw.get_channel_types(), strict=True)
    ignored = {name: f"of the type {kind} in mne" for name, kind in kinds if kind in _NO_POTENTIALS}
    ignored |= dict.fromkeys(raw.info["bads"], "marked as bad in mne")
    return RawMarks(skipped=tuple(skipped), joints=tuple(sorted(joints)), bad=tuple(bad), ignored=ignored)


@dataclass(frozen=True)
class RawSource:
    """Samples of an `mne.io.Raw`: of its pieces, and where they are marked as bad."""

    raw: "mne.io.BaseRaw"
    pieces: tuple[Piece, ...]
    bad: tuple[tuple[int, int, tuple[str, ...]], ...] = ()

    def check(self, position: int) -> None:
        """Any signal of mne has a unit."""

    def blocks(self, positions: Sequence[int]) -> Iterator[list[Block]]:
        """Samples in V. The limit of the recording is not known to mne: a signal's extremes stand in for it."""
        # From an EDF, mne brings signals to one rate stretch by stretch: each would ring at its ends.
        several_rates = any(Path(file or "").suffix.lower() in _SEVERAL_RATES for file in self.raw.filenames)
        seconds = np.inf if several_rates and not self.raw.preload else BLOCK_S
        picks, step = list(positions), int(min(seconds * float(self.raw.info["sfreq"]), self.raw.n_times))
        spans = [(at, min(at + step, end)) for first, end in self.pieces for at in range(first, end, step)]
        low, high = np.full(len(picks), np.inf), np.full(len(picks), -np.inf)
        for start, stop in spans:
            samples = self.raw.get_data(picks, start, stop)
            low, high = (
                np.fmin(low, np.fmin.reduce(samples, axis=1)),
                np.fmax(high, np.fmax.reduce(samples, axis=1)),
            )
        for start, stop in spans:
            yield [
                Block(row, np.flatnonzero((row == least) | (row == most) | self._marked(position, start, stop)))
                for position, row, least, most in zip(
                    picks, self.raw.get_data(picks, start, stop), low, high, strict=True
                )
            ]

    def _marked(self, position: int, start: int, stop: int) -> NDArray[np.bool_]:
        """Samples of a stretch that are marked as bad."""
        marked = np.zeros(stop - start, bool)
        for first, end, labels in self.bad:
            if not labels or self.raw.ch_names[position] in labels:
                marked[max(first - start, 0) : max(end - start, 0)] = True
        return marked


def lazy_raw(
    signals_uv: Sequence[NDArray[np.float32]], channels: Mapping[str, str], rate_hz: float
) -> "mne.io.BaseRaw":
    """`mne.io.Raw` of signals in µV that makes V of 64 bits of them where it is read, and holds no copy.

    Parameters
    ----------
    signals_uv : sequence of ndarray of float32, shape (n_samples,)
        Signals.
    channels : dict of str to str
        Type of each by its name, in their order.
    rate_hz : float
        Their rate.
    """
    import mne

    info = mne.create_info(list(channels), rate_hz, list(channels.values()))
    last = len(signals_uv[0]) - 1
    return _lazy()(info, last_samps=(last,), raw_extras=[{"signals_uv": signals_uv}], verbose="error")


@functools.cache
def _lazy() -> "type[mne.io.BaseRaw]":
    import mne

    def read(
        self: "mne.io.BaseRaw",
        data: NDArray[np.float64],
        rows: "slice | NDArray[np.int64]",
        file: int,
        start: int,
        stop: int,
        *_: object,
    ) -> None:
        signals_uv = self._raw_extras[file]["signals_uv"]
        for row, signal in zip(data, np.arange(len(signals_uv))[rows], strict=True):
            np.multiply(signals_uv[signal][start:stop], 1e-6, out=row, dtype=np.float64)

    return type("LazyRaw", (mne.io.BaseRaw,), {"_read_segment_file": read})  # what mne asks of a reader
