#!/usr/bin/env bash
# Names every test that CTest reports as skipped in the JUnit file $1, with the reason that the test gave.
set -eu
awk '
  /<testcase /  { name = $0; sub(/.*<testcase name="/, "", name); sub(/".*/, "", name); skipped = 0; reason = ""; next_is_reason = 0 }
  /<skipped/    { skipped = 1 }
  next_is_reason && $0 != "" { reason = $0; next_is_reason = 0 }
  /: Skipped$/  { next_is_reason = 1 }
  /<\/testcase>/ { if (skipped) { printf "skipped: %s: %s\n", name, reason == "" ? "(no reason given)" : reason; count++ } }
  END { printf "%d tests skipped\n", count }
' "$1" | sed -e 's/&quot;/"/g; s/&lt;/</g; s/&gt;/>/g; s/&apos;/'"'"'/g; s/&amp;/\&/g'
