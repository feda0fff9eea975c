# shellcheck shell=bash
# A proxy on the bridge's address that wants a user and a password; while it is there, it is the only
# way out for the hosts.

proxy_address=$gateway:3128
proxy_folder=$state/proxy

proxy_up() {
    [ -z "$(proxy_pid)" ] || return 0
    command -v tinyproxy >/dev/null || {
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends tinyproxy-bin >/dev/null
    }
    mkdir -p "$proxy_folder"
    chmod 700 "$proxy_folder"
    local password
    password=$(head -c 18 /dev/urandom | base64 | tr -d '/+=')
    printf 'http://lab:%s@%s\n' "$password" "$proxy_address" >"$proxy_folder/url"
    cat >"$proxy_folder/tinyproxy.conf" <<CONFIG
Port ${proxy_address##*:}
Listen $gateway
BasicAuth lab $password
Timeout 60
MaxClients 100
LogFile "$proxy_folder/log"
LogLevel Connect
CONFIG
    setsid tinyproxy -d -c "$proxy_folder/tinyproxy.conf" </dev/null >/dev/null 2>&1 9>&- &
    local tries
    for ((tries = 0; tries < 50; tries++)); do
        [ -z "$(proxy_pid)" ] || break
        sleep 0.1
    done
    proxy_rules | while read -r rule; do
        # shellcheck disable=SC2086 # a rule is several words
        iptables -w -I $rule
    done
}

proxy_down() {
    local pid
    proxy_rules | while read -r rule; do
        # shellcheck disable=SC2086
        while iptables -w -D $rule 2>/dev/null; do :; done
    done
    for pid in $(proxy_pid); do
        kill "$pid" 2>/dev/null || true
        tail -s 0.05 --pid="$pid" -f /dev/null
    done
    rm -rf "${proxy_folder:?}"
}

proxy_pid() { pgrep -fx "tinyproxy -d -c $proxy_folder/tinyproxy.conf" || true; }

# Hosts reach each other and this machine's sshd clients, but neither the mirror nor anything outside.
proxy_rules() {
    local tag='-m comment --comment k3s-ha-wizard-lab-proxy'
    echo "FORWARD -i $bridge ! -o $bridge -j REJECT $tag"
    echo "INPUT -i $bridge -p tcp --dport ${mirror_address##*:} -j REJECT $tag"
}
