#!/bin/sh
# A throw-away PostgreSQL cluster for tests, on loopback, with the superuser `postgres` and no passwords.
#
#   postgres-cluster.sh init DIRECTORY                   make the cluster
#   postgres-cluster.sh follow DIRECTORY PORT            make one that is a copy of the server at PORT, and follows it
#   postgres-cluster.sh run DIRECTORY PORT [OPTION...]   be its server, in the foreground, under the same process id
#   postgres-cluster.sh ready PORT                       succeed once the server answers
#
# The cluster is made for speed. A test that pulls the plug runs it with the options `-c fsync=on -c full_page_writes=on`.
set -eu

# Debian keeps the server's programs out of PATH.
server_programs() {
    if command -v initdb >/dev/null 2>&1; then
        dirname "$(readlink -f "$(command -v initdb)")"
        return
    fi
    newest=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -n | tail -n 1)
    if [ -z "$newest" ] || [ ! -x "$newest/initdb" ]; then
        echo "no PostgreSQL server programs found: run 'make test-needs'" >&2
        exit 1
    fi
    echo "$newest"
}

# PostgreSQL refuses to run as root.
account() {
    if getent passwd postgres >/dev/null 2>&1; then echo postgres; else echo nobody; fi
}

# Replaces this process, so that whoever started it can signal the server.
run_unprivileged() {
    if [ "$(id -u)" = 0 ]; then
        user=$(account)
        exec setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups "$@"
    fi
    exec "$@"
}

init() {
    [ "$(id -u)" != 0 ] || chown "$(account)" .
    (run_unprivileged "$programs/initdb" --pgdata=data --username=postgres --auth=trust \
        --encoding=UTF8 --locale=C --no-sync >/dev/null)
    cat >>data/postgresql.conf <<SETTINGS
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
fsync = off
full_page_writes = off
SETTINGS
}

follow() {
    [ "$(id -u)" != 0 ] || chown "$(account)" .
    (run_unprivileged "$programs/pg_basebackup" --pgdata=data --host=127.0.0.1 --port="$1" --username=postgres \
        --write-recovery-conf --wal-method=stream --checkpoint=fast --no-sync)
}

programs=$(server_programs)
command=${1:?"init, follow, run or ready"}
shift
case $command in
init)
    cd "${1:?"a directory"}"
    init
    ;;
follow)
    cd "${1:?"a directory"}"
    follow "${2:?"a port"}"
    ;;
run)
    cd "${1:?"a directory"}"
    port=${2:?"a port"}
    shift 2
    run_unprivileged "$programs/postgres" -D data -p "$port" "$@"
    ;;
ready) exec "$programs/pg_isready" --quiet --host=127.0.0.1 --port="${1:?"a port"}" ;;
*)
    echo "unknown command $command" >&2
    exit 2
    ;;
esac
