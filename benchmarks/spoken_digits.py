"""Spoken digits by a linear softmax on log-mel features: what a front end does without an oscillator.

Run:  python benchmarks/spoken_digits.py [PATH of recordings.zip]

Two cases: the recordings of index 0 to 4 are tested (200 of 2000), and each speaker is tested who was never heard (all
four ways). Front end and penalty are chosen on signals to train alone: a fifth of each class, and, for a speaker never
heard, the other speakers in turn. The test signals of every front end are listed too, and chosen by nothing.
"""

from __future__ import annotations

import itertools
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from llgrad.datasets.signals.fronts import LogMel, Segments
from llgrad.datasets.signals.reading import read_signals
from llgrad.datasets.signals.sets import SignalSet
from llgrad.networks.linear import LinearSoftmax, linear_softmax

PATH = "../shared/data/spoken-digits/recordings.zip"
FRONTS = [LogMel(channels, centred=centred) for channels, centred in itertools.product((16, 32, 64), (False, True))]
SEGMENTS = (4, 8, 16)
PENALTIES = (1.0, 10.0, 100.0, 1000.0)


def best(data: SignalSet, by: str) -> LinearSoftmax:
    """The linear softmax on the front end that is best on validation; those of all are printed."""
    found = []
    for front in FRONTS:
        seen = data.through(front)
        for count in SEGMENTS:
            result = linear_softmax(seen.through(Segments(count)), PENALTIES, by=by)
            what = f"{front.channels} channels{', centred' * front.centred}, {count} segments"
            print(f"  {what}: {result!r}", flush=True)
            found.append((result.validation[result.penalty], what, result))
    accuracy, what, result = max(found, key=lambda one: one[0])
    print(f"chosen on validation ({accuracy:.2%}): {what}: {result!r}", flush=True)
    return result


def main() -> None:
    """Measure and print."""
    begun = time.perf_counter()
    signals = read_signals(sys.argv[1] if len(sys.argv) > 1 else PATH)
    print(signals, "\nindices 0 to 4 tested")
    best(SignalSet.by_index(signals, range(5)), "stratified")
    results = []
    for data in SignalSet.each_group(signals):
        print(f"speaker {data.test.group_names[data.test.groups[0]]} tested")
        results.append(best(data, "groups"))
    errors, count = sum(one.errors for one in results), sum(one.tested for one in results)
    print(f"speakers never heard, all four ways: {errors} of {count} wrong ({1 - errors / count:.2%} right)")
    print(f"{time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
