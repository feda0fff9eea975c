# shellcheck shell=sh
# Downloads packages on a reference host, for a bundle, into a folder of the wizard's own. Nothing is
# installed, and nothing else is changed.
# inputs: POSTGRES (yes, or empty) PACKAGES   with a proxy: PROXY_HTTP PROXY_HTTPS PROXY_NOT_FOR
# says: file=SIZE SHA256 NAME for each, then the lines of their index, each behind `index=`

COLLECTED=$KEEP/collected

collect() {
    set -eu
    umask 077
    keep
    rm -rf "$COLLECTED"
    mkdir "$COLLECTED"
    use_proxy
    # shellcheck disable=SC2086 # a list of packages
    set -- $PACKAGES
    [ -z "$POSTGRES" ] || set -- "$(postgres_package)" "$@"
    collect_packages "$COLLECTED" "$@"
    cd "$COLLECTED/files"
    for file in *; do
        printf 'file=%s %s %s\n' "$(stat -c %s "$file")" "$(digest <"$file")" "$file"
    done
    sed 's/^/index=/' ../index
}
( collect )
