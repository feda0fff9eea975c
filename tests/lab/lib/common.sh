# shellcheck shell=bash
# The names and numbers of the lab, and what every part of it uses.

cache=/var/cache/k3s-ha-wizard-lab # the base system: costs a minute to make, kept
fresh_cache=$cache/fresh-machine   # and what fresh-machine keeps there
state=/var/lib/k3s-ha-wizard-lab   # this lab: keys, secrets, the hosts' disks, snapshots
repo=$(cd "${here:?}/../.." && pwd)

# The documentation range (RFC 5737): it collides with nobody's network.
net=198.51.100
bridge=k3slab0
gateway=$net.1
# Pods and services of the cluster (answers.toml): nothing of it may leave this machine.
cluster_net=198.18.0.0/15

say() { printf 'lab: %s\n' "$*" >&2; }

remember() { printf '%s\n' "$2" >"$state/$1"; }
recall() { cat "$state/$1" 2>/dev/null || printf '%s\n' "${2-}"; }

# One command that changes the lab at a time. What is started in the background must not inherit
# descriptor 9, or the lock would live as long as it.
hold_lock() {
    exec 9>"$state.lock"
    flock -w 900 9 || die "another lab command has been at work for 15 minutes; see: fuser $state.lock"
}

two_balancers() { [[ $(recall topology single) =~ ^(balancers|pair)$ ]]; }
external_balancer() { [ "$(recall topology single)" = external-balancer ]; }
external_postgres() { [ "$(recall topology single)" = external-postgres ]; }
two_postgres() { [ "$(recall topology single)" = pair ]; }

# The hosts, one a line.
hosts() {
    local n agents
    agents=$(recall agents 1)
    printf '%s\n' k3s-postgres k3s-server-1 k3s-server-2 k3s-nginx k3s-agent
    ! two_balancers || printf '%s\n' k3s-nginx-2
    for ((n = 2; n <= agents; n++)); do printf 'k3s-agent-%s\n' "$n"; done
    ! two_postgres || printf '%s\n' k3s-postgres-2
}

address() {
    case $1 in
        k3s-postgres) echo $net.11 ;;
        k3s-postgres-2) echo $net.8 ;;
        k3s-server-1) echo $net.12 ;;
        k3s-server-2) echo $net.13 ;;
        k3s-nginx) echo $net.14 ;;
        k3s-agent) echo $net.15 ;;
        k3s-nginx-2) echo $net.124 ;;
        virtual) echo $net.130 ;; # two load balancers share it
        k3s-agent-*) echo "$net.$((14 + ${1##*-}))" ;;
    esac
}

role() {
    case $1 in
        k3s-postgres*) echo postgres ;;
        k3s-server-*) echo server ;;
        k3s-nginx*) echo load-balancer ;;
        k3s-agent*) echo agent ;;
    esac
}

# Without a pipe into `grep -q`, which would end `hosts` by SIGPIPE now and then.
is_host() { [[ " $(hosts | tr '\n' ' ')" = *" $1 "* ]]; }

must_know() {
    is_host "$1" || die "there is no host '$1'; the hosts: $(hosts | tr '\n' ' ')"
}

must_be_up() {
    if [ ! -e "/sys/class/net/$bridge" ] || [ -z "$(ls "$state/hosts")" ]; then
        die "$1: there is no lab on this machine; bring one up: lab up"
    fi
}

check_agents() {
    [[ $(recall agents) =~ ^[1-9][0-9]?$ ]] || die "--agents: a number from 1 to 99, not '$(recall agents)'"
}

check_topology() {
    [[ $(recall topology) =~ ^(single|balancers|pair|external-balancer|external-postgres)$ ]] ||
        die "--topology: single, balancers, pair, external-balancer or external-postgres, not '$(recall topology)'"
}

check_kubectl_costs() {
    local costs k3s
    costs=$(recall kubectl-costs)
    k3s=$(recall k3s)
    case $costs/$k3s in
        none/* | real/stand-in) ;;
        real/*) die "--kubectl-costs real: of the stand-in alone, not of --k3s $k3s" ;;
        *) die "--kubectl-costs: none or real, not '$costs'" ;;
    esac
}

for_hosts() {
    local do=$1 host
    shift
    [ $# -gt 0 ] || die "which host? One of: $(hosts | tr '\n' ' ')"
    for host in "$@"; do must_know "$host"; done
    for host in "$@"; do "$do" "$host"; done
}

# Runs a function for every host of a list at once; fails when one of them failed.
each_host() {
    local do=$1 host pid failed=0
    local -a pids=()
    for host in $2; do
        "$do" "$host" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
    [ "$failed" = 0 ] || die "$do did not work everywhere; the hosts' consoles: $state/hosts/*/console.log"
}
