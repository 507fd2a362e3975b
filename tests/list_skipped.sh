#!/usr/bin/env bash
# Names every test that CTest reports as skipped in the JUnit file $1, with the reason that the test gave; and those that
# ran on the small API server for want of a control plane.
set -eu
awk '
  /<testcase /  { name = $0; sub(/.*<testcase name="/, "", name); sub(/".*/, "", name); skipped = 0; reason = ""; next_is_reason = 0 }
  /<skipped/    { skipped = 1 }
  next_is_reason && $0 != "" { reason = $0; next_is_reason = 0 }
  /: Skipped$/  { next_is_reason = 1 }
  /KUBEBUILDER_ASSETS.*: on Podium.*own small API server/ { small++ }
  /<\/testcase>/ { if (skipped) { printf "skipped: %s: %s\n", name, reason == "" ? "(no reason given)" : reason; count++ } }
  END {
    if (small) printf "%d programs of tests/cluster ran on Podium\x27s own small API server, which is not Kubernetes: no KUBEBUILDER_ASSETS\n", small
    printf "%d tests skipped\n", count
  }
' "$1" | sed -e 's/&quot;/"/g; s/&lt;/</g; s/&gt;/>/g; s/&apos;/'"'"'/g; s/&amp;/\&/g'
