#!/usr/bin/env bash
# A snapshot to a loopback server and back: Podium beside curl and Google's own library for Python, in turn in the same
# minutes (`make storage-bench`). The server is that of the tests, in memory and in a process of its own; its share of
# the processor stands beside each figure, as it can be what limits them. Files lie in memory too (/dev/shm).
# MEGABYTES: of the snapshot. ROUNDS: how often.
set -euo pipefail
cd "$(dirname "$0")/.."
MEGABYTES=${MEGABYTES:-1000} ROUNDS=${ROUNDS:-3}
bench=$PWD/build/release/bin/storage_bench python=$PWD/build/storage-bench-venv/bin/python
[ -x "$python" ] || { python3 -m venv build/storage-bench-venv && build/storage-bench-venv/bin/pip install -q google-cloud-storage; }
folder=$(mktemp -d /dev/shm/storage-bench.XXXXXX)
results=build/storage.txt
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$folder"' EXIT
: > "$results"
"$bench" make "$folder/here" "$MEGABYTES"
snapshot=$folder/here/bench/step-000000
files="model.safetensors optimizer.safetensors"

# Clock ticks that the server used so far.
server_ticks() { awk '{ print $14 + $15 }' "/proc/$server/stat"; }

# measure WHO WHAT COMMAND...: which prints seconds, those of the processor, and kB.
measure() {
  local before after
  before=$(server_ticks)
  read -r seconds busy peak < <("${@:3}")
  after=$(server_ticks)
  echo "$1 $2 $seconds $busy $peak $(((after - before) * 1000 / $(getconf CLK_TCK)))" | tee -a "$results" >&2
}

curl_one() {  # upload|download FILE
  local object=curl%2F$2
  if [ "$1" = upload ]; then
    curl -sf -T "$snapshot/$2" -X POST -H Expect: -o /dev/null \
      "http://$address/upload/storage/v1/b/bucket/o?uploadType=media&name=$object"
  else
    curl -sf -o "$folder/curl.$2" "http://$address/download/storage/v1/b/bucket/o/$object?alt=media"
  fi
}

curl_all() {  # upload|download; its memory is not looked at
  TIMEFORMAT='%R %U %S'
  { time for file in $files; do curl_one "$1" "$file"; done; } 2>&1 | awk '{ print $1, $2 + $3, 0 }'
}

for _ in $(seq "$ROUNDS"); do
  mkfifo "$folder/input" "$folder/output"
  "$bench" serve < "$folder/input" > "$folder/output" &
  server=$!
  exec 8> "$folder/input" 9< "$folder/output"
  read -r address <&9
  export STORAGE_EMULATOR_HOST=http://$address
  mkdir "$folder/python" "$folder/there"
  for what in upload download; do
    [ "$what" = upload ] && from=$snapshot || from=$folder/python
    [ "$what" = upload ] && home=$folder/here || home=$folder/there
    measure podium $what "$bench" $what "$home"
    measure curl $what curl_all $what
    measure python $what "$python" bench/storage_client.py $what "$from" $files
  done
  measure python-chunks download "$python" bench/storage_client.py download-chunks "$folder/python" $files
  for file in $files; do cmp "$snapshot/$file" "$folder/there/bench/step-000000/$file"; done
  exec 8>&- 9<&-
  wait "$server"
  server=
  rm -rf "$folder/input" "$folder/output" "$folder/python" "$folder/there" "$folder"/curl.*
done
sort -k 1,2 -k 3,3n "$results" | awk -v megabytes="$MEGABYTES" '
  function print_row() {
    if (count > 0)
      printf "%-14s %-9s %6.0f %6.0f %6.0f %7.2f %8.2f %8.0f\n", who, what, megabytes / seconds[int((count + 1) / 2)],
        megabytes / seconds[1], megabytes / seconds[count], busy / count, server / count / 1000, peak / 1024
    count = peak = busy = server = 0
  }
  BEGIN { print "MB/s:                    median   best  worst   CPU s  server s  peak MiB" }
  $1 != who || $2 != what { print_row(); who = $1; what = $2 }
  { seconds[++count] = $3; busy += $4; if ($5 > peak) peak = $5; server += $6 }
  END { print_row() }'
