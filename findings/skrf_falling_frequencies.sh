#!/usr/bin/env bash
# scikit-rf 2.2.0 reads a two-port file of version 1 only up to the first frequency that falls: from there on it takes
# the rows for noise parameters, which the format puts behind the network's at a lower frequency, though these have five
# numbers a row and the rows nine. A sweep that was written downwards keeps one row of all. What it warns of is that the
# frequencies do not increase, not that four rows of five are gone.
#
# Seen:
#   5 rows written downwards: 1 frequency read; written upwards: 5
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-rf==2.2.0 numpy==2.4.6
cd "$folder"
for order in '5 4 3 2 1' '1 2 3 4 5'; do
  name=$(echo "$order" | tr -d ' ').s2p
  echo '# GHz S RI R 50' > "$name"
  for f in $order; do echo "$f 0.1 0 0.5 0 0.5 0 0.1 0" >> "$name"; done
done
venv/bin/python - <<'PY'
import skrf

down, up = (len(skrf.Network(f"{name}.s2p").f) for name in ("54321", "12345"))
print(f"5 rows written downwards: {down} frequency read; written upwards: {up}")
assert (down, up) == (1, 5), "falling frequencies are read otherwise now"
PY
