#!/bin/sh
# Builds the targets of fuzz/ and runs them, one after the other.
#
#   fuzz.sh [-t SECONDS] [TARGET...]     run these targets, or all, each for so long (default 10)
#   fuzz.sh -i FILE TARGET               run one input, such as one that was found, through a target
#
# What a run learns is kept in fuzz/var/grown, and what it finds in fuzz/var/found. FUZZ_ARGUMENTS go to libFuzzer as they are.
set -eu
cd "$(dirname "$0")/../fuzz"

seconds=10
input=
while getopts t:i: option; do
    case $option in
        t) seconds=$OPTARG ;;
        i) input=$(cd "$OLDPWD" && realpath "$OPTARG") ;;
        *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
if [ -n "$input" ] && [ $# != 1 ]; then
    echo 'An input is for one target: TARGET=name.' >&2
    exit 2
fi

all=$(ls fuzz_targets | sed 's/\.rs$//')
targets=${*:-$all}
for target in $targets; do
    if [ ! -f "fuzz_targets/$target.rs" ]; then
        printf 'There is no target %s. There are:\n%s\n' "$target" "$all" >&2
        exit 2
    fi
done

if ! command -v c++ >/dev/null; then
    echo 'Fuzzing needs a C++ compiler called c++ besides Rust and a C compiler: libFuzzer is written in C++.' >&2
    exit 1
fi

# What guides the fuzzer: which edges of the code an input reaches, and what it is compared with. With --target, programs that
# run during the build are left alone.
host=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS='--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4'
RUSTFLAGS="$RUSTFLAGS -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
RUSTFLAGS="$RUSTFLAGS -Cllvm-args=-sanitizer-coverage-trace-compares"
export RUSTFLAGS
# shellcheck disable=SC2046 # Names of targets have no spaces.
cargo build --release --target "$host" --target-dir target $(printf -- '--bin %s ' $targets)
programs=target/$host/release

if [ -n "$input" ]; then
    exec "$programs/$1" -timeout=10 "$input"
fi

failed=
for target in $targets; do
    mkdir -p "var/grown/$target" "var/found/$target"
    status=0
    # shellcheck disable=SC2086 # Several arguments.
    "$programs/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=8192 -print_final_stats=1 \
        -artifact_prefix="var/found/$target/" ${FUZZ_ARGUMENTS:-} "var/grown/$target" "corpus/$target" \
        >"var/grown/$target.log" 2>&1 || status=$?
    units=$(sed -n 's/^stat::number_of_executed_units: *//p' "var/grown/$target.log")
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "var/grown/$target.log" | tail -n 1)
    printf '%-22s %10s inputs, %6s edges%s\n' "$target" "${units:-?}" "${edges:-?}" \
        "$(test $status = 0 || echo ', FAILED')"
    if [ $status != 0 ]; then
        failed="$failed $target"
        grep -vE "^#[0-9]|NEW_FUNC" "var/grown/$target.log" | tail -n 40
        found=$(sed -n 's/.*Test unit written to //p' "var/grown/$target.log" | tail -n 1)
        printf '\nAgain: make fuzz TARGET=%s INPUT=fuzz/%s\n' "$target" "${found:-var/found/$target}"
        printf 'Once it is mended, the input belongs in fuzz/corpus/%s.\n\n' "$target"
    fi
done
test -z "$failed"
