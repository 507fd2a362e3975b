#!/usr/bin/env bash
# What the fixed tree of shards costs, side by side and in turn: (a) the gradient's sum over the tree beside
# MPI_Allreduce; (b) a step whose batch is cut into 8 shards beside an uncut one; (c) two workers of one thread each beside
# one trainer of two. ROUNDS, STEPS.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${BIN:-build/release/bin} ROUNDS=${ROUNDS:-3} STEPS=${STEPS:-10}
root=(); [ "$(id -u)" != 0 ] || root=(--allow-run-as-root)
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT

echo "(a) tree beside MPI_Allreduce, 2 ranks"
for _ in $(seq "$ROUNDS"); do
  mpirun "${root[@]}" -n 2 --mca pml ob1 --mca btl tcp,self "$bin/allreduce_bench" --megabytes 20 25
done

echo "(b) one step of workload (i), 1 thread: 8 shards beside 1"
for _ in $(seq "$ROUNDS"); do
  for shards in 8 1; do
    "$bin/step_bench" --workload i --threads 1 --steps "$STEPS" --shards "$shards" | tee -a "$work/steps"
  done
done

echo "(c) tutorial preset: 2 workers of 1 thread beside 1 trainer of 2 threads, seconds a step"
train() {  # PROGRAM...: until STEPS steps were timed in the step log
  local log=$work/log; : > "$log"
  timeout 300 "$@" --preset tutorial --run_name cost-$RANDOM --snapshots.folder "$work/snapshots" \
    --training.epochs 0 --training.max_minutes 0 --training.max_steps 1000000 --validation.every_epochs 0 \
    --snapshots.every_epochs 0 --validation.bleu_sentences 0 --progress.samples 0 --progress.step_log "$log" \
    > "$work/output" 2>&1 &
  local process=$!
  python3 - "$log" "$STEPS" <<'PY'
import statistics, sys, time
log, steps = open(sys.argv[1]), int(sys.argv[2])
times, deadline = [], time.monotonic() + 300
while len(times) < steps + 3 and time.monotonic() < deadline:
    if log.readline():
        times.append(time.monotonic())
    else:
        time.sleep(0.0005)
seconds = [b - a for a, b in zip(times[2:], times[3:])]
print(f"median {statistics.median(seconds):.3f} s, best {min(seconds):.3f} s")
PY
  kill -TERM "$process"; wait "$process" || true  # 143: it was told to stop
}
for _ in $(seq "$ROUNDS"); do
  echo -n "2 workers: "; train "$bin/worker" local --workers 2 --device.threads 1 --workers.standby false
  echo -n "1 trainer: "; train "$bin/trainer" --device.threads 2
done
python3 - "$work/steps" <<'PY'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
for key in ("ms_per_step", "least_ms"):
    cut, whole = (min(r[key] for r in rows if r["shards"] == shards) for shards in (8, 1))
    print(f"(b) {key}: 8 shards {cut:.1f}, 1 shard {whole:.1f}, ratio {cut / whole:.2f}")
PY
