"""How is examples/teacher_trace.csv made? By this script: a SYNTHETIC trace, whose true values are known.

Expect 501 samples of mx, my and mz, every 10 ps for 5 ns, with Gaussian noise of 0.001: what `llgrad demo` fits.
"""

import pathlib
import sys

from llgrad.cli.demo.teacher import teacher_trace
from llgrad.datasets.reader import write_trace

target = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).with_name("teacher_trace.csv")
write_trace(target, teacher_trace(), overwrite=True)
print(f"wrote {target}: 501 samples, 5 ns")
