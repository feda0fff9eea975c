# shellcheck shell=bash
# The bridge that the hosts hang on, their way out, and nothing of it left afterwards.

# Sysctls of this machine that the lab, or a K3s in its hosts, changes. Put back by `down`.
machine_sysctls=(net.ipv4.ip_forward fs.inotify.max_user_instances vm.overcommit_memory vm.panic_on_oom kernel.panic
    kernel.panic_on_oops kernel.pid_max kernel.keys.root_maxkeys kernel.keys.root_maxbytes
    net.netfilter.nf_conntrack_max)

network_up() {
    # Where these are modules, a host cannot load them itself.
    modprobe -a -q overlay loop bridge veth br_netfilter nf_conntrack vxlan 2>/dev/null || true
    local name
    if [ ! -e "$state/sysctls" ]; then
        for name in "${machine_sysctls[@]}"; do
            sysctl -e "$name" 2>/dev/null || true
        done >"$state/sysctls.new"
        mv "$state/sysctls.new" "$state/sysctls"
    fi
    [ -e "/sys/class/net/$bridge" ] || ip link add "$bridge" type bridge
    ip addr replace "$gateway/24" dev "$bridge"
    ip link set "$bridge" up
    ip route replace blackhole "$cluster_net"
    sysctl -qw net.ipv4.ip_forward=1
    # Root of all hosts is the machine's root, and 128 of these are not enough for five systemds and
    # whatever else follows files here.
    [ "$(sysctl -n fs.inotify.max_user_instances)" -ge 1024 ] || sysctl -qw fs.inotify.max_user_instances=1024
    rules | while read -r table chain rule; do
        # shellcheck disable=SC2086 # a rule is several words
        iptables -w -t "$table" -C "$chain" $rule 2>/dev/null ||
            iptables -w -t "$table" -I "$chain" $rule
    done
}

network_down() {
    rules | while read -r table chain rule; do
        # shellcheck disable=SC2086
        while iptables -w -t "$table" -D "$chain" $rule 2>/dev/null; do :; done
    done
    ip route del blackhole "$cluster_net" 2>/dev/null || true
    [ ! -e "/sys/class/net/$bridge" ] || ip link del "$bridge"
    if [ -e "$state/sysctls" ]; then
        sysctl -q -p "$state/sysctls" || say "could not put back all of: $(cat "$state/sysctls")"
        rm "$state/sysctls"
    fi
}

# What the firewall needs to let the hosts out and to each other, whatever else it forbids.
rules() {
    command -v iptables >/dev/null || return 0
    local tag='-m comment --comment k3s-ha-wizard-lab'
    echo "nat POSTROUTING -s $net.0/24 ! -d $net.0/24 -j MASQUERADE $tag"
    echo "filter FORWARD -i $bridge -j ACCEPT $tag"
    echo "filter FORWARD -o $bridge -j ACCEPT $tag"
    echo "filter INPUT -i $bridge -j ACCEPT $tag"
}

# This machine's end of a host's cable. Where that is too long for the kernel, it is its other name.
cable() { echo "vb-$1"; }

# A host is cut off by unplugging its cable at the bridge: packets get lost both ways, nobody
# refuses anything, and the host itself sees its link up.
unplug() {
    is_running "$1" || die "$1 does not run"
    ip link set "$(cable "$1")" nomaster
}

plug_in() {
    is_running "$1" || die "$1 does not run"
    ip link set "$(cable "$1")" master "$bridge" up
}

is_cut() { [[ $(ip -o link show dev "$(cable "$1")" 2>/dev/null) != *' master '* ]]; }
