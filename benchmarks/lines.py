"""How often the 95 % intervals of `lg.line_width` hold the truth: lines of 0.1 to 30 % in noise of 0 to 20 dB.

    python -m benchmarks.lines --draws 100 --seed 31415

Two kinds of signal have the same Lorentzian spectrum: an oscillator of steady amplitude whose phase diffuses, and a
Gaussian signal (a resonance excited by heat). White noise is added so that the line's peak stands so many decibels
above it. The trace lasts so many coherence times 1/(πΔ).

Of the present code, with `--draws 400 --widths 0.1 0.3 --levels 10 20 --noise 0 --seed 31415` (the standard error of a
rate of 0.95 is 0.011), so far for these rows only; the same command with a second seed, narrower lines and the Gaussian
kind are still to be run:

    width  level  times   oscillator: found  frequency  width
    10.0%  10 dB     10                0.90      0.966  0.897
    10.0%  10 dB     30                1.00      0.973  0.958
    10.0%  20 dB     10                1.00      0.983  0.980
    10.0%  20 dB     30                1.00      0.965  0.958
    30.0%  10 dB     10                0.38      0.993  0.993
    30.0%  10 dB     30                1.00      0.978  0.932
    30.0%  20 dB     10                0.75      1.000  0.980
    30.0%  20 dB     30                1.00      0.985  0.988

What an earlier version printed, which knew no information on the width of a steady oscillator (parts of 100 draws with
a line, and parts of these whose intervals hold frequency and width; "times" are coherence times; a rate of 0.95 of 100
has the standard error 0.022):

    width  level  times   oscillator: found  frequency  width   Gaussian: found  frequency  width
     0.1%  10 dB     10                0.63      0.968  0.952              0.46      0.957  0.957
     0.1%  10 dB     30                1.00      0.990  0.940              1.00      0.990  0.950
     0.1%  20 dB     10                1.00      0.990  1.000              1.00      0.960  0.950
     0.1%  20 dB     30                1.00      1.000  0.990              1.00      0.980  0.940
     1.0%  10 dB     10                0.81      0.988  0.963              0.68      0.941  0.912
     1.0%  10 dB     30                1.00      1.000  0.960              1.00      0.920  0.980
     1.0%  20 dB     10                1.00      1.000  1.000              1.00      0.960  0.960
     1.0%  20 dB     30                1.00      0.990  0.980              1.00      0.960  0.950
    10.0%  10 dB     10                0.90      0.956  0.900              0.80      0.950  0.988
    10.0%  10 dB     30                1.00      0.980  0.940              1.00      0.970  0.950
    10.0%  20 dB     10                1.00      0.970  1.000              1.00      0.980  0.980
    10.0%  20 dB     30                1.00      0.980  0.990              1.00      0.970  0.970
    30.0%  10 dB     10                0.45      1.000  0.978              0.46      0.978  0.957
    30.0%  10 dB     30                1.00      0.930  0.900              1.00      0.950  0.920
    30.0%  20 dB     10                0.68      1.000  1.000              0.86      0.988  0.953
    30.0%  20 dB     30                1.00      0.980  0.980              1.00      0.950  0.990

Of lines of 0 dB, a line was found in 3% of the draws or fewer. What is found of 30 % and ten coherence times leaves out
what is refused, for it is not resolved and holds eleven periods. White noise of 100, 1000 and 10,000 samples passed for
a line in 1, 2 and 1 of 2000 records.
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
LENGTHS = (10, 30)
OFTEN = 0.5


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


def answer(signal: np.ndarray) -> lg.LineWidth | None:
    """The line; None where `lg.line_width` refuses fewer than twenty periods of one that is not resolved."""
    try:
        return lg.line_width(signal, dt=1.0)
    except ValueError as refusal:
        if "record longer" not in str(refusal):
            raise
        return None


def coverage(kind: str, width: float, level: float, length: int, draws: int, seed: int = 0) -> tuple[float, ...]:
    """Part of the draws with a line, and the parts of these whose intervals hold frequency and width."""
    size = int(max(length / (math.pi * width), 64))
    answers = map(answer, signals(kind, width, level, size, draws, np.random.default_rng(seed)))
    found = [line for line in answers if line is not None and line.found]
    near = [abs(line.frequency - FREQUENCY) < 1.96 * line.frequency_error for line in found]
    inside = [line.interval()[0] < width < line.interval()[1] for line in found]
    return len(found) / draws, *(float(np.mean(part)) if part else math.nan for part in (near, inside))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--levels", type=float, nargs="+", default=LEVELS, help="of the line above the noise [dB]")
    parser.add_argument("--widths", type=float, nargs="+", default=WIDTHS, help="relative to the frequency")
    parser.add_argument("--noise", type=int, default=2000, help="records of noise alone, of each size")
    given = parser.parse_args()
    print(f"{given.draws} draws each, seed {given.seed}")
    print("kind        width  level  coherence times  found  frequency  width")
    rows = []
    cells = itertools.product(given.widths, given.levels, LENGTHS)
    for kind, (relative, level, length) in itertools.product(("oscillator", "gaussian"), cells):
        row = coverage(kind, relative * FREQUENCY, level, length, given.draws, given.seed)
        rows.append(row)
        told = f"{row[0]:6.2f} {row[1]:10.3f} {row[2]:6.3f}"
        print(f"{kind:<10} {relative:6.1%} {level:3.0f} dB {length:16} {told}", flush=True)
    often = np.array([row for row in rows if row[0] >= OFTEN])
    print(
        f"mean of the {len(often)} rows with a line in {OFTEN:.0%}: {often[:, 1].mean():.3f}, {often[:, 2].mean():.3f}"
    )
    rng = np.random.default_rng(given.seed + 1)
    for size in (100, 1000, 10_000) if given.noise else ():
        alarms = sum(lg.line_width(rng.normal(size=size), dt=1.0).found for _ in range(given.noise))
        print(f"noise of {size} samples passes for a line in {alarms} of {given.noise} records", flush=True)


if __name__ == "__main__":
    main()
