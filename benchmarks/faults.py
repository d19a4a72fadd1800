"""Faults of recordings, added to a simulated night: what electrodes, amplifiers and people do to a study.

Each fault has three strengths, weak (1) to strong (3), and its own random stream, so that a night without faults keeps
its bytes. What is not touched stays the same night: the difference is the fault alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from swa.simulation.background import find_site
from swa.simulation.simulated_night import SimulatedNight

__all__ = ["FAULTS", "add_fault", "swap_nights"]

Array = NDArray[np.float32]
STRENGTHS = (1, 2, 3)


def add_fault(night: SimulatedNight, kind: str, strength: int = 2, channel: str | None = None) -> SimulatedNight:
    """Copy of a night with one fault.

    Parameters
    ----------
    night : SimulatedNight
        The night; it stays as it is.
    kind : str
        One of `FAULTS`.
    strength : int
        1 (weak), 2 or 3 (strong).
    channel : str, optional
        The EEG channel that a fault of one electrode strikes; by default the first.

    Returns
    -------
    SimulatedNight
        With other signals; the truth about sleep and waves is unchanged.

    Raises
    ------
    ValueError
        The kind, strength or channel is not known, or the rate does not hold the mains.
    """
    eeg = [name for name in night.signals_uv if find_site(name).kind == "eeg"]
    if kind not in FAULTS:
        raise ValueError(f"kind is {kind!r}, expected one of {', '.join(FAULTS)}")
    if strength not in STRENGTHS:
        raise ValueError(f"strength is {strength!r}, expected 1, 2 or 3")
    channel = channel or eeg[0]
    if channel not in eeg:
        raise ValueError(f"channel is {channel!r}, expected one of {', '.join(eeg)}")
    struck = [channel] if kind in ONE_CHANNEL else eeg
    signals = dict(night.signals_uv)
    if kind == "mislabelled":  # the electrode under this name lies where another one should
        other = eeg[-strength] if eeg[-strength] != channel else eeg[0]
        signals[channel], signals[other] = signals[other], signals[channel]
    else:
        for name in struck:
            rate_hz = night.rates_hz[name]
            # What strikes all channels at once shares its times: the stream is that of the fault, not of the channel.
            rng = night.plan.streams(f"fault {kind} {strength}", "" if kind == "movements" else name)
            signal = FAULTS[kind](np.array(night.signals_uv[name]), rate_hz, strength, rng).astype(np.float32)
            signal.flags.writeable = False
            signals[name] = signal
    return replace(night, signals_uv=MappingProxyType(signals))


def swap_nights(nights: Mapping[str, SimulatedNight], first: str, second: str) -> dict[str, SimulatedNight]:
    """Nights by name with two of them exchanged, as when a study file mixes them up."""
    return dict(nights) | {first: nights[second], second: nights[first]}


def _pops(signal: Array, rate_hz: int, strength: int, rng: np.random.Generator) -> NDArray[np.floating]:
    made = signal.astype(float)
    decay = np.exp(-np.arange(2 * rate_hz) / rate_hz / 0.25)
    per_hour = (5, 20, 60)[strength - 1]
    for start in rng.integers(0, len(signal) - len(decay), round(per_hour * len(signal) / rate_hz / 3600)):
        made[start : start + len(decay)] += rng.choice([-1, 1]) * rng.uniform(600, 1500) * decay
    return made


def _drift(signal: Array, rate_hz: int, strength: int, rng: np.random.Generator) -> NDArray[np.floating]:
    """A baseline that wanders below 0.1 Hz."""
    return signal + (100, 300, 900)[strength - 1] * _band_noise(len(signal), rate_hz, 0.005, 0.1, rng)


def _sweating(signal: Array, rate_hz: int, strength: int, rng: np.random.Generator) -> NDArray[np.floating]:
    """Slow skin potentials of 0.1-0.5 Hz, through the second half of the night."""
    sway = (20, 60, 150)[strength - 1] * _band_noise(len(signal), rate_hz, 0.1, 0.5, rng)
    return signal + sway * (np.arange(len(signal)) >= len(signal) / 2)


def _flat(signal: Array, _rate_hz: int, strength: int, rng: np.random.Generator) -> NDArray[np.floating]:
    length = round((0.1, 0.3, 0.7)[strength - 1] * len(signal))
    start = int(rng.integers(0, len(signal) - length))
    made = signal.astype(float)
    made[start : start + length] = 0.05 * rng.standard_normal(length)
    return made


def _clipping(signal: Array, _rate_hz: int, strength: int, _rng: np.random.Generator) -> NDArray[np.floating]:
    limit = (90, 60, 35)[strength - 1]
    return np.clip(signal, -limit, limit)


def _gain(signal: Array, _rate_hz: int, strength: int, _rng: np.random.Generator) -> NDArray[np.floating]:
    return signal * (1.2, 1.35, 1.6)[strength - 1]


def _low_pass(signal: Array, rate_hz: int, strength: int, _rng: np.random.Generator) -> NDArray[np.floating]:
    from scipy.signal import butter, sosfiltfilt

    edge_hz = min((35, 25, 15)[strength - 1], 0.45 * rate_hz)
    return np.asarray(sosfiltfilt(butter(4, edge_hz, fs=rate_hz, output="sos"), signal))


def _ecg(signal: Array, rate_hz: int, strength: int, rng: np.random.Generator) -> NDArray[np.floating]:
    """QRS complexes of about 60 a minute."""
    beats = np.cumsum(rng.normal(1.0, 0.05, len(signal) // rate_hz + 60))
    beats = beats[beats < len(signal) / rate_hz - 0.2]
    train = np.zeros(len(signal))
    train[(beats * rate_hz).astype(int)] = 1
    time_s = np.arange(-0.1, 0.1, 1 / rate_hz)
    shape = np.exp(-((time_s / 0.012) ** 2)) - 0.3 * np.exp(-(((time_s - 0.03) / 0.015) ** 2))
    return signal + (20, 60, 150)[strength - 1] * np.convolve(train, shape, mode="same")


def _mains(signal: Array, rate_hz: int, strength: int, rng: np.random.Generator) -> NDArray[np.floating]:
    """Hum of 50 Hz from a poor contact."""
    if rate_hz <= 100:
        raise ValueError(f"the rate is {rate_hz} Hz, expected more than 100 to hold the mains of 50 Hz")
    hum = np.sin(2 * np.pi * (50.02 * np.arange(len(signal)) / rate_hz + rng.random()))
    return signal + (5, 20, 60)[strength - 1] * np.sqrt(2) * hum


def _movements(signal: Array, rate_hz: int, strength: int, rng: np.random.Generator) -> NDArray[np.floating]:
    """Arousals with movement: slow swings and muscle for 5 to 15 s, in all channels at once."""
    made = signal.astype(float)
    per_hour = (5, 15, 40)[strength - 1]
    for _ in range(round(per_hour * len(signal) / rate_hz / 3600)):
        length = int(rng.uniform(5, 15) * rate_hz)
        start = int(rng.integers(0, len(signal) - length))
        time_s = np.arange(length) / rate_hz
        swings = np.sin(2 * np.pi * (rng.uniform(0.5, 3.0, (4, 1)) * time_s + rng.random((4, 1)))).sum(axis=0)
        made[start : start + length] += np.hanning(length) * (150 * swings + 40 * rng.standard_normal(length))
    return made


def _mislabelled(signal: Array, _rate_hz: int, _strength: int, _rng: np.random.Generator) -> NDArray[np.floating]:
    return signal  # `add_fault` exchanges channels


def _band_noise(n: int, rate_hz: int, low_hz: float, high_hz: float, rng: np.random.Generator) -> NDArray[np.floating]:
    """Noise of one band, SD 1."""
    frequencies = np.fft.rfftfreq(n, 1 / rate_hz)
    inside = (frequencies >= low_hz) & (frequencies <= high_hz)
    coefficients = np.zeros(len(frequencies), complex)
    coefficients[inside] = rng.standard_normal(inside.sum()) + 1j * rng.standard_normal(inside.sum())
    made = np.fft.irfft(coefficients, n)
    return np.asarray(made / made.std())


Fault = Callable[[Array, int, int, np.random.Generator], NDArray[np.floating]]
FAULTS: dict[str, Fault] = {
    "pops": _pops,
    "drift": _drift,
    "flat": _flat,
    "clipping": _clipping,
    "gain": _gain,
    "gain_one": _gain,
    "mislabelled": _mislabelled,
    "sweating": _sweating,
    "low_pass": _low_pass,
    "ecg": _ecg,
    "movements": _movements,
    "mains": _mains,
}
ONE_CHANNEL = ("pops", "drift", "flat", "gain_one", "mislabelled", "mains")
