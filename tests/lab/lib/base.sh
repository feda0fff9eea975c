# shellcheck shell=bash
# The Debian 12 that all hosts share, built once. Every host is a thin writable layer over it.

base_packages=systemd,systemd-sysv,dbus,openssh-server,sudo,iproute2,iputils-ping,curl,ca-certificates,procps,kmod
# What the wizard will install is downloaded into the base, so that installing it in a host is
# real and takes seconds.
cached_packages=(postgresql nginx libnginx-mod-stream firewalld ufw)

install_packages() {
    local -A needs=(
        [mmdebstrap]=mmdebstrap [systemd-nspawn]=systemd-container [ip]=iproute2 [iptables]=iptables
        [ssh]=openssh-client [busybox]=busybox [mkfs.ext4]=e2fsprogs [losetup]=mount
        [nsenter]=util-linux [fuser]=psmisc [python3]=python3
    )
    local tool missing=()
    for tool in "${!needs[@]}"; do
        command -v "$tool" >/dev/null || missing+=("${needs[$tool]}")
    done
    [ ${#missing[@]} -eq 0 ] && return
    say "installs ${missing[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# This machine's own package sources for Debian 12, if it has any (otherwise mmdebstrap's default).
sources() {
    grep -lE '(^|[[:space:]])bookworm([[:space:]]|$)' /etc/apt/sources.list \
        /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null || true
}

# How this machine's apt reaches its sources: proxies, checks, certificates; as the hosts' settings.
apt_settings() {
    apt-config dump | grep -E '^Acquire::(https?|ftp|Check-|Retries|ForceIP|Max-)[^ ]* "[^"]+";' || true
    local scheme proxy
    for scheme in http https; do
        proxy=${scheme}_proxy
        proxy=${!proxy-}
        [ -z "$proxy" ] || printf 'Acquire::%s::Proxy "%s";\n' "$scheme" "$proxy"
    done
    echo 'Acquire::Languages "none";'
}

# The certificates of authorities that this machine trusts besides those of its distribution.
certificates() { compgen -G '/usr/local/share/ca-certificates/*.crt' || true; }

# Runs a command in the base, on this machine's network. Nothing that it installs is started.
in_base() {
    local root=$1
    shift
    systemd-nspawn --quiet --register=no --keep-unit --as-pid2 --directory="$root" --timezone=off \
        --console=pipe --setenv=DEBIAN_FRONTEND=noninteractive -- "$@" </dev/null >"$cache/log" 2>&1 || {
        cat "$cache/log" >&2
        die "could not do this in the base: $*"
    }
}

# The base, named after all that it is made of: another package list makes another base.
base_key() {
    {
        echo "$base_packages ${cached_packages[*]}"
        apt_settings
        sources | xargs -r cat
        certificates | xargs -rd '\n' cat
        cat "$here/lib/base.sh"
    } | sha256sum | cut -c1-12
}

base_dir() { echo "$cache/$(recall base)"; }

build_base() {
    local key new begun=$SECONDS
    key=$(base_key)
    if [ "$key" != "$(recall base)" ] && [ -d "$(base_dir)" ] && [ -n "$(ls "$state/hosts")" ]; then
        say "another base is wanted, but these hosts stand on the one they have: 'lab down' first"
        return
    fi
    remember base "$key"
    [ ! -d "$cache/$key" ] || return 0
    say "builds the base system, once (about a minute)"
    new=$cache/$key.new
    unmount_below "$cache"
    # Other bases; not the one that fresh-machine keeps there.
    find "$cache" -mindepth 1 -maxdepth 1 ! -path "$fresh_cache" -exec rm -rf {} +
    mkdir -p "$new"
    local -a from
    mapfile -t from < <(sources)
    apt_settings >"$new/apt.conf"
    mmdebstrap --quiet --variant=minbase --include="$base_packages" --skip=cleanup/apt/lists \
        --aptopt="$new/apt.conf" bookworm "$new/root" "${from[@]}"
    furnish_base "$new/root" "${from[@]}"
    say "downloads ${cached_packages[*]} for the hosts"
    in_base "$new/root" apt-get install -y -qq --download-only "${cached_packages[@]}"
    build_web_layer "$new"
    mv "$new" "$cache/$key"
    say "the base took $((SECONDS - begun)) s"
}

furnish_base() {
    local root=$1 key
    shift
    # A key that a source names by its path, and the base does not have yet.
    { cat "$@" /dev/null | grep -oE '/[^] ]+\.(gpg|asc)' || true; } | sort -u | while read -r key; do
        if [ -f "$key" ] && [ ! -e "$root$key" ]; then
            install -D -m 644 "$key" "$root$key"
        fi
    done
    trust_certificates "$root"
    rm -f "$root"/etc/ssh/ssh_host_*
    # The disks are thrown away anyway: dpkg need not wait for each of its files to reach them.
    echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/lab"
    mkdir -p "$root/var/lib/rancher" "$root/var/lib/kubelet"
    local wants=$root/etc/systemd/system
    mkdir -p "$wants/multi-user.target.wants" "$wants/sysinit.target.wants"
    ln -sf /lib/systemd/system/systemd-networkd.service "$wants/multi-user.target.wants/"

    # What K3s needs of a container: sysctls and cgroups that can be written, mounts that are
    # shared. After systemd-sysctl: this machine's settings are not the hosts' to change at boot.
    install -D -m 755 /dev/stdin "$root/usr/local/lib/lab/mounts" <<'SCRIPT'
#!/bin/sh
mount -o remount,rw /proc/sys || mount -o remount,bind,rw /proc/sys
awk '$3 ~ /^cgroup/ { print $2 }' /proc/mounts | while read -r dir; do
    mount -o remount,bind,rw "$dir"
done
mount --make-rshared /
SCRIPT
    cat >"$wants/lab-mounts.service" <<'UNIT'
[Unit]
Description=The lab's mounts: writable sysctls and cgroups, shared propagation
DefaultDependencies=no
After=systemd-sysctl.service
Before=sysinit.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/lib/lab/mounts
UNIT
    ln -sf ../lab-mounts.service "$wants/sysinit.target.wants/"
}

trust_certificates() {
    [ -n "$(certificates)" ] || return 0
    certificates | xargs -d '\n' cp -t "$1/usr/local/share/ca-certificates"
    in_base "$1" update-ca-certificates
}

# One more layer, for k3s-nginx: a web server that serves a page and must go on doing so.
build_web_layer() {
    local new=$1
    mkdir "$new/web" "$new/work" "$new/merged"
    mount -t overlay lab-web -o "lowerdir=$new/root,upperdir=$new/web,workdir=$new/work" "$new/merged"
    printf '#!/bin/sh\nexit 101\n' >"$new/merged/usr/sbin/policy-rc.d"
    chmod 755 "$new/merged/usr/sbin/policy-rc.d"
    in_base "$new/merged" apt-get install -y -qq --no-install-recommends nginx
    rm "$new/merged/usr/sbin/policy-rc.d"
    echo '<!doctype html><title>sles</title><p>This page was here before K3s.</p>' \
        >"$new/merged/var/www/html/index.html"
    umount "$new/merged"
    rm -rf "$new/work" "$new/merged"
}

# Unmounts everything mounted below a folder, innermost first.
unmount_below() {
    local point
    awk -v top="$1/" 'index($2, top) == 1 { print $2 }' /proc/mounts | tac | while read -r point; do
        umount "$point" 2>/dev/null || umount -l "$point"
    done
}
