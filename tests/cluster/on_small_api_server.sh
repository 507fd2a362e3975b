#!/usr/bin/env bash
# Where tests/cluster run on a real control plane: some of them on the small API server too, which is compared with it.
# $1: the folder of the programs.
set -eu
if [ -z "${KUBEBUILDER_ASSETS:-}" ]; then
  printf 'all tests: Skipped\nno KUBEBUILDER_ASSETS: all of tests/cluster run on the small API server\n'
  exit 77
fi
export PODIUM_SMALL_API_SERVER=1
"$1/api_conformance_test"
"$1/pods_test"
"$1/lost_pods_test" --gtest_filter='LostPods.AFinishedRun*:LostPods.ADeletedPod*'
