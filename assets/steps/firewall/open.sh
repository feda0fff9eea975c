# shellcheck shell=sh
# The firewall allows the links of the cluster: now and after the next boot, without a reload, which
# would drop the rules of K3s and its network. firewalld or ufw; where none is active, all is well.
# No firewall is enabled, disabled or given another default.
# A line of the peers is an address, a port and a protocol; VRRP has no port, but a -. The networks
# are those of pods and services, one a line.
# inputs: PEERS NETWORKS CLUSTER

# The rules that the wizard added, as `rules` below has them: no others are removed.
ADDED=$KEEP/firewall.$CLUSTER

# Every rule is a line here: its firewall (`runtime` and `permanent` are of firewalld), its zone (of
# ufw: -), and the rule in the firewall's own words.
firewalld_runs() { [ "$(property firewalld ActiveState)" = active ]; }
ufw_runs() { grep -qs '^ENABLED=[yY]' /etc/ufw/ufw.conf; }

# zones_as_lines FIREWALL: from the zones as firewalld lists them.
zones_as_lines() {
    awk -v of="$1" '
        /^[^ \t]/ { zone = $1 }
        /^  (interfaces|sources):/ {
            kind = substr($1, 1, length($1) - 2)
            for (i = 2; i <= NF; i++) print of, zone, kind, $i
        }
        /^[ \t]+rule / { sub(/^[ \t]+/, ""); print of, zone, $0 }'
}

# rules: the present ones.
rules() {
    if firewalld_runs; then
        zones=$(firewall-cmd --list-all-zones) || return
        printf '%s\n' "$zones" | zones_as_lines runtime
        zones=$(firewall-cmd --permanent --list-all-zones) || return
        printf '%s\n' "$zones" | zones_as_lines permanent
    fi
    if ufw_runs; then
        added=$(ufw show added) || return
        printf '%s\n' "$added" | sed -n "s/ comment '.*//; s/^ufw allow /ufw - allow /p"
    fi
}

# zones_of ADDRESS: the zone of the interface that leads there, and those whose sources may have it.
zones_of() {
    device=$(ip -o route get "$1" 2>/dev/null | sed -n 's/.* dev \([^ ]*\).*/\1/p')
    {
        zone=$(printf '%s\n' "$present" | awk -v device="$device" \
            '$1 == "runtime" && $3 == "interface" && $4 == device { print $2 }')
        printf '%s\n' "${zone:-$default}"
        printf '%s\n' "$present" | awk '$1 == "runtime" && $3 == "source" && $2 != "trusted" { print $2 }'
    } | sort -u
}

# peers DO: calls DO ADDRESS PORT PROTOCOL for each.
peers() { printf '%s\n' "$PEERS" | while read -r one two three; do [ -z "$one" ] || "$1" "$one" "$two" "$three"; done; }

in_firewalld() {
    family=ipv4
    case $1 in *:*) family=ipv6 ;; esac
    what="port port=\"$2\" protocol=\"$3\""
    [ "$2" != - ] || what="protocol value=\"$3\""
    rich="rule family=\"$family\" source address=\"$1\" $what accept"
    for zone in $(zones_of "$1"); do
        printf '%s\n' "runtime $zone $rich" "permanent $zone $rich"
    done
}

in_ufw() {
    to="to any port $2 "
    [ "$2" != - ] || to=
    printf '%s\n' "ufw - allow from $1 ${to}proto $3"
}

# wanted: the rules that must be there.
wanted() {
    if firewalld_runs; then
        default=$(firewall-cmd --get-default-zone) || return
        peers in_firewalld
        for network in $NETWORKS; do
            printf '%s\n' "runtime trusted source $network" "permanent trusted source $network"
        done
    fi
    if ufw_runs; then
        peers in_ufw
        for network in $NETWORKS; do printf '%s\n' "ufw - allow from $network"; done
    fi
}

# only LINES OTHERS: the lines that are not among the others.
only() {
    printf '%s\n' "$1" | OTHERS=$2 awk '
        BEGIN { n = split(ENVIRON["OTHERS"], other, "\n"); for (i = 1; i <= n; i++) is[other[i]] = 1 }
        $0 != "" && !is[$0]'
}

# compare_rules: sets $missing and $stale, rules of the wizard for links that are gone.
compare_rules() {
    present=$(rules 2>&1) || { say "the firewall cannot be queried: $present"; return 2; }
    needed=$(wanted 2>&1) || { say "the firewall cannot be queried: $needed"; return 2; }
    ours=$(cat "$ADDED" 2>/dev/null) || ours=
    missing=$(only "$needed" "$present")
    gone=$(only "$ours" "$present")
    stale=$(only "$(only "$ours" "$gone")" "$needed")
}

# first_of LINES: one, and how many more.
first_of() { printf '%s\n' "$1" | awk 'NR == 1 { text = $0 } END { print text (NR > 1 ? " (and " NR - 1 " more)" : "") }'; }

satisfied() {
    compare_rules || return
    [ -z "$missing" ] || { say "not there: $(first_of "$missing")"; return 1; }
    [ -z "$stale" ] || { say "added by the wizard for a link that is gone: $(first_of "$stale")"; return 1; }
}

# change add|remove LINES: one call for each zone.
change() {
    printf '%s\n' "$2" | awk '$1 == "runtime" || $1 == "permanent" { print $1, $2 }' | sort -u |
        while read -r firewall zone; do in_zone "$1" "$firewall" "$zone" "$2" || exit; done || return
    printf '%s\n' "$2" | sed -n 's/^ufw - //p' | while read -r rule; do
        # shellcheck disable=SC2086 # a rule is several words
        case $1 in
        add) ufw $rule comment "k3s-ha-wizard $CLUSTER" ;;
        remove) ufw --force delete $rule ;;
        esac </dev/null >/dev/null || exit
        say "ufw $1: $rule"
    done
}

# in_zone add|remove runtime|permanent ZONE LINES
in_zone() {
    verb=$1 firewall=$2 zone=$3 lines=$4
    when=
    [ "$firewall" = runtime ] || when=--permanent
    set -- "--zone=$zone" $when
    while read -r of in rule; do
        [ "$of $in" = "$firewall $zone" ] || continue
        case $rule in
        'source '*) set -- "$@" "--$verb-source=${rule#source }" ;;
        *) set -- "$@" "--$verb-rich-rule=$rule" ;;
        esac
        say "firewalld $verb, $firewall, zone $zone: $rule"
    done <<LINES
$lines
LINES
    firewall-cmd -q "$@" </dev/null
}

apply() {
    compare_rules
    keep
    # Before they are added: an interrupted run must know its own.
    printf '%s\n' "$ours" "$missing" | sed '/^$/d' | sort -u >"$ADDED.new"
    mv -f "$ADDED.new" "$ADDED"
    [ -z "$missing" ] || change add "$missing"
    [ -z "$stale" ] || change remove "$stale"
    only "$(cat "$ADDED")" "$stale" >"$ADDED.new"
    mv -f "$ADDED.new" "$ADDED"
}

remove() {
    compare_rules || return
    change remove "$(only "$ours" "$gone")"
    rm -f "$ADDED"
}
