#!/bin/sh
# Takes the pictures in docs/images of a program in development mode: scripts/screenshot.sh PROGRAM
set -eu
program=$(realpath "${1:?"the program"}")
images=$(realpath "$(dirname "$0")/..")/docs/images
export LISTEN=127.0.0.1:8765 EXTERNAL_ADDRESS=http://127.0.0.1:8765
directory=$(mktemp -d)
server=

clean_up() {
    if [ -n "$server" ]; then kill "$server" 2>/dev/null && wait "$server" || :; fi
    rm -rf "$directory"
}
trap clean_up EXIT

picture() {
    # Chromium's sandbox does not work as root.
    [ "$(id -u)" != 0 ] || set -- "$@" --no-sandbox
    name=$1 path=$2
    shift 2
    chromium --headless --hide-scrollbars --window-size=1200,800 --virtual-time-budget=5000 \
        --user-data-dir="$directory/browser" --screenshot="$images/$name.png" "$@" \
        "$EXTERNAL_ADDRESS$path" >"$directory/browser.log" 2>&1 || { cat "$directory/browser.log" >&2; exit 1; }
}

mkdir -p "$images"
cd "$directory"
"$program" serve --dev >log 2>&1 &
server=$!
until "$program" healthcheck >/dev/null 2>&1; do
    kill -0 "$server" 2>/dev/null || { cat log >&2; exit 1; }
    sleep 0.1
done
picture front-page /
picture api-documentation /docs
