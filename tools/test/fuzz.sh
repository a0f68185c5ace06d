#!/bin/bash
# Runs every fuzz target under libFuzzer, each for SECONDS, from the inputs in tests/fuzz/corpus. What it finds is kept in
# build/fuzz/found and the run fails; put a fixed input into tests/fuzz/corpus/NAME, where every `make test` replays it.
#   tools/test/fuzz.sh [SECONDS] [NAME...]
cd "$(dirname "$0")/../.." || exit 1
seconds="${1:-60}"
shift
names=("$@")
if [ "${#names[@]}" -eq 0 ]; then
  for source in tests/fuzz/*_fuzz.cpp; do names+=("$(basename "$source" _fuzz.cpp)"); done
fi

cmake --preset fuzz >/dev/null || exit 1
cmake --build --preset fuzz --target "${names[@]/%/_fuzz}" driver_ddvioblk || exit 1
mkdir -p build/fuzz/found
failed=0
for name in "${names[@]}"; do
  grown="build/fuzz/corpus/$name"
  mkdir -p "$grown"
  echo "== $name, ${seconds} s"
  ASAN_OPTIONS=allow_user_segv_handler=1:handle_segv=1:detect_stack_use_after_return=0:detect_leaks=0 \
    "build/fuzz/tests/fuzz/${name}_fuzz" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3072 -max_len=16384 \
    -artifact_prefix="build/fuzz/found/$name-" -print_final_stats=1 -verbosity=0 "$grown" "tests/fuzz/corpus/$name" \
    >"build/fuzz/found/$name.log" 2>&1 || { failed=1; tail -n 40 "build/fuzz/found/$name.log"; }
  grep -E 'number_of_executed_units' "build/fuzz/found/$name.log"
done
exit $failed
