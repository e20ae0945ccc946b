#!/bin/sh
# Changes one expression at a time in the crates that decide, and counts how many changes their own tests notice.
#
#   mutants.sh [-s K/N] [PACKAGE...]     all mutants of these packages, or a sample: every N-th, from the K-th on (0 to N-1)
#
# Fails when a package catches less than 90 % of the mutants that build. The reports are in var/mutants/PACKAGE.
set -eu
cd "$(dirname "$0")/.."

shard=
while getopts s: option; do
    case $option in
        s) shard=$OPTARG ;;
        *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))

if ! cargo mutants --version > /dev/null 2>&1; then
    cargo install --locked cargo-mutants
fi

# Dependencies are built once for all packages and parts. Nobody debugs a mutant, and what a property finds with luck alone
# counts as missed.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/var/mutants/target}" CARGO_PROFILE_DEV_DEBUG=false
export PROPTEST_CASES="${PROPTEST_CASES:-16}"

count() { grep -c . "$1" 2> /dev/null || true; }

failed=0
for package in ${*:-vestibule-domain vestibule-tokens vestibule-verifier}; do
    output=var/mutants/$package
    mkdir -p "$output"
    status=0
    # A busy machine must not make a test look as if it looped.
    cargo mutants --package "$package" --output "$output" --minimum-test-timeout 300 ${shard:+--sharding round-robin --shard "$shard"} || status=$?
    # 2: some were missed, 3: some looped. Anything else means that not all were tried.
    case $status in 0 | 2 | 3) ;; *) exit "$status" ;; esac
    found=$output/mutants.out
    caught=$(($(count "$found/caught.txt") + $(count "$found/timeout.txt")))
    missed=$(count "$found/missed.txt")
    built=$((caught + missed))
    echo "$package: $caught of $built mutants caught"
    [ "$built" -gt 0 ] && [ $((caught * 10)) -ge $((built * 9)) ] || failed=1
done
exit "$failed"
