#!/bin/bash
# The heavy rest of the tests, after `make test`: the other host compilers with warnings as errors, the host under
# sanitizers, and the self-check under many seeds. Stops at nothing, ends with a list.
#   tools/test/check_all.sh [JOBS]
cd "$(dirname "$0")/../.." || exit 1
jobs="${1:-2}"
declare -a results=()
failures=0

step() {  # step NAME COMMAND...
  local name="$1"
  shift
  echo
  echo "== $name"
  if "$@"; then
    results+=("passed  $name")
  else
    results+=("FAILED  $name")
    failures=$((failures + 1))
  fi
}

step "g++, warnings are errors" tools/test/run.py --preset dev --jobs "$jobs" --skip 'nbdkit|clients|tidy|docs'
step "clang, warnings are errors" tools/test/run.py --preset dev-clang --jobs "$jobs" --skip 'nbdkit|clients|tidy|docs'
# nbdkit itself is not built with the sanitizers, so it cannot load a plugin that is.
step "host under ASan and UBSan" tools/test/run.py --preset asan --jobs "$jobs" --skip 'nbdkit|clients|tidy|docs'
step "every rule, switched off, is missed" tests/system/check_rules.py --build build/release --source . --whole
step "fuzz targets, two minutes each" tools/test/fuzz.sh 120
step "100000 random sequences of IRPs" env DRYDOCK_SEQUENCES=100000 build/release/tests/conformance/conformance_test --gtest_filter="IrpSequences.*"
step "self-check, 500 seeds, and 10000 plans of faults" \
  tests/system/sweep.py --build build/release --source . --seeds 500 --fault-seeds 10000

echo
printf '  %s\n' "${results[@]}"
[ "$failures" -eq 0 ]
