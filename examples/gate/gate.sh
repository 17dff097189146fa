#!/usr/bin/env bash
# A speed gate for any continuous integration: gate.sh BASE MODEL [HISTORY]
#
# Holds the checked-out revision against BASE (a branch, tag or commit, or a baseline file) and ends with the
# gate's exit status: 0 passed, 1 failed, 2 wrong usage. The table is left in gate.md, the results in HISTORY.
set -uo pipefail
base=${1:?"usage: gate.sh BASE MODEL [HISTORY]"}
model=${2:?"usage: gate.sh BASE MODEL [HISTORY]"}
history=${3:-gate-history}
run="$history/$(date -u +%Y%m%dT%H%M%SZ)"

rm -f gate.md
llbench gate --base "$base" --head HEAD --models "$model" --out "$run" --markdown gate.md
status=$?

# Never a reason to fail: what happened over time, as plots under $history/history.
llbench report --history "$history" || true
exit "$status"
