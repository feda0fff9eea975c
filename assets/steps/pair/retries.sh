# shellcheck shell=sh
# A connection to a host that is gone ends after about 3 s, not after 15 min: so a server soon
# connects to the new primary. This is a setting of the whole host (docs/facts.md, "A pair of
# Postgres hosts").
# inputs: RETRIES

SETTING=/proc/sys/net/ipv4/tcp_retries2

files() {
    file /etc/sysctl.d/90-k3s-ha-wizard.conf 0644 root:root "\
# Written by k3s-ha-wizard: connections to a Postgres that is gone end soon.
net.ipv4.tcp_retries2 = $RETRIES
"
}

satisfied() {
    files_are || return
    now=$(cat "$SETTING")
    [ "$now" = "$RETRIES" ] || { say "tcp_retries2 is $now"; return 1; }
}

apply() {
    put_files
    printf '%s\n' "$RETRIES" >"$SETTING"
}
