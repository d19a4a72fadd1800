"""What an `mne.io.Raw` says of itself: where it was not recorded, what was joined, and what is marked as bad."""

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import mne

# Channel types of mne that are no potential of the body. Of any other, `misc` among them, the label decides: mne takes
# all signals of an EDF for EEG, and those of an array without types for misc.
_NO_POTENTIALS = (
    "stim", "syst", "resp", "temperature", "gsr", "mag", "grad", "ref_meg", "exci", "ias", "eyegaze", "pupil", "chpi",
)  # fmt: skip
_SKIP = "bad_acq_skip"
_JOINTS = ("edge boundary", "bad boundary")


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
            notes.append(f"joined from {len(self.joints) + 1} recordings (EDGE boundary): nothing crosses the joints")
        if self.bad:
            total_s = sum(end - first for first, end, _ in self.bad) / rate_hz
            notes.append(f"{total_s:g} s marked as bad in mne are unusable (counted as clipped)")
        return tuple(notes)


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
        if text in _JOINTS:
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
