#!/usr/bin/env bash
# lecroyparser 1.4.2 spreads the N times of a trace over N intervals: numpy.linspace(0, N dt, N) + offset, whose step is
# N/(N-1) of the one that the oscilloscope wrote. A trace of 101 samples is 1 % too slow, every frequency in it 1 % too
# low; and the samples of a sequence, which has a trigger for each segment, come as one trace without gaps.
#
# Seen:
#   interval written 1.0000e-10 s, read 1.0100e-10 s
#   2 segments of 101 samples: 202 times from -1.0 ns to 19.2 ns; the second segment begins at -1.0 ns too
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet lecroyparser==1.4.2 numpy==2.4.6
cd "$folder"
venv/bin/python - <<'PY'
import struct

import lecroyparser
import numpy as np


def trace(segments, count=101):
    head = bytearray(346)
    put = lambda at, kinds, *values: struct.pack_into("<" + kinds, head, at, *values)
    put(0, "16s16shh", b"WAVEDESC", b"LECROY_2_3", 1, 1)
    put(36, "iiiiii", 346, 0, 0, 16 * segments if segments > 1 else 0, 0, 0)
    put(60, "i", 2 * count * segments)
    put(116, "i", count * segments)
    put(144, "i", segments)
    put(156, "ff", 1e-3, 0.0)
    put(176, "fd", 1e-10, -1e-9)
    put(196, "48s48s", b"V", b"S")
    triggers = struct.pack(f"<{2 * segments}d", *[0.0, -1e-9] * segments) if segments > 1 else b""
    with open("x.trc", "wb") as file:
        file.write(bytes(head) + triggers + np.arange(count * segments, dtype="<i2").tobytes())
    return lecroyparser.ScopeData("x.trc").x


x = trace(1)
print(f"interval written 1.0000e-10 s, read {np.diff(x).mean():.4e} s")
assert abs(np.diff(x).mean() - 1.01e-10) < 1e-14, "the times are spaced otherwise now"
x = trace(2)
print(f"2 segments of 101 samples: {x.size} times from {x[0] * 1e9:.1f} ns to {x[-1] * 1e9:.1f} ns; "
      "the second segment begins at -1.0 ns too")
assert x.size == 202 and x[-1] > 19e-9, "a sequence is read otherwise now"
PY
