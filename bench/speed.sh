#!/usr/bin/env bash
# Time of a training step here and in PyTorch, fp32, on workload (i), in turn in the same minutes (`make bench`).
# PYTHON: an interpreter with torch and numpy. ROUNDS: pairs of runs a number of threads.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-/usr/bin/python3} ROUNDS=${ROUNDS:-3} STEPS=${STEPS:-10}
results=build/speed.jsonl
: > "$results"
for threads in 1 2; do
  for round in $(seq "$ROUNDS"); do
    echo "$threads thread(s), round $round of $ROUNDS" >&2
    build/release/bin/step_bench --workload i --threads "$threads" --steps "$STEPS" | sed 's/^{/{"program": "podium", /' >> "$results"
    "$PYTHON" tests/oracles/parity.py --benchmark --threads "$threads" --steps "$STEPS" | sed 's/^{/{"program": "torch", /' >> "$results"
  done
done
"$PYTHON" - "$results" <<'PY'
import json, statistics, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
torch = next(r for r in rows if r["program"] == "torch")
print(f"workload (i), fp32; PyTorch {torch['torch']}, its matrix products {torch['matmul_gflops']} GFLOP/s; "
      f"Podium {next(r for r in rows if r['program'] == 'podium')['instruction_set']}")
print("threads   Podium ms   PyTorch ms   Podium tokens/s   ratio (median of pairs)")
for threads in (1, 2):
    of = lambda program: [r["ms_per_step"] for r in rows if r["program"] == program and r["threads"] == threads]
    ours, theirs = of("podium"), of("torch")
    ratio = statistics.median(b / a for a, b in zip(ours, theirs))
    print(f"{threads:7} {statistics.median(ours):11.1f} {statistics.median(theirs):12.1f} {64 * 80 / statistics.median(ours) * 1e3:17.0f}   {ratio:.2f}")
PY
