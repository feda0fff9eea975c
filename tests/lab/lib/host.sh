# shellcheck shell=bash
# One host: its disk, what makes it this host, its start and its end.
#
#   hosts/HOST/disk.img      its disk: a sparse ext4, so that it can be full, copied and thrown away
#   hosts/HOST/disk/         the same, mounted
#     upper/ work/           what the host has changed of the base (overlayfs)
#     rancher/ kubelet/      /var/lib/rancher and /var/lib/kubelet: containerd and the kubelet
#                            cannot live on an overlay
#   hosts/HOST/root/         the base and upper/, merged: the host's /
#   hosts/HOST/layout        by which version of the lab it was made, and of which family it is
#   hosts/HOST/family        the same, by name
#   hosts/HOST/console.log   what its boot says
#
# The mounts are in a mount namespace of the host's own (lib/boot): they go when it ends, however
# it ends, and no host keeps another one's disk busy.

disk_size=20G

at() { echo "$state/hosts/$1"; }

# Names what a host is made by: one that another version of it made lets nobody in, or the wrong ones.
layout() { { cat "$here/lib/host.sh" "$here/lib/access.sh"; family "$1"; } | sha256sum | cut -c1-12; }

# is_of_this_lab HOST FILE: whether this version of the lab made what lies there, in the host's family.
is_of_this_lab() { [ "$(cat "$2" 2>/dev/null)" = "$(layout "$1")" ]; }

# The pid of systemd-nspawn, as long as it runs.
nspawn_pid() { pgrep -o -fx "systemd-nspawn .*--directory=$(at "$1")/root .*" || true; }

# The pid of the host's own PID 1, seen from here.
init_pid() {
    local nspawn
    nspawn=$(nspawn_pid "$1")
    [ -n "$nspawn" ] || return 0
    pgrep -o -P "$nspawn" -x systemd || true
}

# A file on the host's disk, seen from here; as long as it runs.
on_disk() { echo "/proc/$(nspawn_pid "$1")/root$(at "$1")/disk/$2"; }

is_running() { [ -n "$(init_pid "$1")" ]; }

host_state() {
    if ! is_running "$1"; then
        if [ -e "$(at "$1")/disk.img" ]; then echo stopped; else echo 'not there'; fi
        return
    fi
    local words
    words=$(in_host "$1" systemctl is-system-running 2>/dev/null) || true
    ! is_cut "$1" || words+=', cut off'
    [ ! -e "$(on_disk "$1" full)" ] || words+=', disk full'
    echo "$words"
}

# Runs a command in a host as root, through its namespaces: no network, no sshd needed.
in_host() {
    [ $# -gt 1 ] || die "exec: which host, which command?"
    local pid
    must_know "$1"
    pid=$(init_pid "$1")
    [ -n "$pid" ] || die "$1 does not run"
    shift
    nsenter --target "$pid" --mount --uts --ipc --net --pid --root --wdns=/root -- \
        /usr/bin/env -i HOME=/root USER=root LOGNAME=root TERM="${TERM:-dumb}" LANG=C.UTF-8 \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@" 9>&-
}

# What makes a bare base this host. Runs once for a new disk, in the host's mount namespace.
furnish() {
    local host=$1 root ip
    root=$(at "$host")/root
    ip=$(address "$host")
    echo "$host" >"$root/etc/hostname"
    printf '127.0.0.1\tlocalhost\n127.0.1.1\t%s\n::1\tlocalhost ip6-localhost ip6-loopback\n' \
        "$host" >"$root/etc/hosts"
    printf '%s' "$host k3s-ha-wizard-lab" | md5sum | cut -c1-32 >"$root/etc/machine-id"
    cat >"$root/etc/systemd/network/10-host0.network" <<NETWORK
[Match]
Name=host0

[Network]
Address=$ip/24
Gateway=$gateway
NETWORK
    cp "$state/host-keys/$host"/ssh_host_* "$root/etc/ssh/"

    let_in "$host" "$root"
}

# In the host's mount namespace.
mount_host() {
    local host=$1 dir
    dir=$(at "$host")
    mkdir -p "$dir/disk" "$dir/root"
    if [ ! -e "$dir/disk.img" ]; then
        # No journal: this disk need not survive a crash of the machine, but be fast.
        truncate -s "$disk_size" "$dir/disk.img.new"
        mkfs.ext4 -q -m 0 -O ^has_journal -E nodiscard "$dir/disk.img.new"
        mv "$dir/disk.img.new" "$dir/disk.img"
    fi
    mount -o loop,noatime "$dir/disk.img" "$dir/disk"
    mkdir -p "$dir/disk/upper" "$dir/disk/work" "$dir/disk/rancher" "$dir/disk/kubelet"
    mount -t overlay "lab-$host" -o \
        "lowerdir=$(lower_layers "$host"),upperdir=$dir/disk/upper,workdir=$dir/disk/work" "$dir/root"
    if [ ! -e "$dir/disk/furnished" ]; then
        furnish "$host"
        touch "$dir/disk/furnished"
        layout "$host" >"$dir/layout"
        family "$host" >"$dir/family"
    fi
    # The machine's resolver may have changed since.
    local resolv=/etc/resolv.conf
    if grep -q '^nameserver 127\.' $resolv && [ -e /run/systemd/resolve/resolv.conf ]; then
        resolv=/run/systemd/resolve/resolv.conf
    fi
    cp -L --remove-destination "$resolv" "$dir/root/etc/resolv.conf"
    lay_over "$host"
}

# The layers under a host, as overlayfs takes them.
lower_layers() {
    local base
    base=$(base_dir "$(family "$1")")
    case $1 in
        k3s-nginx) echo "$base/web:$base/root" ;;
        *) echo "$base/root" ;;
    esac
}

# What a K3s folder brings for the hosts that run it; also what lies below the mounted folders.
lay_over() {
    local host=$1 overlay dir
    overlay=$(k3s_folder)
    [ -n "$overlay" ] || return 0
    overlay+=/overlay
    [ -d "$overlay" ] || return 0
    case $(role "$host") in
        server | agent) ;;
        *) return 0 ;;
    esac
    dir=$(at "$host")
    cp -a --update "$overlay/." "$dir/root/"
    for dir in rancher kubelet; do
        [ ! -d "$overlay/var/lib/$dir" ] || cp -a --update "$overlay/var/lib/$dir/." "$(at "$host")/disk/$dir/"
    done
}

# Becomes the host: called by lib/boot, in the host's mount namespace and cgroup.
become_host() {
    local host=$1 dir
    dir=$(at "$host")
    mount_host "$host"
    local -a options=(
        --quiet --register=no --keep-unit --machine="$host" --directory="$dir/root" --boot
        --network-bridge="$bridge" --resolv-conf=off --timezone=off --link-journal=no
        --capability=all --drop-capability=CAP_SYS_TIME --system-call-filter=@known
        --bind="$dir/disk/rancher:/var/lib/rancher" --bind="$dir/disk/kubelet:/var/lib/kubelet"
    )
    [ ! -e /dev/kmsg ] || options+=(--bind=/dev/kmsg)
    # With a writable /sys, the host's networkd would wait for an udev that never comes.
    SYSTEMD_NSPAWN_API_VFS_WRITABLE=network exec systemd-nspawn "${options[@]}"
}

start_host() {
    local host=$1 dir pid
    dir=$(at "$host")
    ! is_running "$host" || return 0
    mkdir -p "$dir"
    setsid unshare --mount --propagation private "$here/lib/boot" "$host" \
        </dev/null >"$dir/console.log" 2>&1 9>&- &
    pid=$!
    while [ -e "/proc/$pid" ]; do
        ! is_running "$host" || return 0
        sleep 0.05
    done
    die "$host does not start: $(tail -n 3 "$dir/console.log")"
}

# Shuts a host down in order, for at most 20 s, then like a power failure.
stop_host() {
    local host=$1 pid
    pid=$(nspawn_pid "$host")
    if [ -n "$pid" ]; then
        kill -TERM "$pid" 2>/dev/null || true
        timeout 20 tail -s 0.05 --pid="$pid" -f /dev/null || say "$host does not shut down; its power goes off"
    fi
    power_off "$host"
}

# Ends everything in a host at once, and waits until it has let go of its disk.
power_off() {
    local host=$1 pid
    # One that is only becoming a host.
    while pid=$(pgrep -o -f "/lib/boot $host\$"); do
        kill -KILL "$pid" 2>/dev/null || true
        sleep 0.02
    done
    # With its PID 1 ends everything in it; systemd-nspawn then ends by itself.
    pid=$(init_pid "$host")
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
    pid=$(nspawn_pid "$host")
    if [ -n "$pid" ]; then
        timeout 10 tail -s 0.05 --pid="$pid" -f /dev/null || kill -KILL "$pid" 2>/dev/null || true
    fi
    remove_cgroups "lab-$host"
    local tries
    for ((tries = 0; tries < 200; tries++)); do
        [ -n "$(losetup --associated "$(at "$host")/disk.img" 2>/dev/null)" ] || return 0
        sleep 0.05
    done
    die "$host is off, but something keeps its disk: $(losetup --associated "$(at "$host")/disk.img")"
}

# A host and all that was of it: also what a killed lab left behind.
remove_host() {
    power_off "$1"
    ip link del "$(cable "$1")" 2>/dev/null || true
    rm -rf "$(at "$1")"
}

# Every host of which there is a trace: a folder, a process that is becoming it, a cgroup.
traces() {
    {
        ls "$state/hosts"
        { pgrep -fa "/lib/boot k3s-" || true; } | sed 's/.* //'
        cgroup_names | sed -n 's/^lab-//p'
    } | sort -u
}

# Starts hosts, and waits until each has booted and a login works.
start_hosts() {
    make_keys
    agent_up
    each_host start_host "$1"
    each_host wait_until_ready "$1"
}

# A bare host must be without fault. One that has been used may have units that failed or still
# wait, for a datastore that is down; there a login is enough.
wait_until_ready() {
    local host=$1 tries is='' booted
    booted=$(on_disk "$host" booted)
    for ((tries = 0; tries < 300; tries++)); do
        if [ ! -e "$booted" ]; then
            is=$(in_host "$host" systemctl is-system-running 2>/dev/null) || true
        fi
        case $is in
            degraded)
                die "$host: $(in_host "$host" systemctl --failed --no-legend --plain | tr '\n' ';')" ;;
            '' | running)
                if ssh_host "$host" true >/dev/null 2>&1; then
                    touch "$booted"
                    return 0
                fi ;;
        esac
        sleep 0.2
    done
    die "$host is not ready after a minute (${is:-no login}); see $(at "$host")/console.log"
}
