# shellcheck shell=bash
# Hosts without internet: what they send anywhere but to each other is dropped and counted. They still
# answer this machine.

outside_down() {
    outside_up
    outside_rules | while read -r rule; do
        # shellcheck disable=SC2086 # a rule is several words
        iptables -w -I $rule
    done
}

outside_up() {
    outside_rules | while read -r rule; do
        # shellcheck disable=SC2086
        while iptables -w -D $rule 2>/dev/null; do :; done
    done
}

outside_rules() {
    local tag='-m comment --comment k3s-ha-wizard-lab-outside'
    echo "FORWARD -i $bridge ! -o $bridge ! -d 224.0.0.0/4 -j DROP $tag"
    echo "INPUT -i $bridge ! -d 224.0.0.0/4 -m conntrack --ctstate NEW -j DROP $tag"
}

# How many packets were dropped since then; nothing where the hosts have internet.
outside_dropped() {
    local chain
    for chain in FORWARD INPUT; do iptables -w -nvxL "$chain"; done |
        awk '/k3s-ha-wizard-lab-outside/ { packets += $1; found = 1 } END { if (found) print packets }'
}
