# shellcheck shell=sh
# The packages of pg_auto_failover are installed, and have created no Postgres of their own.
# inputs: PACKAGES PGDATA DB_PORT
# with a proxy, inputs: PROXY_HTTP PROXY_HTTPS PROXY_NOT_FOR   from a bundle: BUNDLE

refuses() {
    [ ! -e "$KEEP/pair-begun" ] || return 0
    [ ! -e "$PGDATA" ] || {
        say "$PGDATA already exists, and the wizard did not create it. If its data is not needed," \
            "move it away"
        return 3
    }
    others=$(postgres_elsewhere; postgres_cluster) || others=
    [ -z "$others" ] || {
        say "this host already has a Postgres: $others. A pair begins with hosts that have none"
        return 3
    }
}

# Debian's package would create a Postgres at once (docs/facts.md, "A pair of Postgres hosts").
files() {
    file /etc/postgresql-common/createcluster.d/k3s-ha-wizard.conf 0644 root:root "\
# Written by k3s-ha-wizard: the Postgres of this host is created by pg_auto_failover.
create_main_cluster = false
"
}

satisfied() {
    # shellcheck disable=SC2086 # a list of packages
    installed $PACKAGES || return 1
    files_are
}

apply() {
    put_files
    # shellcheck disable=SC2086 # a list of packages
    ( use_proxy; install_packages $PACKAGES )
}
