# shellcheck shell=sh
# Debian and its derivatives: packages, and the paths of Postgres.

# installed PACKAGE…: all of them, completely.
installed() {
    for package in "$@"; do
        state=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) || state=
        case $state in
        ?i' ') ;;
        *)
            say "the package $package is not installed"
            return 1
            ;;
        esac
    done
}

# apt waits for the lock of dpkg by itself, but not for that of the package lists (docs/facts.md,
# "Debian and Ubuntu").
apt() {
    tries=0
    while :; do
        status=0
        # Its output is shown at once; its errors are kept, to know why it failed.
        { complaint=$(DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a apt-get -y \
            -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 \
            -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
            "$@" 2>&1 >&3) || status=$?; } 3>&1
        [ -z "$complaint" ] || printf '%s\n' "$complaint" >&2
        [ "$status" -ne 0 ] || return 0
        tries=$((tries + 1))
        case $complaint in
        *'Could not get lock'* | *'Unable to lock'*)
            [ "$tries" -lt 120 ] || return "$status"
            say "another program holds the package manager's lock: trying again in 5 s"
            sleep 5
            ;;
        *)
            return "$status"
            ;;
        esac
    done
}

# install_packages PACKAGE…: from the package source, also after an interrupted installation.
install_packages() {
    if [ -n "$(dpkg --audit)" ]; then
        say 'finishing an interrupted installation: dpkg --configure -a'
        DEBIAN_FRONTEND=noninteractive dpkg --configure -a
    fi
    if [ -n "${BUNDLE-}" ]; then
        say "apt-get install $*, from the bundle"
        from_folder "$BUNDLE/packages" -qq update
        from_folder "$BUNDLE/packages" --no-install-recommends install "$@"
        return
    fi
    say 'apt-get update'
    apt -qq update
    say "apt-get install $*"
    apt --no-install-recommends install "$@"
}

# source_is_reached: packages can be downloaded as apt does it, including proxies;
# prints why not. The first source that answers is enough.
source_is_reached() {
    uris=$(apt-get --print-uris update 2>/dev/null | sed -n "s/^'\([^']*\)' .*/\1/p" | head -n 3)
    [ -n "$uris" ] || { say 'no package source is configured'; return 1; }
    directory=$(mktemp -d)
    reached=1
    for uri in $uris; do
        complaint=$(timeout 8 /usr/lib/apt/apt-helper -o Acquire::Retries=0 \
            -o Acquire::http::Timeout=4 -o Acquire::https::Timeout=4 \
            download-file "$uri" "$directory/file" 2>&1) && { reached=0; break; }
    done
    rm -rf "$directory"
    [ "$reached" -eq 0 ] || say "$uri: $(printf '%s\n' "$complaint" | grep '^E' | head -n 1)"
    return "$reached"
}

postgres_installed() { installed postgresql; }
postgres_package() { printf postgresql; }

# The version that the sources have for this release.
newest_postgres() {
    apt-cache policy postgresql | sed -n 's/^ *Candidate: \([0-9][0-9]*\).*/\1/p'
}

install_postgres() { install_packages "$(postgres_package)"; }

# The newest real psql: the one in PATH is a Perl program that starts it.
psql_program() {
    for program in /usr/lib/postgresql/*/bin/psql; do :; done
    printf '%s' "$program"
}

# The version and name of the Postgres cluster on DB_PORT, as in "15 main".
postgres_cluster() {
    command -v pg_lsclusters >/dev/null || return 1
    pg_lsclusters -h | while read -r version name port _; do
        [ "$port" != "$DB_PORT" ] || { printf '%s %s\n' "$version" "$name"; break; }
    done
}

# The other clusters, one per line.
postgres_elsewhere() {
    command -v pg_lsclusters >/dev/null || return 0
    pg_lsclusters -h | while read -r version name port _; do
        [ "$port" = "$DB_PORT" ] || printf '%s on port %s\n' "$version/$name" "$port"
    done
}

# A cluster on DB_PORT where there is none.
make_postgres_cluster() {
    version=$(find /usr/lib/postgresql -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -n | tail -n 1)
    if [ -n "$(postgres_elsewhere)" ]; then
        # The package's own, just installed, on its usual port.
        pg_conftool "$version" main set port "$DB_PORT"
        systemctl restart "postgresql@$version-main"
    else
        pg_createcluster -p "$DB_PORT" "$version" main
    fi
}

# The service of the cluster "VERSION NAME".
postgres_service() { printf 'postgresql@%s-%s' "$1" "$2"; }

# The file that the cluster on DB_PORT logs to.
postgres_log() {
    pg_lsclusters -h | while read -r _ _ port _ _ _ log; do
        [ "$port" != "$DB_PORT" ] || { printf '%s' "$log"; break; }
    done
}

enable_postgres() { systemctl enable postgresql; }
postgres_enabled() { systemctl is-enabled -q postgresql; }

# For all clusters.
postgres_drop_ins() { printf /etc/systemd/system/postgresql@.service.d; }
