#!/usr/bin/env bash
# How long training stands still when a worker starts, joins, leaves or loses its trainer, with 2 and 3 workers of one
# thread each; with TORCH, an interpreter that has PyTorch 2 and numpy, also torchrun's recovery of the same model
# (`make recovery-bench`). KILLS: of random trainers. CLUSTER=1: instead, pods of a cluster on this machine that start, are
# deleted, and become more and fewer, REPETITIONS times each (root, KUBEBUILDER_ASSETS).
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -n "${CLUSTER:-}" ]; then exec build/release/bin/cluster_recovery_bench --gtest_brief=1; fi
for workers in 2 3; do
  build/release/bin/recovery_bench --workers "$workers" --kills "${KILLS:-50}"
done
if [ -n "${TORCH:-}" ]; then "$TORCH" bench/torchrun_recovery.py; fi
