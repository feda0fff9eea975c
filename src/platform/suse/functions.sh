# shellcheck shell=sh
# SUSE: zypper, and how its Postgres begins.

# zypp ARGUMENT…: zypper waits for its own lock, 10 min, or as long as `patience` says.
# shellcheck disable=SC2086,SC2154 # a list of options, of a bundle
zypp() { ZYPP_LOCK_TIMEOUT=${patience-600} zypper --non-interactive $where "$@" </dev/null; }

# refresh: a repository that does not answer counts only if a package is in no other.
refresh() { [ -n "$where" ] || zypp --quiet refresh || :; }

# install_packages PACKAGE…: from the repositories, or a bundle.
install_packages() {
    use_bundle
    wait_for_rpm
    refresh
    say "zypper install $*${BUNDLE:+, from the bundle}"
    status=0
    zypp install --no-recommends --auto-agree-with-licenses "$@" || status=$?
    case $status in
    102) say 'zypper says that this host should be rebooted' ;;
    # It has updated itself first.
    103)
        status=0
        zypp install --no-recommends --auto-agree-with-licenses "$@" || status=$?
        ;;
    107) say 'a script of a package failed' ;;
    esac
    by_evidence "$status" "$@"
}

# source_is_reached: one repository answers; prints why not.
source_is_reached() {
    status=0
    refreshed=$(timeout 25 zypper --non-interactive refresh </dev/null 2>&1) || status=$?
    case $status in
    # Also: locked. Then another program uses the repositories.
    0 | 7) return 0 ;;
    6) say 'no repository is enabled' ;;
    124) say 'the repositories do not answer within 25 s' ;;
    *)
        case $refreshed in
        *'Some of the repositories have not been refreshed'*) return 0 ;;
        esac
        why=$(say "$refreshed" | grep -iE 'error|not found|denied|timeout|invalid' | head -n 1)
        say "${why:-$(say "$refreshed" | tail -n 1)}"
        ;;
    esac
    return 1
}

# The versions of Postgres are packages of their own (96 is 9.6).
newest_postgres() {
    zypp --no-refresh search --type package 'postgresql*-server' 2>/dev/null |
        sed -n 's/.*|  *postgresql\([1-8][0-9]\)-server  *|.*/\1/p' | sort -n | tail -n 1
}

postgres_package() { printf 'postgresql%s-server' "$(newest_postgres)"; }

install_postgres() {
    use_bundle
    refresh
    # zypper then says what is missing.
    install_packages "$(postgres_package)"
}

# A cluster on DB_PORT where there is none: the first start of the service creates it.
make_postgres_cluster() {
    if [ ! -s /var/lib/pgsql/data/PG_VERSION ]; then
        say 'systemctl start postgresql, which creates a cluster'
        systemctl start postgresql || :
    fi
    [ "$DB_PORT" = 5432 ] || { move_postgres && systemctl restart postgresql; }
}
