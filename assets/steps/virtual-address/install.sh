# shellcheck shell=sh
# keepalived and curl are installed; a newly installed keepalived does not start its own service.
# inputs: KEEPALIVED_PACKAGE KEEPALIVED
# with a proxy, inputs: PROXY_HTTP PROXY_HTTPS PROXY_NOT_FOR   from a bundle: BUNDLE

satisfied() {
    installed "$KEEPALIVED_PACKAGE" || return 1
    [ -x "$KEEPALIVED" ] || { say "$KEEPALIVED does not exist"; return 1; }
    command -v curl >/dev/null || { say 'curl, which asks the API, is not installed'; return 1; }
    is_unstarted keepalived
}

apply() {
    keep
    trap 'installed "$KEEPALIVED_PACKAGE" >/dev/null || refused >&2' EXIT
    set -- "$KEEPALIVED_PACKAGE"
    command -v curl >/dev/null || set -- "$@" curl
    install_unstarted keepalived "$@"
}

refused() {
    say "A virtual address needs $KEEPALIVED_PACKAGE, which could not be installed. Enable a package source" \
        'that has it (on SUSE, an extension has it), or use one load balancer without virtual_ip'
}
