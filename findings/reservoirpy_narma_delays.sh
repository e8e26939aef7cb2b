#!/usr/bin/env bash
# ReservoirPy 0.4.2: narma(order=n) is not the recurrence that its own page and its source (Atiya and Parlos, IEEE Trans.
# Neural Netw. 11, 697 (2000)) write, with sum y(t) ... y(t - n + 1) and the product u(t) u(t - n + 1): the sum is over
# y(t - 1) ... y(t - n), and the product u(t) u(t - n). Its "NARMA10" needs one more symbol of memory than the one in
# papers. And where its example pairs u[order:] with y, input k stands beside a target that hangs on the inputs before it.
#
# Seen, for one input, order 10, the largest difference of the target from the recurrence:
#   as written   0.3
#   one later    2e-16
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet reservoirpy==0.4.2 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import numpy as np
from reservoirpy.datasets import narma

ORDER, LENGTH = 10, 400
u, y = narma(LENGTH, order=ORDER, a1=0.3, a2=0.05, b=1.5, c=0.1, seed=3)

def recurrence(later):
    z = np.zeros(ORDER + LENGTH)
    for t in range(ORDER, ORDER + LENGTH - 1):
        past = z[t - ORDER + 1 - later : t + 1 - later]
        z[t + 1] = 0.3 * z[t] + 0.05 * z[t] * past.sum() + 1.5 * u[t, 0] * u[t - ORDER + 1 - later, 0] + 0.1
    return z[ORDER:]

written, later = (float(np.abs(recurrence(k) - y[:, 0]).max()) for k in (0, 1))
print(f"as written   {written:.1g}\none later    {later:.1g}")
assert later < 1e-12, "not the later recurrence any more"
assert written > 0.05, "the documented recurrence now"
PY
