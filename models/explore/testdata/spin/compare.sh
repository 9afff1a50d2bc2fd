#!/usr/bin/env bash
# Two-phase commit explored by SPIN (exact: whole states, no reduction) and by
# models/explore, one after the other on one core of this machine, some times over. Prints
# generated states a second, of wall time and of CPU time, and bytes a stored state.
#
#   compare.sh [RESOURCE MANAGERS, 9] [REPETITIONS, 3]
#
# Where spin is not installed (Debian: apt-get install spin gcc) its lines are missing, in
# so many words.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
here=$PWD
n=${1:-9}
times=${2:-3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

have_spin=yes
for tool in spin gcc; do
  if ! command -v "$tool" >/dev/null; then
    echo "SKIPPED: $tool is not installed, so there is nothing to compare with"
    have_spin=no
  fi
done

(cd ../../twophase && go test -c -o "$work/explore.test" .)
if [[ $have_spin == yes ]]; then
  (cd "$work" && cp "$here/2pc.pml" . && spin -a "-DN=$n" 2pc.pml &&
    gcc -O3 -w -DSAFETY -DNOREDUCE -DMEMLIM=8192 -o pan pan.c)
fi

one() { if command -v taskset >/dev/null; then taskset -c 0 "$@"; else "$@"; fi; }

spin_run() {
  local cpu
  TIMEFORMAT='%R %U %S'
  cpu=$( { time one "$work/pan" -m10000000 -w24 >"$work/out"; } 2>&1 | tail -1)
  grep -q 'errors: 0' "$work/out" || { cat "$work/out" >&2; return 1; }
  awk -v cpu="$cpu" -v n="$n" '
    /states, stored/ { stored = $1 }
    /transitions \(= stored\+matched\)/ { generated = $1 }
    /total actual memory usage/ { mb = $1 }
    END {
      split(cpu, t, " ")
      printf "spin     2pc-%s  %11d states %12d generated  %5.2f M/s wall  %5.2f M/s cpu  %6.1f B/state\n",
        n, stored, generated, generated / t[1] / 1e6, generated / (t[2] + t[3]) / 1e6, mb * 1048576 / stored
    }' "$work/out"
}

explore_run() {
  one "$work/explore.test" -test.run '^$' -test.bench "^BenchmarkCheck/2pc-$n/1_worker\$" -test.benchtime 1x |
    awk -v n="$n" '/^BenchmarkCheck/ {
      for (i = 3; i < NF; i += 2) m[$(i + 1)] = $i
      printf "explore  2pc-%s  %11d states %12d generated  %5.2f M/s wall  %5.2f M/s cpu  %6.1f B/state\n",
        n, m["states"], m["generated"], m["generated/s"] / 1e6, m["generated/cpu-s"] / 1e6, m["B/state"]
      found = 1
    } END { exit !found }'
}

for ((i = 0; i < times; i++)); do
  if [[ $have_spin == yes ]]; then spin_run; fi
  explore_run
done
