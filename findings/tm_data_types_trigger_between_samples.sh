#!/usr/bin/env bash
# tm_data_types 0.5.0 (Tektronix's own reader of .wfm files) leaves out the "TT offset": the part of a sample between the
# trigger and the sample behind it, which the format keeps for each frame, and which the oscilloscope adds to the times
# when it writes the same record as text. Times are up to a sample too early, by another part in each record, so that
# records do not lie on each other; and in every file that it writes itself the part is 0.5, whatever the trigger is.
#
# In its repository (tests/waveforms, an MSO64): analog_waveform.csv says "Zero Index,24999.16015625" and begins at
# -9.99966406e-07 s; analog_waveform.wfm, the same record, has the TT offset 0.83984375, and is read with the trigger at
# 25000, from -1e-06 s on. 25000 - 0.83984375 is 24999.16015625.
#
# Seen:
#   written with the trigger at 3: first sample at -1.2e-10 s, TT offset 0.5
#   TT offset 0.0: trigger read at 3.0
#   TT offset 0.83984375: trigger read at 3.0, which is 2.16015625
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tm_data_types==0.5.0
cd "$folder"
venv/bin/python - <<'PY'
import struct

import numpy as np
from tm_data_types import AnalogWaveform, read_file, write_file

IMPLICIT = 168 + 2 * 160  # behind the header and two explicit dimensions of a WFM#003
UPDATE = IMPLICIT + 2 * 136 + 2 * 12  # behind two implicit dimensions and two time bases

wave = AnalogWaveform()
wave.y_axis_values = np.linspace(-1.0, 1.0, 8)
wave.x_axis_spacing = 40e-12
wave.trigger_index = 3.0
write_file("x.wfm", wave)
with open("x.wfm", "rb") as file:
    content = bytearray(file.read())
(first,), (part,) = (struct.unpack_from("<d", content, at) for at in (IMPLICIT + 8, UPDATE + 4))
print(f"written with the trigger at 3: first sample at {first:g} s, TT offset {part}")
assert abs(first + 120e-12) < 1e-20 and part == 0.5, "files are written otherwise now"
for part, said in ((0.0, ""), (0.83984375, ", which is 2.16015625")):
    struct.pack_into("<d", content, UPDATE + 4, part)
    with open("y.wfm", "wb") as file:
        file.write(content)
    trigger = read_file("y.wfm").trigger_index
    print(f"TT offset {part}: trigger read at {trigger}{said}")
    assert trigger == 3.0, "the TT offset is read now"
PY
