# shellcheck shell=sh
# Whether this host has the device of the pod network, and its routes to the others.
# Changes nothing.
# inputs: DEVICE LINKS (lines: NUMBER ADDRESS PORT)

overlay() {
    case $(ip -d link show "$DEVICE" 2>/dev/null) in
    *' vxlan id '*) echo overlay.device=vxlan ;;
    *) return ;;
    esac
    printf '%s\n' "$LINKS" |
        while read -r _ address _; do echo "route get $address"; done |
        ip -o -force -batch - 2>/dev/null | sed 's/^/overlay.way=/'
}
overlay
