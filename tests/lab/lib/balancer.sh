# shellcheck shell=bash
# The external load balancer: Debian's HAProxy on the host k3s-nginx, to which the wizard has no login
# in its answers. It does what its configuration says, and nothing else.

balance_with() {
    [ -f "${1-}" ] || die "balancer: which file with HAProxy's configuration?"
    external_balancer || die "balancer: only with lab up --topology external-balancer"
    # shellcheck disable=SC2016 # the host's shell reads its own words
    in_host k3s-nginx sh -ec '
        command -v haproxy >/dev/null || {
            apt-get update -qq
            DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends haproxy >/dev/null 2>&1
        }
        cat >/etc/haproxy/haproxy.cfg
        haproxy -c -q -f /etc/haproxy/haproxy.cfg
        systemctl restart haproxy
        systemctl is-active --quiet haproxy
    ' <"$1"
}
