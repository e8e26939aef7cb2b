"""How often the 95 % intervals of `lg.line_width` hold the truth: lines of 0.1 to 30 % in noise of 0 to 20 dB.

    python -m benchmarks.lines --draws 200

Two kinds of signal have the same Lorentzian spectrum: an oscillator of steady amplitude whose phase diffuses, and a
Gaussian signal (a resonance excited by heat). White noise is added so that the line's peak stands so many decibels
above it. The trace lasts so many coherence times 1/(πΔ).
"""

import argparse
import itertools
import math

import numpy as np
import scipy.signal

import llgrad as lg

FREQUENCY = 0.1
"""Cycles per sample."""
WIDTHS = (0.001, 0.01, 0.1, 0.3)
LEVELS = (0.0, 10.0, 20.0)
LENGTHS = (10, 30, 100)
MOST_SAMPLES = 200_000


def signals(kind: str, width: float, level: float, size: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Signals (draws, size) of unit variance and noise; width in cycles per sample, level in dB."""
    t = np.arange(size)
    if kind == "oscillator":
        walk = np.cumsum(rng.normal(0, math.sqrt(2 * math.pi * width), (draws, size)), axis=1)
        line = math.sqrt(2) * np.cos(2 * math.pi * FREQUENCY * t + walk + rng.uniform(0, 2 * math.pi, (draws, 1)))
    else:
        decay = math.exp(-math.pi * width)
        kicks = rng.normal(size=(draws, size)) + 1j * rng.normal(size=(draws, size))
        kicks[:, 1:] *= math.sqrt(1 - decay**2)
        slow = scipy.signal.lfilter([1.0], [1.0, -decay], kicks, axis=1)
        line = (slow * np.exp(2j * math.pi * FREQUENCY * t)).real
    return line + rng.normal(0, math.sqrt(1 / (math.pi * width) / 10 ** (level / 10)), line.shape)


def coverage(kind: str, width: float, level: float, length: int, draws: int, seed: int = 0) -> tuple[float, ...]:
    """Part of the draws with a line, and the parts of these whose intervals hold frequency and width."""
    size = int(max(length / (math.pi * width), 64))
    found = [
        line
        for one in signals(kind, width, level, size, draws, np.random.default_rng(seed))
        if (line := lg.line_width(one, dt=1.0)).found
    ]
    near = [abs(line.frequency - FREQUENCY) < 1.96 * line.frequency_error for line in found]
    inside = [line.interval()[0] < width < line.interval()[1] for line in found]
    return len(found) / draws, *(float(np.mean(part)) if part else math.nan for part in (near, inside))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=200)
    draws = parser.parse_args().draws
    print(f"{draws} draws each\nkind        width   level  coherence times  found  frequency  width")
    rows = []
    for kind, relative, level, length in itertools.product(("oscillator", "gaussian"), WIDTHS, LEVELS, LENGTHS):
        if length / (math.pi * relative * FREQUENCY) <= MOST_SAMPLES:
            part, near, inside = coverage(kind, relative * FREQUENCY, level, length, draws)
            rows.append((part, near, inside))
            print(
                f"{kind:<10} {relative:6.1%} {level:4.0f} dB {length:16} {part:6.2f} {near:10.3f} {inside:6.3f}",
                flush=True,
            )
    sure = np.array([row for row in rows if row[0] > 0.9])
    print(f"mean of the {len(sure)} rows found in more than 90 %: {sure[:, 1].mean():.3f} and {sure[:, 2].mean():.3f}")
    noise = np.random.default_rng(1).normal(size=(10 * draws, 1000))
    print(f"noise alone passes for a line: {np.mean([lg.line_width(one, dt=1.0).found for one in noise]):.4f}")


if __name__ == "__main__":
    main()
