#!/usr/bin/env bash
# cmtj 1.15.0: across a square bar, its spin Hall magnetoresistance has another sign than along it. In an isotropic film
# the resistance tensor turns with m: with m at 45 degrees in the plane, R_xy is half of R_xx(m along the current) -
# R_xx(m across it). That holds for cmtj's AMR. Its SMR is added to R_xx as SMR m_y^2, and to R_xy as + SMR m_x m_y, where
# the tensor has - SMR m_x m_y. Also, its AHE is what a reversal of m changes: R_xy = AHE m_z/2.
#
# Seen, each effect of 1 ohm:
#   AMR: R_xy +0.5, of the tensor +0.5
#   SMR: R_xy +0.5, of the tensor -0.5
#   AHE: R_xy(+z) 0.5
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "cmtj[utils]==1.15.0" numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import numpy as np
from cmtj.utils.resistance import compute_resistance

half = np.sqrt(0.5)
DIRECTIONS = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [half, half, 0.0], [0.0, 0.0, 1.0]])


def resistances(**effects):
    given = {"AMR": [0.0], "AHE": [0.0], "SMR": [0.0]} | {name: [value] for name, value in effects.items()}
    found = compute_resistance([100.0], [0.0], given["AMR"], given["AHE"], given["SMR"], DIRECTIONS.T[None], [1.0], [1.0])
    return [np.asarray(values)[0] for values in found]


seen = {}
for name in ("AMR", "SMR"):
    along, across = resistances(**{name: 1.0})
    seen[name] = across[2], (along[0] - along[1]) / 2
    print(f"{name}: R_xy {seen[name][0]:+.1f}, of the tensor {seen[name][1]:+.1f}")
hall = resistances(AHE=1.0)[1][3]
print(f"AHE: R_xy(+z) {hall:.1f}")
assert np.isclose(*seen["AMR"]), "the anisotropic effect is no tensor any more"
assert np.isclose(seen["SMR"][0], -seen["SMR"][1]) and abs(seen["SMR"][0]) > 0.4, "the signs agree now"
assert np.isclose(hall, 0.5), "AHE is another quantity now"
PY
