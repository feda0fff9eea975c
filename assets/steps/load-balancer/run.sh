# shellcheck shell=sh
# An nginx of its own sends what comes for the Kubernetes API to the servers.
# inputs: LB_PORT LB_CONFIG LB_UNIT LB_LOGROTATE LOG_GROUP

CONFIG=/etc/k3s-lb/nginx.conf
UNIT=/etc/systemd/system/k3s-lb.service
LOADED=/run/k3s-lb/loaded

satisfied() {
    state=$(property k3s-lb ActiveState)
    if [ "$state" != active ] && listens "$LB_PORT"; then
        holder=$(ss -Hltnp "sport = :$LB_PORT" | sed -n 's/.*users:((\("[^"]*"\).*/\1/p' | head -n 1)
        say "another program${holder:+, $holder,} listens on port $LB_PORT." \
            'End it, or say another load_balancer.port in the answers'
        return 3
    fi
    file_is $CONFIG 0644 root:root "$LB_CONFIG" &&
        file_is $UNIT 0644 root:root "$LB_UNIT" &&
        file_is /etc/logrotate.d/k3s-lb 0644 root:root "$LB_LOGROTATE" || return 1
    [ "$(systemctl is-enabled k3s-lb 2>/dev/null)" = enabled ] ||
        { say 'k3s-lb does not start with the machine'; return 1; }
    [ "$state" = active ] || { say "k3s-lb is ${state:-unknown}"; return 1; }
    loaded_is_there $LOADED || { say 'k3s-lb runs with another configuration'; return 1; }
    listens "$LB_PORT" || { say "k3s-lb does not listen on port $LB_PORT"; return 1; }
}

apply() {
    put_directory /etc/k3s-lb 0755 root:root
    put_directory /var/log/k3s-lb 0750 root:"$LOG_GROUP"
    # Tried before anything is replaced: a mistake must not end a load balancer that works.
    # Where nginx would note its process; the service makes it anew.
    mkdir -p /run/k3s-lb
    draft=$(mktemp /etc/k3s-lb/.draft.XXXXXX)
    printf '%s' "$LB_CONFIG" >"$draft"
    status=0
    nginx -t -q -c "$draft" || status=$?
    rm -f "$draft"
    [ "$status" -eq 0 ] || { say 'nginx does not take the configuration' >&2; return 1; }

    put_file $CONFIG 0644 root:root "$LB_CONFIG"
    put_file /etc/logrotate.d/k3s-lb 0644 root:root "$LB_LOGROTATE"
    how=reload
    file_is $UNIT 0644 root:root "$LB_UNIT" >/dev/null || how=restart
    put_file $UNIT 0644 root:root "$LB_UNIT"
    systemctl daemon-reload
    systemctl enable -q k3s-lb
    [ "$(property k3s-lb ActiveState)" = active ] || how=restart
    say "systemctl $how k3s-lb"
    systemctl $how k3s-lb || {
        journalctl -u k3s-lb -n 20 --no-pager -o cat >&2
        return 1
    }
    tries=0
    until listens "$LB_PORT"; do
        tries=$((tries + 1))
        [ "$tries" -lt 50 ] || { say "nothing listens on port $LB_PORT after 5 s" >&2; return 1; }
        sleep 0.1
    done
}
