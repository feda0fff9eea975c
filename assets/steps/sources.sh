# shellcheck shell=sh
# Whether a host gets what it will download. Changes nothing. Only what is not there yet is tried.
# inputs: PACKAGES VERSION INSTALL_URL RELEASE_URL (empty where they are not needed)

# got URL: it can be downloaded; says why not.
got() {
    if command -v curl >/dev/null; then
        curl -fsSL --connect-timeout 4 --max-time 8 -o /dev/null "$1" 2>&1
    else
        wget -nv -T 4 -t 1 -O /dev/null "$1" 2>&1
    fi
}

packages() {
    # shellcheck disable=SC2086 # a list of packages
    if [ -z "$PACKAGES" ] || installed $PACKAGES >/dev/null; then
        echo packages=here
    elif why=$(source_is_reached); then
        echo packages=reached
    else
        printf 'packages=%s\n' "$why" | tr '\n' ' '
        echo
    fi
}

downloads() {
    have=
    [ ! -x /usr/local/bin/k3s ] ||
        have=$(/usr/local/bin/k3s --version 2>/dev/null | awk 'NR == 1 { print $3 }')
    set -- "$INSTALL_URL"
    [ "$have" = "$VERSION" ] || set -- "$@" "$RELEASE_URL"
    for url in "$@"; do
        [ -n "$url" ] || continue
        if ! command -v curl >/dev/null && ! command -v wget >/dev/null; then
            echo 'download.untried=there is neither curl nor wget yet: they are installed first'
            return
        fi
        why=$(got "$url") || {
            printf 'download.failed=%s %s\n' "$url" "$(printf %s "$why" | tail -n 1)"
            return
        }
    done
    echo download.good=yes
}

# At the same time: each may wait for somebody who does not answer.
downloads &
packages
wait
