#!/usr/bin/env bash
# npTDMS 1.13.0: channel.read_data(offset, length) reads the whole chunk that the window is in, and cuts it then. LabVIEW
# and npTDMS itself write a long record in one chunk, so ten samples of a record of 80 MB take 80 MB; of one that does
# not fit into memory, no window can be read.
#
# Seen:
#   10 of 10,000,000 samples in one chunk: 80 MB taken; in 100 chunks: 1 MB
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet npTDMS==1.13.0 numpy==2.4.6
cd "$folder"
venv/bin/python - <<'PY'
import tracemalloc

import numpy as np
from nptdms import ChannelObject, TdmsFile, TdmsWriter

values = np.arange(1e7)


def taken(chunks):
    with TdmsWriter("x.tdms") as file:
        for number, part in enumerate(np.split(values, chunks)):
            file.write_segment([ChannelObject("g", "AI0", part)])
    with TdmsFile.open("x.tdms") as file:
        tracemalloc.start()
        assert file["g"]["AI0"].read_data(offset=123, length=10).tolist() == list(range(123, 133))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return peak / 1e6


one, many = taken(1), taken(100)
print(f"10 of 10,000,000 samples in one chunk: {one:.0f} MB taken; in 100 chunks: {many:.0f} MB")
assert one > 70 and many < 5, "a window is read alone now"
PY
