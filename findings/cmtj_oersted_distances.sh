#!/usr/bin/env bash
# cmtj 1.15.0: `models.oersted.Structure` has the centres of its blocks at (i + 1) d/2, so that neighbours of size d are
# d/2 apart, and every distance is half of what it is: the Oersted field of one part of a strip in another, by Ampere's
# law, is twice too large. A region of n rows is also given n/(n + 1) of its current, half for a single row, where the
# two mistakes cancel. What is summed is the size of the field, never its sign: in the middle of a strip, where the field
# of both halves cancels, it is as large as if they added.
#
# Seen, blocks of 1 nm, a region of 10 rows that is given 1 mA, the field one block feels that is 100 nm away:
#   centres of neighbours 0.50 nm apart, current 0.909 mA, field over Ampere's law 1.82
#   of the halves of a strip in its middle 2.0 times one of them
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "cmtj[utils]==1.15.0" numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import numpy as np
from cmtj.models.oersted import Structure

D, ROWS, AWAY, CURRENT = 1e-9, 10, 100, 1e-3


def strip(rows):
    return Structure(D, rows * D, D, D, D, D)


one = strip(ROWS + AWAY)
one.set_region_I_idx(CURRENT, 0, ROWS)
apart = one.blocks[0, 1, 0].y - one.blocks[0, 0, 0].y
given = sum(block.I for block in one.blocks.flatten())
target = ROWS - 1 + AWAY
field = one.compute_region_contribution_idx(0, ROWS, target, target + 1)
law = sum(CURRENT / ROWS / (2 * np.pi * (target - row) * D) for row in range(ROWS))

whole = strip(2 * ROWS + 1)
whole.set_region_I_idx(CURRENT, 0, 2 * ROWS + 1)
below = whole.compute_region_contribution_idx(0, ROWS, ROWS, ROWS + 1)
both = whole.compute_region_contribution_idx(0, 2 * ROWS + 1, ROWS, ROWS + 1)
print(f"centres of neighbours {apart * 1e9:.2f} nm apart, current {given * 1e3:.3f} mA, field over Ampere's law {field / law:.2f}")
print(f"of the halves of a strip in its middle {both / below:.1f} times one of them")
assert np.isclose(apart, D / 2) and np.isclose(given, CURRENT * ROWS / (ROWS + 1)), "blocks or currents are others now"
assert np.isclose(field / law, 2 * ROWS / (ROWS + 1)) and np.isclose(both / below, 2.0), "the fields are others now"
PY
