#!/usr/bin/env bash
# jax 0.10.2 with JAX_PLATFORMS=cuda, but without the plug-in for CUDA (pip install jax, not jax[cuda12]): the first use
# ends in an AssertionError without a word. A name that no platform has is told in a sentence.
#
# Seen:
#   JAX_PLATFORMS=cuda: AssertionError ''
#   JAX_PLATFORMS=abacus: RuntimeError 'Unable to initialize backend 'abacus': Backend 'abacus' is not in the list of known backen'
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
for platform in cuda abacus; do
JAX_PLATFORMS=$platform "$folder/venv/bin/python" - <<'PY'
import os

import jax

platform = os.environ["JAX_PLATFORMS"]
try:
    jax.devices()
except Exception as error:
    said = type(error).__name__, str(error)
print(f"JAX_PLATFORMS={platform}: {said[0]} '{said[1][:90]}'")
if platform == "cuda":
    assert said == ("AssertionError", ""), "it is told in a sentence now"
else:
    assert said[0] == "RuntimeError" and platform in said[1]
PY
done
