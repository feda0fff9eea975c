# shellcheck shell=sh
# The agents' nodes are Ready. Looked at from a server.
# inputs: NODES WAIT

satisfied() {
    table=$(/usr/local/bin/k3s kubectl get nodes --no-headers 2>&1) ||
        { say "the nodes cannot be listed: $table"; return 2; }
    missing=
    for node in $NODES; do
        case $(printf '%s\n' "$table" | awk -v node="$node" '$1 == node { print $2 }') in
        Ready | Ready,*) ;;
        *) missing="$missing $node" ;;
        esac
    done
    [ -z "$missing" ] || { say "not Ready:$missing"; return 1; }
}

apply() {
    since=$(date +%s)
    until satisfied >/dev/null; do
        if [ $(($(date +%s) - since)) -ge "$WAIT" ]; then
            say "after $WAIT s $(satisfied || :)" >&2
            return 1
        fi
        sleep 0.5
    done
    /usr/local/bin/k3s kubectl get nodes
}
