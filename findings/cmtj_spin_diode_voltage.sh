#!/usr/bin/env bash
# cmtj 1.15.0: its spin-diode voltage depends on how long was simulated. `compute_sd`, by which `VSD_procedure` ends, is
# told as the direct part of current times resistance, with the sign of minus. It sends the product through a causal
# low-pass of 10 MHz that begins at zero, and takes the mean of all that comes out, so the filter's rise, some 35 ns, is in
# it: after 30 ns (what `VSD_procedure` simulates if not told otherwise) a fifth of the voltage is left, after 10 ns a
# fortieth. What came first has passed the filter longest and counts most, so the device's transient does.
#
# Seen, 1 kohm and 10 ohm in phase with a current of 1 A, so that the mean of the product is 5 V:
#   10 ns: -0.135; 30 ns: -1.053; 100 ns: -3.749; 1000 ns: -4.877
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "cmtj[utils]==1.15.0" numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PY'
import numpy as np
from cmtj.utils.resistance import compute_sd

STEP = 1e-12
voltages = []
for duration in (10e-9, 30e-9, 100e-9, 1000e-9):
    current = np.sin(2 * np.pi * 5e9 * np.arange(0, duration, STEP))
    voltages.append(compute_sd(1e3 + 10 * current, current, STEP))
    assert np.isclose(np.mean(current * (1e3 + 10 * current)), 5.0, rtol=1e-6)
print("10 ns: {:.3f}; 30 ns: {:.3f}; 100 ns: {:.3f}; 1000 ns: {:.3f}".format(*voltages))
assert np.allclose(voltages, [-0.135, -1.053, -3.749, -4.877], atol=2e-3), "the voltages are others now"
PY
