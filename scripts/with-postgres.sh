#!/bin/sh
# Runs a command with a throw-away PostgreSQL server: scripts/with-postgres.sh COMMAND ARGUMENT...
#
# The command finds the server in TEST_POSTGRES_URL. When that is set already, the server it names is used. However
# the command or this script ends, the server is stopped and its files are removed; the status is the command's.
set -eu
[ $# -gt 0 ] || { echo "usage: with-postgres.sh COMMAND ARGUMENT..." >&2; exit 2; }
[ -z "${TEST_POSTGRES_URL:-}" ] || exec "$@"

cluster=$(dirname "$0")/postgres-cluster.sh
directory=$(mktemp -d)
server=
command=

clean_up() {
    # SIGQUIT is PostgreSQL's immediate shutdown: nothing in this cluster is worth a checkpoint.
    if [ -n "$server" ]; then kill -QUIT "$server" 2>/dev/null && wait "$server" || :; fi
    rm -rf "$directory"
}

end_command() {
    if [ -n "$command" ]; then kill -TERM "$command" 2>/dev/null || :; else exit 130; fi
}

# Below the range that the kernel hands out for outgoing connections, so that nothing takes the port meanwhile.
random_port() {
    echo $((20000 + $(od -An -N2 -tu2 /dev/urandom) % 12000))
}

# Succeeds when the server answers, fails when it has ended, as it does when the port is taken.
answers() {
    until "$cluster" ready "$port"; do
        kill -0 "$server" 2>/dev/null || return 1
        sleep 0.05
    done
}

start_server() {
    "$cluster" init "$directory"
    for _ in 1 2 3 4 5; do
        port=$(random_port)
        "$cluster" run "$directory" "$port" >"$directory/log" 2>&1 &
        server=$!
        answers && return
    done
    cat "$directory/log" >&2
    exit 1
}

trap clean_up EXIT
trap end_command INT TERM HUP
start_server
export TEST_POSTGRES_URL="postgres://postgres@127.0.0.1:$port/postgres"

# In the background, because a shell that waits for a foreground command does not see signals until it has ended.
# A background command would get an empty input, were it not handed over under another number.
exec 3<&0
"$@" <&3 3<&- &
command=$!
status=0
wait "$command" || status=$?
# A signal interrupts `wait`; the command's own end is what counts.
while kill -0 "$command" 2>/dev/null; do
    status=0
    wait "$command" || status=$?
done
exit "$status"
