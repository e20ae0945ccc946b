#!/bin/sh
# What the tests need besides Rust and a C compiler: a PostgreSQL server with its clients, Chromium with its driver, Python with venv,
# Node.js, curl, bash, HAProxy and nginx.
# Installs what is missing when it may, and says what is missing when it may not.
set -eu

has_postgres() {
    command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1
}

# Where only root looks for programs, too.
has_server() {
    command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]
}

has_browser() {
    command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 ||
        command -v google-chrome >/dev/null 2>&1
}

missing=
has_postgres || missing="$missing postgresql"
command -v psql >/dev/null 2>&1 || missing="$missing postgresql-client"
has_server haproxy || missing="$missing haproxy"
has_server nginx || missing="$missing nginx-light"
has_browser || missing="$missing chromium"
command -v chromedriver >/dev/null 2>&1 || missing="$missing chromium-driver"
python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || missing="$missing python3 python3-venv"
command -v node >/dev/null 2>&1 || missing="$missing nodejs"
command -v curl >/dev/null 2>&1 || missing="$missing curl"
command -v bash >/dev/null 2>&1 || missing="$missing bash"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "the tests need these packages (named as in Debian):$missing" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet
# Ubuntu has the browser under other names, and brings it as a snap.
if ! apt-cache show chromium-driver >/dev/null 2>&1; then
    missing=$(echo "$missing " | sed 's/ chromium-driver / chromium-chromedriver /; s/ chromium / chromium-browser /')
fi
# The list is words, not one word.
# shellcheck disable=SC2086
apt-get install --quiet --yes --no-install-recommends $missing
