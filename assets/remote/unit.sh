# shellcheck shell=sh
# has_ended UNIT: it does not run, and is not in systemd's queue either.
has_ended() {
    case $(systemctl show --property=ActiveState "$1.service") in
    ActiveState=inactive | ActiveState=failed) ;;
    *) return 1 ;;
    esac
}
