#!/usr/bin/env bash
# cmtj 1.15.0 takes the anisotropy axis of a layer as it is given, without making it a unit vector: an axis twice as
# long is an anisotropy constant four times as large, without a word. (0, 1, 1) for an axis at 45 degrees doubles Ku.
#
# Seen, the largest difference in m_x over 100 steps of an axis of length 2 with Ku:
#   against 4 Ku: 0.0e+00; against Ku: 1.4e+00
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet cmtj==1.15.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import cmtj

def mx(length, Ku):
    layer = cmtj.Layer("free", cmtj.CVector(0.8, 0.0, 0.6), cmtj.CVector(0, 0, length), 1.0, 1e-9, 1e-14,
                       [cmtj.CVector(0, 0, 0), cmtj.CVector(0, 0, 0), cmtj.CVector(0, 0, 0)], damping=0.02)
    junction = cmtj.Junction([layer])
    junction.setLayerAnisotropyDriver("free", cmtj.constantDriver(Ku))
    junction.runSimulation(1e-10, 1e-12, 1e-12)
    return np.array(junction.getLog()["free_mx"])

long, four, one = mx(2.0, 1e5), mx(1.0, 4e5), mx(1.0, 1e5)
print(f"against 4 Ku: {abs(long - four).max():.1e}; against Ku: {abs(long - one).max():.1e}")
assert abs(long - four).max() < 1e-12 and abs(long - one).max() > 0.1, "the axis is normalised now"
PY
