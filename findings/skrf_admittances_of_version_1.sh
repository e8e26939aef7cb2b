#!/usr/bin/env bash
# scikit-rf 2.2.0 misreads admittances in a Touchstone file of version 1. The format normalises them to the reference
# resistance (y = Y R), so that y = 0.5 gives S11 = (1 - 0.5)/(1 + 0.5) = 1/3. scikit-rf multiplies by R where it has to
# divide, and returns -0.998. The other kind of matrix that is scaled, Z, is read rightly.
#
# Seen:
#   y = 0.5: S11 = -0.9984 (1/3 is right); z = 2: S11 = 0.3333
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-rf==2.2.0 numpy==2.4.6
cd "$folder"
printf '# GHz Y RI R 50\n1 0.5 0\n2 0.5 0\n' > y.s1p
printf '# GHz Z RI R 50\n1 2 0\n2 2 0\n' > z.s1p
venv/bin/python - <<'PY'
import skrf

y, z = (skrf.Network(f"{name}.s1p").s[0, 0, 0].real for name in "yz")
print(f"y = 0.5: S11 = {y:.4f} (1/3 is right); z = 2: S11 = {z:.4f}")
assert abs(z - 1 / 3) < 1e-9 and y < -0.99, "admittances are read otherwise now"
PY
