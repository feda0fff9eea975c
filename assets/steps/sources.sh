# shellcheck shell=sh
# Whether a host can download what it needs. Changes nothing. Only missing parts are tested.
# inputs: POSTGRES PACKAGES VERSION INSTALL_URL RELEASE_URL (empty if they are not needed)
# with a proxy, inputs: PROXY_HTTP PROXY_HTTPS PROXY_NOT_FOR

# got URL: it can be downloaded; prints why not.
got() {
    case $1 in
    https:*) allowed='=https' ;;
    *) allowed='=http,https' ;;
    esac
    if command -v curl >/dev/null; then
        curl -fsSL --proto "$allowed" --proto-redir "$allowed" --connect-timeout 4 --max-time 8 -o /dev/null "$1" 2>&1
        return
    fi
    # wget says where it is led.
    report=$(timeout 8 wget -S -T 4 -t 1 -O /dev/null "$1" 2>&1) || { say "$report" | tail -n 1; return 1; }
    if [ "$allowed" = '=https' ] && say "$report" | grep -qi '^ *Location: http:'; then
        say "$1 redirects to plain HTTP"
        return 1
    fi
}

packages() {
    if packages_are_here >/dev/null; then
        echo packages=here
    elif why=$(source_is_reached); then
        echo packages=reached
        [ -z "$POSTGRES" ] || printf 'postgres=%s\n' "$(newest_postgres)"
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
            echo 'download.untried=neither curl nor wget is installed yet: the run installs them first'
            return
        fi
        why=$(got "$url") || {
            printf 'download.failed=%s %s\n' "$url" "$(printf %s "$why" | tail -n 1)"
            return
        }
    done
    echo download.good=yes
}

use_proxy
# In parallel: each may wait for a server that does not answer.
downloads &
packages
wait
