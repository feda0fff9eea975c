# shellcheck shell=sh
# What a host is. Reads only; a line each, KEY=VALUE.

fact() { printf '%s=%s\n' "$1" "$2"; }

# shellcheck disable=SC1091 # it is on the host
release() { ( . /etc/os-release && eval "printf '%s' \"\${$1-}\"" ); }

fact os.id "$(release ID)"
fact os.like "$(release ID_LIKE)"
fact os.version "$(release VERSION_ID)"
fact os.name "$(release PRETTY_NAME)"
fact arch "$(uname -m)"
fact hostname "$(cat /proc/sys/kernel/hostname)"
fact machine-id "$(cat /etc/machine-id 2>/dev/null)"
fact boot-id "$(cat /proc/sys/kernel/random/boot_id)"
[ ! -d /run/systemd/system ] || fact systemd yes
fact clock "$(date +%s.%N)"
fact memory-kib "$(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo)"
fact disk-free-kib "$(df -Pk /var/lib | awk 'NR == 2 { print $4 }')"
fact addresses "$(ip -o addr show 2>/dev/null | awk '{ sub(/\/.*/, "", $4); printf "%s ", $4 }')"
