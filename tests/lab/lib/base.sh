# shellcheck shell=bash
# The system that the hosts of a family share, built once. Every host is a thin writable layer over it.

base_packages=systemd,systemd-sysv,dbus,openssh-server,sudo,iproute2,iputils-ping,curl,ca-certificates,procps,kmod
# What the wizard will install is downloaded into the base, so that installing it in a host is
# real and takes seconds.
cached_packages=(postgresql nginx libnginx-mod-stream keepalived firewalld ufw)

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

# Prints the same sources, put into a folder, for another Debian: those of Debian 12 serve it as well.
sources_of() {
    local suite=$1 folder=$2 file
    if [ "$suite" = bookworm ]; then
        sources
        return
    fi
    mkdir -p "$folder"
    sources | while read -r file; do
        sed "s/bookworm/$suite/g" "$file" >"$folder/${file##*/}"
        echo "$folder/${file##*/}"
    done
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

# The base of a family, named after all that it is made of: another package list makes another base.
base_key() {
    {
        echo "$base_packages$(family_packages "$1") ${cached_packages[*]} $1"
        apt_settings
        sources | xargs -r cat
        certificates | xargs -rd '\n' cat
        cat "$here/lib/base.sh"
        if has_rpm "$1"; then
            cat "$here/lib/families.sh"
            find "$here/families" -type f | sort | xargs -d '\n' cat
        fi
    } | sha256sum | cut -c1-12
}

base_dir() { echo "$cache/$(recall "base-$1")"; }

build_bases() {
    local family
    for family in $(families_here); do build_base "$family"; done
}

build_base() {
    local family=$1 key new begun=$SECONDS
    key=$(base_key "$family")
    if [ "$key" != "$(recall "base-$family")" ] && [ -d "$(base_dir "$family")" ] && stands_on "$family"; then
        say "another base of $family is wanted, but its hosts use the one they have: 'lab down' first"
        return
    fi
    remember "base-$family" "$key"
    [ ! -d "$cache/$key" ] || return 0
    say "builds the base system of $family, once (one or two minutes)"
    new=$cache/$key.new
    unmount_below "$cache"
    remove_old_bases
    mkdir -p "$new"
    local -a from
    mapfile -t from < <(sources_of "$(suite "$family")" "$new/sources")
    apt_settings >"$new/apt.conf"
    mmdebstrap --quiet --variant=minbase --include="$base_packages$(family_packages "$family")" \
        --skip=cleanup/apt/lists --aptopt="$new/apt.conf" "$(suite "$family")" "$new/root" "${from[@]}"
    furnish_base "$new/root" "${from[@]}"
    if has_rpm "$family"; then
        pack_family "$family" "$new"
        convert_base "$family" "$new/root"
    else
        say "downloads ${cached_packages[*]} for the hosts"
        in_base "$new/root" apt-get install -y -qq --download-only "${cached_packages[@]}"
    fi
    build_web_layer "$family" "$new"
    mv "$new" "$cache/$key"
    say "the base of $family took $((SECONDS - begun)) s"
}

# Whether a host stands on the family's base.
stands_on() {
    local host
    for host in $(hosts); do
        [ "$(cat "$(at "$host")/family" 2>/dev/null)" != "$1" ] || return 0
    done
    return 1
}

# Bases that no family of this lab wants; not what fresh-machine keeps there.
remove_old_bases() {
    local family keep=(! -path "$fresh_cache")
    for family in "${families[@]}"; do
        keep+=(! -name "$(base_key "$family")" ! -name "$(recall "base-$family" none)")
    done
    find "$cache" -mindepth 1 -maxdepth 1 "${keep[@]}" -exec rm -rf {} +
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
    local family=$1 new=$2 page
    mkdir "$new/web" "$new/work" "$new/merged"
    mount -t overlay lab-web -o "lowerdir=$new/root,upperdir=$new/web,workdir=$new/work" "$new/merged"
    case $family in
        suse*) page=/srv/www/htdocs/index.html ;;
        rhel*) page=/usr/share/nginx/html/index.html ;;
        *) page=/var/www/html/index.html ;;
    esac
    if has_rpm "$family"; then
        find "$new/packages" \( -name 'nginx-[0-9]*.rpm' -o -name 'lab-libraries-*.rpm' \) \
            -exec cp -t "$new/merged" {} +
        in_base "$new/merged" sh -c 'rpm -i /*.rpm && rm /*.rpm && systemctl enable nginx'
    else
        printf '#!/bin/sh\nexit 101\n' >"$new/merged/usr/sbin/policy-rc.d"
        chmod 755 "$new/merged/usr/sbin/policy-rc.d"
        in_base "$new/merged" apt-get install -y -qq --no-install-recommends nginx
        rm "$new/merged/usr/sbin/policy-rc.d"
    fi
    echo '<!doctype html><title>sles</title><p>This page was here before K3s.</p>' >"$new/merged$page"
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
