#!/bin/sh
# Builds the plugins of earlier versions of the ABI that tests/abi_compat keeps: scripts/build-abi-compat.sh OUT_DIR
#
# Each becomes OUT_DIR/libNAME.so, which nobody but its owner may write. Needs a C compiler and what the repository itself is
# built from, and no network. Nothing is written elsewhere.
set -eu
[ $# -eq 1 ] || { echo "usage: build-abi-compat.sh OUT_DIR" >&2; exit 2; }

root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM
umask 022

compile() {
    ${CC:-cc} -std=c11 -Wall -Wextra -Werror -O2 -fPIC -shared -fvisibility=hidden \
        -I "$(dirname "$1")/plugin-abi/include" "$1" -o "$out/lib$(basename "$1" .c).so"
}

for version in "$root"/tests/abi_compat/abi-*; do
    # A copy: cargo writes beside the manifests, and takes the versions that the repository has at hand.
    copy=$work/$(basename "$version")
    cp -R "$version" "$copy"
    cp "$root/Cargo.lock" "$copy/"
    for source in "$copy"/*.c; do compile "$source"; done
    (cd "$copy" && "${CARGO:-cargo}" build --quiet --offline --target-dir "$work/target")
    cp "$work"/target/debug/lib*.so "$out/"
done
