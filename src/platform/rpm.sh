# shellcheck shell=sh
# What SUSE and Red Hat share: rpm, and the places of their Postgres. Those of postgresql.org's packages
# are /var/lib/pgsql/VERSION/data, postgresql-VERSION.service and /usr/pgsql-VERSION.

# installed PACKAGE…: all of them.
installed() {
    for package in "$@"; do
        rpm -q "$package" >/dev/null 2>&1 || { say "the package $package is not installed"; return 1; }
    done
}

# The process that holds rpm's own lock, if there is one.
rpm_holder() {
    inode=$(stat -L -c %i /var/lib/rpm/.rpm.lock 2>/dev/null) || return 0
    awk -v inode=":$inode" '
        $2 != "->" && substr($6, length($6) - length(inode) + 1) == inode { print $5; exit }' /proc/locks
}

# wait_for_rpm: package managers wait for rpm's lock without end.
wait_for_rpm() {
    tries=0
    while [ -n "$(rpm_holder)" ]; do
        locked_again || return
    done
}

# locked_again: waits 5 s for a lock, 10 min in all. `tries` counts.
locked_again() {
    tries=$((tries + 1))
    [ "$tries" -lt 120 ] || { say 'another program has held the lock of the packages for 10 min' >&2; return 1; }
    [ "$tries" -gt 1 ] || say 'another program holds the lock of the packages: waiting for it'
    sleep 5
}

# by_evidence STATUS PACKAGE…: whether the packages are installed. The status of a package manager does
# not say it: zypper fails after success, and dnf succeeds although a package's script failed.
by_evidence() {
    ended=$1
    shift
    missing=$(installed "$@") || {
        say "$missing" >&2
        [ "$ended" -ne 0 ] || ended=1
        return "$ended"
    }
    [ "$ended" -eq 0 ] || say "it ended with status $ended, but the packages are installed"
}

# A package, or postgresql.org's.
postgres_installed() {
    rpm -q --whatprovides postgresql-server >/dev/null 2>&1 ||
        { say 'no package of a Postgres server is installed'; return 1; }
}

# The newest psql.
psql_program() {
    newest=0 psql=/usr/bin/psql
    for program in /usr/lib/postgresql[0-9]*/bin/psql /usr/pgsql-[0-9]*/bin/psql; do
        version=${program%/bin/psql}
        version=${version##*[!0-9]}
        # 9.6 was called 96.
        if [ -x "$program" ] && [ "$version" -gt "$newest" ] && [ "$version" -lt 90 ]; then
            newest=$version psql=$program
        fi
    done
    printf '%s' "$psql"
}

# The clusters on the disk, a line for each: port, unit, folder.
postgres_clusters() {
    for data in /var/lib/pgsql/data /var/lib/pgsql/[0-9]*/data; do
        [ -d "$data" ] || continue
        # shellcheck disable=SC2016 # the $ are of the shell that is started
        settings=$(as postgres sh -c 'cd "$1" && [ -s PG_VERSION ] && cat postgresql.conf &&
            { cat postgresql.auto.conf || :; }' sh "$data" 2>/dev/null) || continue
        # The last one counts.
        port=$(say "$settings" |
            sed -n "s/^[[:space:]]*port[[:space:]]*=\{0,1\}[[:space:]]*'\{0,1\}\([0-9][0-9]*\).*/\1/p" | tail -n 1)
        version=${data%/data}
        version=${version##*/}
        unit=postgresql
        [ "$version" = pgsql ] || unit=postgresql-$version
        printf '%s %s %s\n' "${port:-5432}" "$unit" "$data"
    done
}

# The unit of the cluster on DB_PORT. One whose folder is elsewhere is known only while it runs.
postgres_cluster() {
    found=$(postgres_clusters | while read -r port unit _; do
        [ "$port" != "$DB_PORT" ] || { say "$unit"; break; }
    done)
    if [ -z "$found" ] && [ -S "/run/postgresql/.s.PGSQL.$DB_PORT" ] && systemctl is-active -q postgresql; then
        found=postgresql
    fi
    printf '%s' "$found"
}

# The other clusters, one per line.
postgres_elsewhere() {
    postgres_clusters | while read -r port _ data; do
        [ "$port" = "$DB_PORT" ] || printf '%s on port %s\n' "$data" "$port"
    done
}

postgres_service() { printf '%s' "${1-postgresql}"; }

# The newest file in the log folder of the cluster on DB_PORT.
postgres_log() {
    postgres_clusters | while read -r port _ data; do
        [ "$port" = "$DB_PORT" ] || continue
        log=$(as postgres ls -t -- "$data/log" 2>/dev/null | head -n 1)
        [ -z "$log" ] || printf '%s' "$data/log/$log"
        break
    done
}

# move_postgres: the package's own cluster gets DB_PORT.
move_postgres() {
    # shellcheck disable=SC2016 # the $ are of the shell that is started
    as postgres sh -c 'printf "port = %s\n" "$1" >>"$2"' sh \
        "$DB_PORT" /var/lib/pgsql/data/postgresql.conf
}

# shellcheck disable=SC2046 # the unit, or none
enable_postgres() { systemctl enable "$(postgres_service $(postgres_cluster))"; }
# shellcheck disable=SC2046
postgres_enabled() { systemctl is-enabled -q "$(postgres_service $(postgres_cluster))"; }

postgres_drop_ins() {
    # shellcheck disable=SC2046
    printf '/etc/systemd/system/%s.service.d' "$(postgres_service $(postgres_cluster))"
}
