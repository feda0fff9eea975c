# shellcheck shell=sh
# The agents' nodes are Ready, seen from a server.
# inputs: NODES WAIT

satisfied() { :; }

ready() {
    table=$(/usr/local/bin/k3s kubectl get nodes --no-headers 2>&1) ||
        { say "the nodes cannot be listed: $table"; return 1; }
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
    wait_for "$WAIT"
    /usr/local/bin/k3s kubectl get nodes
}
