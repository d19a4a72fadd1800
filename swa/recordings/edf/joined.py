"""Files of one signal each that are one recording."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from swa.errors import RecordingError
from swa.recordings.edf.damage import cut_blocks, cut_damage
from swa.recordings.edf.header import Header, read_header
from swa.recordings.edf.samples import EdfSource
from swa.recordings.signal_source import Block


@dataclass(frozen=True)
class JoinedSource:
    """Samples of several files of one signal each that lie on one time line."""

    header: Header  # of all of them
    sources: tuple[EdfSource, ...]
    problems: Mapping[int, RecordingError]  # of signals whose file is damaged

    def check(self, position: int) -> None:
        """Raise where a file is damaged, or the header gives a signal no scale."""
        if position in self.problems:
            raise self.problems[position]
        self.sources[position].check(0)

    def blocks(self, positions: Sequence[int]) -> Iterator[list[Block]]:
        """All samples at once: files of different rates are read in stretches of different lengths."""
        yield [self._whole(self.sources[position]) for position in positions]

    @staticmethod
    def _whole(source: EdfSource) -> Block:
        samples, limits, length = [], [], 0
        for ((stretch, at_limit, _),) in source.blocks([0]):
            samples.append(stretch.copy())
            limits.append(at_limit + length)
            length += len(stretch)
        return Block(np.concatenate(samples), np.concatenate(limits))

    def without_blocks(self, positions: Collection[int]) -> "JoinedSource":
        """The same; what blocks spoil that hold nothing or stand twice in a file of these is left out of all."""
        notes, times, problems = list(self.header.notes), self.header.times, dict(self.problems)
        for place in sorted({*positions} - problems.keys()):
            before = self.sources[place].header
            try:
                after = cut_blocks(before)
            except RecordingError as error:
                problems[place] = error
                continue
            notes += [f"{after.path.name}: {note}" for note in after.notes[len(before.notes) :]]
            edges = (0, *(edge for piece in after.times.kept for edge in piece), after.n_records)
            for first, end in zip(edges[::2], edges[1::2], strict=True):
                times = times.without(first, end) if end > first else times
        if not times.kept:
            raise RecordingError(
                f"{self.header.path.name}: no time is whole in all of its files of one signal each.",
                "Copy or export the recording again.",
            )
        sources = tuple(EdfSource(replace(each.header, times=times)) for each in self.sources)
        return JoinedSource(replace(self.header, times=times, notes=tuple(notes)), sources, problems)


def read_joined(parts: Sequence[Path]) -> JoinedSource:
    """Read files of one signal each on one time line; the signal of one that is damaged or shorter is not read.

    Parameters
    ----------
    parts : sequence of Path
        The files; the recording is called as the first, whose header must be readable.
    """
    headers, notes = [read_header(parts[0])], []
    for part in parts[1:]:
        try:
            headers.append(read_header(part))
        except RecordingError as error:  # without its header there is not even the name of its signal
            notes.append(f"left out: {error.problem}")
    longest = max(headers, key=lambda header: header.n_records)
    problems = {}
    for place, header in enumerate(headers):
        try:
            headers[place] = _checked(header, longest)
        except RecordingError as error:
            problems[place] = error
    notes.append(f"joined from {len(headers)} files of one signal each that begin together and last as long")
    joined = replace(
        longest,
        path=parts[0],
        all_signals=tuple(each.all_signals[0] for each in headers),
        notes=(*dict.fromkeys(note for each in headers for note in each.notes), *notes),
        jumps=frozenset(place for place, each in enumerate(headers) if each.jumps),
        beyond=tuple((place, share) for place, each in enumerate(headers) for _, share in each.beyond),
    )
    return JoinedSource(joined, tuple(EdfSource(each) for each in headers), problems)


def _checked(header: Header, longest: Header) -> Header:
    """The file as it is; one in which something is missing is refused, as the others hold it."""
    if header.n_records < longest.n_records:
        short_s = (longest.n_records - header.n_records) * header.record_s
        raise RecordingError(
            f"{header.path.name}: ends {short_s:.0f} s before the other files of this recording.",
            "Copy or export it again.",
        )
    looked = cut_damage(header)
    if looked.times != header.times:
        raise RecordingError(f"{header.path.name}: {looked.notes[-1]}.", "")
    return looked
