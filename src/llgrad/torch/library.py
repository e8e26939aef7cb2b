"""PyTorch itself, or a sentence that says what to install: the one place that imports it."""

from __future__ import annotations

import importlib.util

if importlib.util.find_spec("torch") is None:
    raise ImportError(
        "lg.torch needs PyTorch, which is not installed; install it, as in pip install 'llgrad[torch]', or on Debian "
        "apt-get install python3-torch with an environment that sees it (python3 -m venv --system-site-packages)"
    )

import torch  # pyright: ignore[reportMissingImports]

__all__ = ["torch"]
