"""Bytes lost or put in, in the middle of a recording: told with the place, and what lies behind is unusable."""

import numpy as np
import pytest

from swa.errors import RecordingError
from swa.recordings.edf.damage import leave_out_records
from swa.recordings.edf.header import read_header
from swa.recordings.recording import leave_out_blocks, read_recording

LABELS = ("C4-M1", "C3-M2", "EOG", "EMG")
SECONDS, RATE = 300, 200


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """`{kind: bytes}`: five minutes of four signals."""
    import edfio

    rng = np.random.default_rng(0)
    n = SECONDS * RATE
    frequencies = np.maximum(np.fft.rfftfreq(n, 1 / RATE), 0.5)
    traces = [np.fft.irfft(np.fft.rfft(rng.normal(size=n)) / frequencies, n) for _ in LABELS]
    made = {}
    for kind, of_signal, of_file in (
        ("edf", edfio.EdfSignal, edfio.Edf),
        ("edf+c", edfio.EdfSignal, edfio.Edf),
        ("bdf", edfio.BdfSignal, edfio.Bdf),
    ):
        signals = [
            of_signal(trace / trace.std() * 30, RATE, label=label, physical_dimension="uV", physical_range=(-800, 800))
            for label, trace in zip(LABELS, traces, strict=True)
        ]
        marks = {"annotations": [edfio.EdfAnnotation(0, None, "x")]} if kind == "edf+c" else {}
        path = tmp_path_factory.mktemp("whole") / kind
        of_file(signals, data_record_duration=1, **marks).write(path)
        made[kind] = path.read_bytes()
    return made


def place_of(data, second):
    """Where a data record begins, in bytes, and how long it is."""
    head = int(data[184:192])
    record = (len(data) - head) // SECONDS
    return head + second * record, record


LOST = {
    "one byte lost": lambda data, at, record: data[:at] + data[at + 1 :],
    "one byte put in": lambda data, at, record: data[:at] + b"\x07" + data[at:],
    "a sample lost": lambda data, at, record: data[:at] + data[at + 6 :],
    "a block lost": lambda data, at, record: data[:at] + data[at + 4096 :],
    "a block twice": lambda data, at, record: data[:at] + data[at - 4096 : at] + data[at:],
    "records twice": lambda data, at, record: data[:at] + data[at - 5 * record : at] + data[at:],
}


@pytest.mark.parametrize("kind", ["edf", "edf+c", "bdf"])
@pytest.mark.parametrize("what", LOST)
def test_what_lies_behind_lost_or_doubled_bytes_is_unusable_and_told(whole, tmp_path, kind, what):
    data = whole[kind]
    at, record = place_of(data, 200)
    path = tmp_path / "night.edf"
    path.write_bytes(LOST[what](data, at + record // 3, record))
    recording = read_recording(path)
    assert any(note.startswith("damaged: ") and "unusable" in note for note in recording.notes), recording.notes
    ((start_s, end_s),) = recording.gaps
    assert 175 <= start_s <= 201
    assert end_s == recording.duration_s


def test_damage_that_leaves_nothing_of_a_recording_refuses_it(whole, tmp_path):
    path = tmp_path / "night.edf"
    path.write_bytes(whole["edf"])
    header = read_header(path)
    with pytest.raises(RecordingError, match=r"night\.edf: damaged from its beginning"):
        leave_out_records(header, 0, header.n_records, "")


@pytest.mark.parametrize("kind", ["edf", "edf+c", "bdf"])
def test_whole_signals_lost_turn_the_channels_and_are_told(whole, tmp_path, kind):
    import edfio

    rng = np.random.default_rng(1)
    of_signal, of_file = (edfio.BdfSignal, edfio.Bdf) if kind == "bdf" else (edfio.EdfSignal, edfio.Edf)
    signals = [
        of_signal(np.cumsum(rng.normal(0, size, SECONDS * RATE)) % 300, RATE, label=label, physical_dimension="uV",
                  physical_range=(-800, 800))
        for label, size in zip(LABELS, (2, 4, 9, 20), strict=True)
    ]  # fmt: skip
    path = tmp_path / "night.edf"
    of_file(signals, data_record_duration=1).write(path)
    data = path.read_bytes()
    at, _ = place_of(data, 200)
    path.write_bytes(data[:at] + data[at + RATE * (3 if kind == "bdf" else 2) :])
    ((start_s, _),) = read_recording(path).gaps
    assert 175 <= start_s <= 201


@pytest.mark.parametrize("kind", ["edf", "edf+c", "bdf"])
@pytest.mark.parametrize(
    ("length", "filled"), [(4096, (b"\0", "zeros")), (20_000, (b"\0", "zeros")), (4096, (b"\xff", "bytes 255"))]
)
def test_a_block_that_holds_nothing_is_a_gap_and_told(whole, tmp_path, kind, length, filled):
    data = whole[kind]
    at, record = place_of(data, 200)
    at = at // 512 * 512
    path = tmp_path / "night.edf"
    path.write_bytes(data[:at] + filled[0] * length + data[at + length :])
    recording = leave_out_blocks(read_recording(path))
    assert any(f"block of {filled[1]}" in note for note in recording.notes)
    ((start_s, end_s),) = recording.gaps
    assert start_s <= (at - place_of(data, 0)[0]) / record
    assert end_s >= (at - place_of(data, 0)[0] + length) / record
    assert end_s - start_s < length / record + 4
    (group,) = recording.groups()
    assert group.data_uv.shape[1] == SECONDS * 100
    assert len(group.pieces) == 2


def test_converted_line_ends_are_told(whole, tmp_path):
    path = tmp_path / "night.edf"
    path.write_bytes(whole["edf"].replace(b"\n", b"\r\n"))
    with pytest.raises(RecordingError):
        read_recording(path)


@pytest.mark.parametrize("kind", ["edf", "edf+c", "bdf"])
def test_a_whole_recording_is_not_suspected(whole, tmp_path, kind):
    path = tmp_path / "night.edf"
    for data in (whole[kind], whole[kind] + b"\x1a", whole[kind][: place_of(whole[kind], 200)[0] + 99]):
        path.write_bytes(data)
        recording = leave_out_blocks(read_recording(path))
        assert recording.gaps == ()
        assert not any("damaged" in note for note in recording.notes)


def test_what_happens_in_a_night_is_not_suspected(whole, tmp_path, write_edf):
    """Electrodes that come off in the end, one that is off for a while, and a calibration that repeats itself."""
    rng = np.random.default_rng(2)
    quiet, loud = rng.normal(0, 10, SECONDS * RATE), rng.normal(0, 10, SECONDS * RATE)
    loud[200 * RATE :] *= 30
    off = quiet.copy()
    off[100 * RATE : 200 * RATE] = 0
    ramp = np.tile(np.linspace(-100, 100, RATE), SECONDS)
    path = write_edf(
        tmp_path / "a.edf", {"C4-M1": loud, "C3-M2": 2 * loud, "F3-M2": off, "F4-M1": quiet, "Cal": ramp}, RATE
    )
    recording = leave_out_blocks(read_recording(path))
    assert recording.gaps == ()
    assert not any("damaged" in note for note in recording.notes)


def test_real_recordings_are_not_suspected(shared_data):
    paths = sorted((shared_data / "recordings").glob("*.edf"))
    assert paths
    for path in paths:
        recording = leave_out_blocks(read_recording(path))
        assert not any("damaged" in note for note in recording.notes), (path.name, recording.notes)


def doubts_of(path):
    return [(doubt.code, doubt.values["channel"]) for doubt in read_recording(path).doubts]


def field(place, n_signals, width=8):
    """Where a field of the header of each signal stands."""
    return [
        slice(256 + place * n_signals + i * width, 256 + place * n_signals + (i + 1) * width) for i in range(n_signals)
    ]


def exchanged(data, one, other):
    bent = bytearray(data)
    bent[one], bent[other] = data[other], data[one]
    return bytes(bent)


SAMPLES, PHYSICAL_MIN, PHYSICAL_MAX, DIGITAL_MIN, DIGITAL_MAX = 216, 104, 112, 120, 128


@pytest.fixture(scope="module")
def mixed(write_edf, tmp_path_factory):
    """A minute of two EEG at 100 Hz, an EOG and an EMG at 200 Hz."""
    rng, n = np.random.default_rng(4), 60 * 100
    slow = [np.cumsum(rng.normal(size=n * (1 + (i == 3)))) % 200 - 100 for i in range(4)]
    rates = dict.fromkeys(("C4-M1", "C3-M2", "E1-M2"), 100.0) | {"EMG Chin": 200.0}
    path = write_edf(tmp_path_factory.mktemp("mixed") / "a.edf", dict(zip(rates, slow, strict=True)), rates)
    assert doubts_of(path) == []
    return path.read_bytes()


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ((SAMPLES, 0, SAMPLES, 3), {("border_jumps", "C4-M1"), ("header_apart", "C4-M1")}),
        ((PHYSICAL_MIN, 0, DIGITAL_MIN, 0), {("far_zero", "C4-M1"), ("header_apart", "C4-M1")}),
        ((PHYSICAL_MAX, 1, DIGITAL_MAX, 1), {("far_zero", "C3-M2"), ("header_apart", "C3-M2")}),
        ((PHYSICAL_MIN, 1, PHYSICAL_MAX, 1), {("header_apart", "C3-M2"), ("header_apart", "C4-M1")}),  # which, is open
    ],
)
def test_fields_of_the_header_that_are_exchanged_are_told(mixed, tmp_path, place, found):
    one, i, other, j = place
    n_signals = int(mixed[252:256])
    path = tmp_path / "a.edf"
    path.write_bytes(exchanged(mixed, field(one, n_signals)[i], field(other, n_signals)[j]))
    assert found <= set(doubts_of(path))


@pytest.mark.parametrize(("limit", "text"), [(DIGITAL_MIN, b"20"), (DIGITAL_MAX, b"-20")])
def test_samples_beyond_the_limits_of_the_header_are_told(mixed, tmp_path, limit, text):
    """Whatever the others have: such limits are not those that the samples were stored by."""
    bent = bytearray(mixed)
    bent[field(limit, int(mixed[252:256]))[1]] = text.ljust(8)
    path = tmp_path / "a.edf"
    path.write_bytes(bent)
    (told,) = [doubt for doubt in read_recording(path).doubts if doubt.code == "beyond_limits"]
    assert told.values["channel"] == "C3-M2"
    assert 20 < told.values["percent"] < 90


def test_samples_at_the_end_of_what_a_file_can_hold_are_not_beyond_its_limits(write_edf, tmp_path):
    """An electrode that is off: what some amplifiers store then."""
    path = write_edf(
        tmp_path / "a.edf", {"C4-M1": np.random.default_rng(5).normal(0, 20, 6000)}, limits=(-400.0, 400.0)
    )
    data = bytearray(path.read_bytes())
    n_signals, head = int(data[252:256]), int(data[184:192])
    for record in range(20, 30):
        first = head + record * (len(data) - head) // 60
        data[first : first + 200] = b"\x00\x80" * 100
    for limit, text in ((DIGITAL_MIN, b"-32000"), (DIGITAL_MAX, b"32000")):
        data[field(limit, n_signals)[0]] = text.ljust(8)
    path.write_bytes(data)
    assert doubts_of(path) == []


def test_channels_that_have_limits_of_their_own_are_not_suspected(write_edf, tmp_path):
    """As in files that are scaled to the range of each signal, and where the EOG is amplified less."""
    rng = np.random.default_rng(5)
    signals = {name: rng.normal(0, 20, 6000) for name in ("C4-M1", "C3-M2", "F3-M2", "E1-M2", "E2-M2")}
    own = {name: (-100.0 - 30 * i, 150.0 + 10 * i) for i, name in enumerate(signals)}
    less = {name: (-800.0, 800.0) if name[0] == "E" else (-400.0, 400.0) for name in signals}
    for limits in (own, less):
        assert doubts_of(write_edf(tmp_path / "a.edf", signals, limits=limits)) == []


def test_another_step_or_rate_than_that_of_the_other_eeg_is_told(write_edf, tmp_path):
    rng = np.random.default_rng(5)
    rates = {"C4-M1": 100.0, "C3-M2": 100.0, "F3-M2": 128.0}
    limits = {"C4-M1": (-400.0, 400.0), "C3-M2": (-800.0, 800.0), "F3-M2": (-400.0, 400.0)}
    signals = {name: rng.normal(0, 20, int(60 * rate)) for name, rate in rates.items()}
    recording = read_recording(write_edf(tmp_path / "a.edf", signals, rates, limits=limits))
    rate, step = recording.doubts
    assert rate.values == {"channel": "F3-M2", "fact": "sampling rate", "own": "128 Hz", "others": "100 Hz"}
    assert (step.values["channel"], step.values["fact"]) == ("C3-M2", "step of the samples")


@pytest.mark.parametrize("kind", ["edf", "bdf"])
def test_a_second_copy_of_records_is_told_whatever_the_header_counts(whole, tmp_path, kind):
    data = whole[kind]
    at, record = place_of(data, 200)
    longer = bytearray(data[:at] + data[at - 5 * record :])
    longer[236:244] = f"{SECONDS + 5}".ljust(8).encode()
    path = tmp_path / "night.edf"
    path.write_bytes(longer)
    ((start_s, end_s),) = leave_out_blocks(read_recording(path)).gaps
    assert (start_s, end_s) == (200, SECONDS + 5)
