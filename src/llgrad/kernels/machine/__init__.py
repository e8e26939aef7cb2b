"""The machine below: intrinsics, vector mathematics, the foreign-function interface of XLA, kernels on disk."""
