# shellcheck shell=sh
# A separate nginx forwards connections for the Kubernetes API to the servers.
# inputs: LB_PORT LB_CONFIG LB_UNIT LB_LOGROTATE LOG_GROUP NGINX STREAM_MODULE

UNIT=/etc/systemd/system/k3s-lb.service
LOGS=/var/log/k3s-lb
# What nginx runs with: the unit that started it, and the configuration that it loaded last.
STARTED=/run/k3s-lb/started
LOADED=/run/k3s-lb/loaded

# The configuration for this nginx, with a trailing dot that preserves its last line: the stream module is
# loaded from where it is, or not at all where it is built in. Before nginx is installed, it is not known.
configured() {
    built=$("$NGINX" -V 2>&1) || built=
    module=$STREAM_MODULE
    if [ ! -e "$module" ]; then
        found=$(say "$built" | sed -n 's/.* --modules-path=\([^ ]*\).*/\1/p')/ngx_stream_module.so
        [ ! -e "$found" ] || module=$found
    fi
    change="s|^load_module .*|load_module $module;|"
    case "$built " in *' --with-stream '*) change='/^load_module /d' ;; esac
    printf '%s.' "$LB_CONFIG" | sed "$change"
}

refuses() {
    look_at k3s-lb
    state=$(shown ActiveState)
    if [ "$state" != active ] && listens "$LB_PORT"; then
        holder=$(ss -Hltnp "sport = :$LB_PORT" | sed -n 's/.*users:((\("[^"]*"\).*/\1/p' | head -n 1)
        say "another program${holder:+, $holder,} listens on port $LB_PORT." \
            'Stop it, or set another load_balancer.port in the answers'
        return 3
    fi
}

files() {
    [ -n "${config-}" ] || config=$(configured)
    directory /etc/k3s-lb 0755 root:root
    file /etc/k3s-lb/nginx.conf 0644 root:root "${config%.}"
    file $UNIT 0644 root:root "$LB_UNIT"
    directory $LOGS 0750 root:"$LOG_GROUP"
    file /etc/logrotate.d/k3s-lb 0644 root:root "$LB_LOGROTATE"
}

# nginx was started by the current unit from the current program.
as_it_is_there() {
    [ "$(shown NeedDaemonReload)" = no ] && loaded_is_there "$STARTED" &&
        same "/proc/$(shown MainPID)/exe" "$NGINX"
}

# The unit of version 0.1.0 recorded no start, but started the same nginx.
started_alike() {
    pid=$(shown MainPID)
    same "/proc/$pid/exe" "$NGINX" && [ "$(tr -d '\0' <"/proc/$pid/cmdline")" = \
        "nginx: master process $NGINX -c /etc/k3s-lb/nginx.conf -g daemon off;" ]
}

satisfied() {
    files_are || return
    [ "$(shown UnitFileState)" = enabled ] || { say 'k3s-lb is not enabled at boot'; return 1; }
    [ "$state" = active ] || { say "k3s-lb is ${state:-unknown}"; return 1; }
    as_it_is_there || { say 'k3s-lb runs with an old unit or nginx'; return 1; }
    loaded_is_there "$LOADED" || { say 'k3s-lb runs with an old configuration'; return 1; }
    listens "$LB_PORT" || { say "k3s-lb does not listen on port $LB_PORT"; return 1; }
}

apply() {
    # Tested before anything is replaced: a mistake must not break a working load balancer.
    # The folders for nginx's pid file, which the service recreates, and for its logs.
    mkdir -p /run/k3s-lb $LOGS
    draft=$(mktemp /run/k3s-lb/.draft.XXXXXX)
    config=$(configured)
    printf '%s' "${config%.}" >"$draft"
    status=0
    "$NGINX" -t -q -c "$draft" || status=$?
    rm -f "$draft"
    [ "$status" -eq 0 ] || { say 'nginx rejects the configuration' >&2; return 1; }

    put_files
    relabel /etc/k3s-lb /run/k3s-lb $LOGS
    systemctl daemon-reload
    systemctl enable -q k3s-lb
    look_at k3s-lb
    how=restart
    unrecorded=
    if [ "$(shown ActiveState)" = active ]; then
        if as_it_is_there; then
            how=reload
        elif [ ! -e $STARTED ] && started_alike; then
            how=reload unrecorded=yes
        fi
    fi
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
    [ -z "$unrecorded" ] || sha256sum "$UNIT" >$STARTED
}

remove() {
    systemctl disable -q --now k3s-lb
    remove_files
    systemctl daemon-reload
}
