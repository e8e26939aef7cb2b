#!/usr/bin/env bash
# cmtj 1.15.0: its interlayer DMI is m x D on both layers. An energy -D.(m1 x m2) gives m2 x D on the first and D x m1
# on the second, so that damped layers turn until D.(m1 x m2) = |D|; in cmtj the second one climbs as the first descends,
# and they go round for ever.
#
# Seen, after 20 ns with a damping of 0.1 in a field of 0.1 T:
#   D.(m1 x m2)/|D| from 0.480 to 0.453
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet cmtj==1.15.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import cmtj

layers = [
    cmtj.Layer(name, cmtj.CVector(*m), cmtj.CVector(0, 0, 1), 1.0, 1e-9, 1e-14, [cmtj.CVector(0, 0, 0)] * 3, damping=0.1)
    for name, m in (("one", (0.8, 0, 0.6)), ("other", (0, 0.6, 0.8)))
]
junction = cmtj.Junction(layers)
junction.setIDMIDriver("one", "other", cmtj.AxialDriver(cmtj.CVector(0, 0, 1e-4)))
junction.runSimulation(20e-9, 1e-13, 1e-13, False, False, cmtj.SolverMode.Heun)
log = junction.getLog()
one, other = (np.stack([log[f"{name}_m{axis}"] for axis in "xyz"], 1) for name in ("one", "other"))
chirality = np.cross(one, other)[:, 2]
print(f"D.(m1 x m2)/|D| from {chirality[0]:.3f} to {chirality[-1]:.3f}")
assert chirality.max() < 0.6, "the layers come to rest now"
PY
