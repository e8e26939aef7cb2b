"""How large are damping and volume of an oscillator whose lines were measured at two temperatures?

Expect alpha = 0.00497 ± 0.00009 and volume = (2.261 ± 0.009)e-23 m³ (the numbers were made with 0.005 and 2.262e-23).

Each row is fitted through the orbit of the device there, without a transient. The frequency goes by current/(alpha ·
volume). The line width goes as alpha · temperature/volume where the frequency depends little on the power, as in this
layer, whose anisotropy cancels its demagnetising field; elsewhere it goes as temperature/(alpha · volume) too, and a
fit says that only this product is known.
"""

import numpy as np

import llgrad as lg

layer = lg.presets.kubota2013().replace(H_k=1.82, field=(0.0, 0.0, 0.1))
table = lg.data.OrbitTable(
    settings={"current": np.tile([2.0e-3, 2.5e-3, 3.0e-3, 4.0e-3], 2), "temperature": np.repeat([200.0, 300.0], 4)},
    measured={
        "frequency": [2.7905e9, 2.7790e9, 2.7683e9, 2.7372e9, 2.7892e9, 2.7811e9, 2.7675e9, 2.7370e9],
        "line_width": [26.1e3, 26.9e3, 24.2e3, 26.5e3, 41.0e3, np.nan, 37.2e3, 38.1e3],
    },
    errors={"frequency": 1e6, "line_width": np.repeat([1.3e3, 2.0e3], 4)},
)
found = lg.fit(layer.replace(alpha=0.0055), table, free=["alpha", "volume"])
print(found)
