#!/usr/bin/env bash
# dask-jobqueue 0.9.0 (distributed 2026.8.0): after cluster.scale(jobs=1) a job that ends, at its wall time or because it
# was killed, is not submitted again. cluster.plan goes on naming its worker, and who waits for a result waits for ever,
# without a word. After cluster.adapt(minimum_jobs=1, maximum_jobs=1) another job is submitted within seconds.
#
# A queue of two scripts, in which a job is a process in the background, stands for SLURM.
#
# Seen:
#   scale(jobs=1): 1 job submitted, 20 s after it was killed 0 workers of 1 planned, no result
#   adapt(minimum_jobs=1, maximum_jobs=1): 2 jobs submitted, result 42
set -euo pipefail
folder=$(mktemp -d)
trap 'for one in "$folder"/jobs/*.pid; do kill -9 -- "-$(cat "$one")" 2>/dev/null || true; done; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet dask-jobqueue==0.9.0 distributed==2026.8.0 dask==2026.8.0
cd "$folder"
mkdir bin jobs
cat > bin/sbatch <<'SH'
#!/usr/bin/env bash
number=$(($(ls "$JOBS"/*.pid 2>/dev/null | wc -l) + 1))
cp "$1" "$JOBS/$number.sh"  # as SLURM does: the file is removed at once
setsid bash "$JOBS/$number.sh" > /dev/null 2>&1 < /dev/null &
echo $! > "$JOBS/$number.pid"
echo "Submitted batch job $number"
SH
cat > bin/scancel <<'SH'
#!/usr/bin/env bash
kill -TERM -- "-$(cat "$JOBS/$1.pid")" 2>/dev/null || true
SH
chmod +x bin/*
cat > kill_a_job.py <<'PY'
import os
import pathlib
import signal
import sys
import time

from dask_jobqueue import SLURMCluster
from distributed import Client, TimeoutError

JOBS = pathlib.Path(os.environ["JOBS"])


def slow(x):
    time.sleep(8)
    return 2 * x


if __name__ == "__main__":
    with SLURMCluster(cores=1, processes=1, memory="1GB", scheduler_options={"dashboard_address": None}) as cluster:
        cluster.scale(jobs=1) if sys.argv[1] == "scale" else cluster.adapt(minimum_jobs=1, maximum_jobs=1)
        with Client(cluster) as client:
            client.wait_for_workers(1, timeout=60)
            future = client.submit(slow, 21)
            time.sleep(2)
            os.killpg(int((JOBS / "1.pid").read_text()), signal.SIGKILL)
            time.sleep(20)
            submitted = len(list(JOBS.glob("*.pid")))
            if sys.argv[1] == "adapt":
                result = future.result(timeout=60)
                print(f"adapt(minimum_jobs=1, maximum_jobs=1): {submitted} jobs submitted, result {result}")
                assert submitted == 2 and result == 42
            else:
                there = len(client.scheduler_info()["workers"])
                try:
                    said = f"result {future.result(timeout=1)}"
                except TimeoutError:
                    said = "no result"
                told = f"{there} workers of {len(cluster.plan)} planned, {said}"
                print(f"scale(jobs=1): {submitted} job submitted, 20 s after it was killed {told}")
                assert (submitted, there, len(cluster.plan), said) == (1, 0, 1, "no result"), "jobs are replaced now"
PY
for how in scale adapt; do
    rm -f jobs/*
    JOBS=$folder/jobs PATH=$folder/bin:$PATH venv/bin/python kill_a_job.py "$how" 2> "$how.log" || { tail -5 "$how.log"; exit 1; }
done
