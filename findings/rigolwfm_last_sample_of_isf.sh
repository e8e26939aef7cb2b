#!/usr/bin/env bash
# RigolWFM 1.6.0 takes the codes 10 and 13 at the end of a Tektronix .isf file for the end of a line, and strips them from
# the samples, though the block of data says how long it is: a trace of 8 bit that ends near zero loses its last samples,
# one of 16 bit cannot be read at all ("buffer size must be a multiple of element size").
#
# Seen:
#   1 byte a sample, 5 samples that end in 10, 13: 3 read
#   2 bytes a sample, 5 samples that end in 10: ValueError
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet RigolWFM==1.6.0 numpy==2.4.6
cd "$folder"
MPLBACKEND=Agg venv/bin/python - <<'PY'
import numpy as np
from RigolWFM.wfm import Wfm


def read(codes, width):
    body = np.array(codes, dtype=f">i{width}").tobytes()
    head = (f":WFMP:BYT_N {width};BIT_N {8 * width};ENC BIN;BN_F RI;BYT_O MSB;NR_P {len(codes)};PT_F Y;XUN \"s\";"
            f"XIN 1.0E-9;XZE 0.0;PT_O 0;YUN \"V\";YMU 1.0E-3;YOF 0.0;YZE 0.0;:CURV #{len(str(len(body)))}{len(body)}")
    with open("x.isf", "wb") as file:
        file.write(head.encode() + body)
    return Wfm.from_file("x.isf").channels[0].volts


assert len(read([1, 2, 3, 4, 5], 1)) == 5
found = len(read([1, 2, 3, 10, 13], 1))
print(f"1 byte a sample, 5 samples that end in 10, 13: {found} read")
try:
    refused = f"{len(read([1, 2, 3, 4, 10], 2))} read"
except ValueError as error:
    refused = type(error).__name__
print(f"2 bytes a sample, 5 samples that end in 10: {refused}")
assert found == 3 and refused == "ValueError", "the last samples are kept now"
PY
