#!/bin/bash
# run.sh FOLDER INPUTS JOBS [TARGET]...: feeds INPUTS inputs to each fuzz target (default: all) of the build in FOLDER, JOBS
# at a time, and prints a line for each. What was learnt stays in FOLDER/corpus, what broke something in FOLDER/findings.
set -u
folder=$(realpath "$1") inputs=$2 jobs=$3
shift 3
cd "$(dirname "$0")" || exit 1
[ $# -gt 0 ] || set -- $(ls corpus)

# A small quarantine, short stack traces of allocations, and inputs chosen without weights (-entropic=0): several times as
# fast, and all of it goes into more inputs.
export ASAN_OPTIONS=quarantine_size_mb=8:malloc_context_size=1:detect_stack_use_after_return=0:allocator_release_to_os_interval_ms=-1
export UBSAN_OPTIONS=print_stacktrace=1
export ASAN_SYMBOLIZER_PATH=${ASAN_SYMBOLIZER_PATH:-$(command -v llvm-symbolizer-14)}

run() {
  local target=$1 corpus=$folder/corpus/$1 findings=$folder/findings/$1 log=$folder/findings/$1.log
  local dictionary=dictionaries/$1.dict began=$SECONDS
  mkdir -p "$corpus" "$findings"
  "$folder/bin/fuzz/$target" "$corpus" "corpus/$target" -runs="$inputs" -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=256 \
    -max_len=$([ "$target" = settings ] && echo 600 || echo 2048) $([ -f "$dictionary" ] && echo -dict="$dictionary") \
    -artifact_prefix="$findings/" -entropic=0 -print_final_stats=1 > "$log" 2>&1 < /dev/null
  local status=$? result
  case $status in 0) result=none ;; 72) result=interrupted ;; *) result=$(ls "$findings" | wc -l) ;; esac
  number() { sed -n "s/^stat::$1: *//p" "$log" | tail -1; }
  printf '%-24s %12s %12s %9s %11s\n' "$target" "$(number number_of_executed_units)" "$(number new_units_added)" \
    $((SECONDS - began)) "$result"
  [ $status = 0 ] || echo "$target: see $log" >&2
  return $status
}
export -f run
export folder inputs

printf '%-24s %12s %12s %9s %11s\n' target inputs 'new corpus' seconds findings
printf '%s\n' "$@" | xargs -P "$jobs" -I{} bash -c 'run {}'
