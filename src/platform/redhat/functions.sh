# shellcheck shell=sh
# Red Hat: dnf with its modules, and how its Postgres begins.

# manage ARGUMENT…: dnf. It waits for its lock without end, so it is told to end with status 200 instead.
manage() {
    # shellcheck disable=SC2034 # of locked_again
    tries=0
    while :; do
        status=0
        # shellcheck disable=SC2086,SC2154 # a list of options, of a bundle
        dnf -y --setopt=exit_on_lock=1 --setopt=install_weak_deps=0 $where "$@" </dev/null || status=$?
        [ "$status" -eq 200 ] || return "$status"
        locked_again || return "$status"
    done
}

# dnf_says ARGUMENT…: prints what dnf answers, without its complaints.
# shellcheck disable=SC2086,SC2154 # a list of options, of a bundle
dnf_says() { dnf -q $where "$@" </dev/null 2>/dev/null; }

# install_packages PACKAGE…: from the repositories, or a bundle. One that does not answer counts only if a
# package is in no other.
install_packages() {
    use_bundle
    wait_for_rpm
    say "dnf install $*${BUNDLE:+, from the bundle}"
    ended=0
    manage --setopt=*.skip_if_unavailable=1 install "$@" || ended=$?
    by_evidence "$ended" "$@"
}

# source_is_reached: one repository answers; prints why not.
source_is_reached() {
    status=0
    made=$(timeout 25 dnf --setopt=exit_on_lock=1 --setopt=*.skip_if_unavailable=1 --setopt=*.timeout=5 \
        --setopt=*.retries=1 makecache </dev/null 2>&1) || status=$?
    case $status in
    # Locked: then another program uses the repositories.
    200) return 0 ;;
    124)
        say 'the repositories do not answer within 25 s'
        return 1
        ;;
    esac
    ignored=$(say "$made" | sed -n 's/^Ignoring repositories: //p' | tr ',' '\n' | grep -c .) || :
    enabled=$(dnf -q repolist --enabled </dev/null 2>/dev/null | tail -n +2 | grep -c .) || :
    [ "$enabled" -gt 0 ] || { say 'no repository is enabled'; return 1; }
    [ "$status" -ne 0 ] || [ "$ignored" -ge "$enabled" ] || return 0
    why=$(say "$made" | grep -E 'Curl error|^Error:' | head -n 1)
    say "${why:-$(say "$made" | tail -n 1)}"
    return 1
}

# choose_postgres: puts the newest version into `version`, and the stream that has it into `stream`, if
# it must be enabled. A stream that is enabled already stays.
choose_postgres() {
    stream=
    version=$(dnf_says repoquery --latest-limit=1 --qf '%{version}\n' postgresql-server |
        sed -n 's/^\([0-9][0-9]*\).*/\1/p' | sort -n | tail -n 1)
    streams=$(dnf_says module list postgresql | grep '^postgresql ') || return 0
    case $streams in *'[e]'*) return 0 ;; esac
    newest=$(say "$streams" | awk '$2 ~ /^[0-9]+$/ { print $2 }' | sort -n | tail -n 1)
    [ "${newest:-0}" -le "${version:-0}" ] || stream=$newest version=$newest
}

newest_postgres() {
    choose_postgres
    say "$version"
}

postgres_package() { printf postgresql-server; }

# enable_stream: of the newest Postgres, if it must be.
enable_stream() {
    choose_postgres
    [ -n "$stream" ] || return 0
    say "dnf module enable postgresql:$stream"
    manage module enable "postgresql:$stream"
}

install_postgres() {
    use_bundle
    enable_stream
    install_packages "$(postgres_package)"
}

# A cluster on DB_PORT where there is none.
make_postgres_cluster() {
    say 'postgresql-setup --initdb'
    [ -s /var/lib/pgsql/data/PG_VERSION ] || postgresql-setup --initdb
    [ "$DB_PORT" = 5432 ] || move_postgres
}
