# shellcheck shell=sh
# Downloads packages on a reference host, for a bundle, into a folder of the wizard's own. Nothing is
# installed, and nothing else is changed.
# inputs: POSTGRES (yes, or empty) PACKAGES   with a proxy: PROXY_HTTP PROXY_HTTPS PROXY_NOT_FOR
# says: lacks=NAME for a package that the host's sources do not have; file=SIZE SHA256 NAME for each file;
#       then the lines of their index, each behind `index=`

COLLECTED=$KEEP/collected

collect() {
    set -eu
    umask 077
    keep
    rm -rf "$COLLECTED"
    mkdir "$COLLECTED"
    use_proxy
    collect_packages "$COLLECTED"
    cd "$COLLECTED/files"
    for file in *; do
        [ -e "$file" ] || continue
        printf 'file=%s %s %s\n' "$(stat -c %s "$file")" "$(digest <"$file")" "$file"
    done
    sed 's/^/index=/' ../index
}
( collect )
