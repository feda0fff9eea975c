# shellcheck shell=sh
# The virtual address was moved once, before clients rely on that: the load balancer that holds it stops
# its keepalived, and the API must answer at the address, now from the other one.
# inputs: VIRTUAL_IP OWN_IP PEER_IP PORT

MOVED=$KEEP/virtual-address-moved

case $VIRTUAL_IP in *:*) url="https://[$VIRTUAL_IP]:$PORT/ping" ;; *) url=https://$VIRTUAL_IP:$PORT/ping ;; esac

# One test is enough, as long as these stay the same.
tested() { say "$VIRTUAL_IP from $OWN_IP to $PEER_IP"; }

satisfied() {
    [ "$(cat "$MOVED" 2>/dev/null)" = "$(tested)" ] || { say "the move of $VIRTUAL_IP is not tested"; return 1; }
}

holds_it() { [ -n "$(ip -o addr show to "$VIRTUAL_IP" 2>/dev/null)" ]; }

# The other host must answer: this one no longer has the address.
answers() { ! holds_it && [ "$(curl -sk --noproxy '*' -m 2 "$url")" = pong ]; }

apply() {
    keep
    if holds_it; then
        # However this ends, keepalived runs again.
        trap 'systemctl start k3s-vip' EXIT
        say "systemctl stop k3s-vip, so that $PEER_IP takes $VIRTUAL_IP over"
        systemctl stop k3s-vip
        began=$(date +%s)
        until answers; do
            if [ $(($(date +%s) - began)) -ge 15 ]; then
                say "$VIRTUAL_IP has not answered for 15 s since it left this host: either this network does not" \
                    'let an address move, as in most clouds, or VRRP (IP protocol 112) is blocked between the' \
                    'load balancers. Allow VRRP, or use one load balancer without virtual_ip' >&2
                return 1
            fi
            sleep 0.1
        done
        say "it answers there after $(($(date +%s) - began)) s"
    else
        say "the other load balancer holds $VIRTUAL_IP: its own step moves it"
    fi
    tested >"$MOVED.new"
    sync "$MOVED.new"
    mv -f "$MOVED.new" "$MOVED"
}

remove() { rm -f "$MOVED"; }
