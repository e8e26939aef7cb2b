#!/usr/bin/env bash
# cmtj 1.15.0: row k of a log stands beside the time of step k, but holds the state after step k + 1; and asked for
# a row every 10 ps at a step of 0.1 ps, it writes one every 9.9 ps, for 1e-11/1e-13 is cut down to 99.
#
# Seen:
#   start mz 0.60000, first logged mz 0.63375 at time 0
#   rows every 9.9 ps
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet cmtj==1.15.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import cmtj

def log(dt, every):
    layer = cmtj.Layer("free", cmtj.CVector(0.8, 0.0, 0.6), cmtj.CVector(0, 0, 1), 1.0, 1e-9, 1e-14,
                       [cmtj.CVector(0, 0, 0), cmtj.CVector(0, 0, 0), cmtj.CVector(0, 0, 0)], damping=0.5)
    junction = cmtj.Junction([layer])
    junction.setLayerAnisotropyDriver("free", cmtj.constantDriver(5e5))
    junction.runSimulation(1e-10, dt, every)
    return junction.getLog()

rows = log(1e-12, 1e-12)
time, mz = np.array(rows["time"]), np.array(rows["free_mz"])
print(f"start mz 0.60000, first logged mz {mz[0]:.5f} at time {time[0]:g}")
assert time[0] == 0.0 and mz[0] - 0.6 > 1e-3, "the first row is the start now"
apart = np.diff(log(1e-13, 1e-11)["time"])
print(f"rows every {apart.mean() * 1e12:.1f} ps")
assert np.allclose(apart, 9.9e-12), "rows stand where they were asked for"
PY
