"""From field sweeps to γ, anisotropy fields and α: lines, their widths, and the geometries that explain them."""
