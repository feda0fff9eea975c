# shellcheck shell=bash
# The families of hosts. Debian 12 and 13 are themselves. The others are hosts with SUSE's and Red
# Hat's package managers, not their systems: Debian below, the real zypper or dnf with rpm above, and
# RPMs that are packed here (../families) of Debian's own Postgres and nginx.

families=(debian12 debian13 suse15 suse16 rhel9 rhel10)

check_family() {
    local family
    family=$(recall family debian12)
    [[ " ${families[*]} mixed " = *" $family "* ]] ||
        die "--family: one of ${families[*]} mixed, not '$family'"
}

# The family of a host.
family() {
    local family
    family=$(recall family debian12)
    if [ "$family" != mixed ]; then
        echo "$family"
        return
    fi
    case $1 in
        k3s-postgres*) echo suse15 ;;
        k3s-server-1) echo debian12 ;;
        k3s-server-2 | k3s-nginx) echo rhel9 ;;
        *) echo debian13 ;;
    esac
}

# The families of this lab's hosts, each once.
families_here() {
    local host
    for host in $(hosts); do family "$host"; done | sort -u
}

# The Debian below a family.
suite() {
    case $1 in
        debian12 | rhel9) echo bookworm ;;
        *) echo trixie ;;
    esac
}

# What a family's base has besides that of all.
family_packages() {
    case $1 in
        suse*) echo ,zypper,rpm,tzdata ;;
        rhel*) echo ,dnf,rpm,tzdata ;;
    esac
}

has_rpm() { [[ $1 = suse* || $1 = rhel* ]]; }

# Whether a host of this lab gets its packages from the lab's mirror.
has_rpm_hosts() {
    local family
    for family in $(families_here); do
        ! has_rpm "$family" || return 0
    done
    return 1
}

# As the real ones have them (SLES 16: rke2 pull request 9769; SLES 15: k3s issue 5046; RHEL 9: k3s
# issue 7307), in later service packs.
os_release() {
    case $1 in
        suse15) cat <<'OS' ;;
NAME="SLES"
VERSION="15-SP7"
VERSION_ID="15.7"
PRETTY_NAME="SUSE Linux Enterprise Server 15 SP7"
ID="sles"
ID_LIKE="suse"
ANSI_COLOR="0;32"
CPE_NAME="cpe:/o:suse:sles:15:sp7"
DOCUMENTATION_URL="https://documentation.suse.com/"
OS
        suse16) cat <<'OS' ;;
NAME="SLES"
VARIANT="SLES"
VARIANT_ID="server"
VERSION="16.0"
VERSION_ID="16.0"
ID="sles"
ID_LIKE="suse opensuse"
PRETTY_NAME="SUSE Linux Enterprise Server 16.0"
ANSI_COLOR="0;32"
CPE_NAME="cpe:/o:suse:sles:16:16.0"
DOCUMENTATION_URL="https://documentation.suse.com/"
OS
        rhel9) red_hat 9.6 9 Plow ;;
        rhel10) red_hat 10.0 10 Coughlan ;;
    esac
}

version_id() { os_release "$1" | sed -n 's/^VERSION_ID="\(.*\)"/\1/p'; }

red_hat() {
    cat <<OS
NAME="Red Hat Enterprise Linux"
VERSION="$1 ($3)"
ID="rhel"
ID_LIKE="fedora"
VERSION_ID="$1"
PLATFORM_ID="platform:el$2"
PRETTY_NAME="Red Hat Enterprise Linux $1 ($3)"
ANSI_COLOR="0;31"
CPE_NAME="cpe:/o:redhat:enterprise_linux:$2"
OS
}

# Packs the family's RPMs in a throw-away layer over its base, and leaves the repository in packages/.
pack_family() {
    local family=$1 new=$2 kitchen=$2/kitchen
    say "packs Postgres and nginx as RPMs of $family"
    mkdir -p "$new/scraps" "$new/work" "$kitchen"
    mount -t overlay lab-kitchen -o "lowerdir=$new/root,upperdir=$new/scraps,workdir=$new/work" "$kitchen"
    mkdir -p "$kitchen/kitchen/lab"
    cp -a "$here/families" "$kitchen/kitchen/lab/"
    cp "$here/../strict.sh" "$kitchen/kitchen/"
    # shellcheck disable=SC2016 # the kitchen's shell reads its own words
    in_base "$kitchen" sh -c 'cd /kitchen && mkdir out && lab/families/pack "$1" "$2"' - "$family" "$(version_id "$family")"
    mv "$kitchen/kitchen/out" "$new/packages"
    umount "$kitchen"
    rm -rf "$new/scraps" "$new/work" "$kitchen"
}

# Makes a base with rpm a host of the family: Debian's package manager goes, the family's takes over.
convert_base() {
    local family=$1 root=$2 packages=${2%/*}/packages
    os_release "$family" >"$root/usr/lib/os-release"
    ln -sf ../usr/lib/os-release "$root/etc/os-release"
    rm -f "$root/etc/debian_version"
    mkdir -p "$root/usr/lib64" "$root/etc/sysconfig"
    ln -sf bash "$root/usr/bin/sh"
    # Debian's rpm keeps its database in the home of its user.
    mkdir -p "$root/etc/rpm" "$root/var/lib/rpm"
    echo '%_dbpath /var/lib/rpm' >"$root/etc/rpm/macros"
    mkdir -p "$root/etc/pki/rpm-gpg" "$root/lab-packages"
    cp "$packages/key.asc" "$root/etc/pki/rpm-gpg/RPM-GPG-KEY-lab"
    configure_manager "$family" "$root"
    cp "$packages"/system/*/*.rpm "$root/lab-packages/"
    remove_apt "$root"
    in_base "$root" rpm --import /etc/pki/rpm-gpg/RPM-GPG-KEY-lab
    in_base "$root" sh -c 'rpm -i --nodeps /lab-packages/*.rpm'
    rm -rf "$root/lab-packages"
}

# Where the package manager finds the lab's packages, and what else it asks a system for.
configure_manager() {
    local family=$1 root=$2 folder
    case $family in
        suse*)
            folder=$root/etc/zypp/repos.d
            mkdir -p "$root/etc/products.d"
            cat >"$root/etc/products.d/SLES.prod" <<PRODUCT
<?xml version="1.0" encoding="UTF-8"?>
<product schemeversion="0">
  <vendor>SUSE</vendor>
  <name>SLES</name>
  <version>$(version_id "$family")</version>
  <release>0</release>
  <arch>x86_64</arch>
  <summary>The lab's imitation of SLES</summary>
</product>
PRODUCT
            ln -sf SLES.prod "$root/etc/products.d/baseproduct"
            # A group that SUSE has not.
            sed -i '/^adm:/d' "$root/etc/group" "$root/etc/gshadow" ;;
        rhel*)
            folder=$root/etc/yum.repos.d
            mkdir -p "$root/etc/dnf"
            printf '[main]\ngpgcheck=1\nclean_requirements_on_remove=True\nbest=True\nskip_if_unavailable=False\n' \
                >"$root/etc/dnf/dnf.conf"
            os_release "$family" | sed -n 's/^PRETTY_NAME="\(.*\) \(.*\) \((.*)\)"/\1 release \2 \3/p' \
                >"$root/etc/redhat-release"
            ln -sf dnf "$root/usr/bin/yum" ;;
    esac
    mkdir -p "$folder"
    cat >"$folder/lab.repo" <<REPO
[lab]
name=Packages of the lab ($family)
enabled=1
autorefresh=1
baseurl=http://$gateway:8080/packages/$family
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-lab
REPO
}

# No step may find apt or dpkg there, nor their files. (update-alternatives is dpkg's here, but SUSE
# and Red Hat have one too, so it stays with its folder.)
remove_apt() {
    local root=$1
    find "$root/usr/bin" "$root/usr/sbin" \( -name 'apt' -o -name 'apt-*' -o -name 'dpkg*' -o -name 'debconf*' \) \
        -exec rm {} +
    find "$root/usr/lib/systemd/system" "$root/etc/systemd/system" \
        \( -name 'apt-*' -o -name 'dpkg-*' \) -exec rm -rf {} +
    find "$root/var/lib/dpkg" -mindepth 1 -maxdepth 1 ! -name alternatives -exec rm -rf {} +
    rm -rf "$root/etc/apt" "$root/etc/dpkg" "$root/usr/lib/apt" "$root/usr/lib/dpkg" "$root/var/lib/apt" \
        "$root/var/cache/apt" "$root/var/log/apt"
    # Users and groups of Debian: www-data would hide a wrong user of nginx, and tape has the number
    # of postgres. systemd would make some of them again at the first boot.
    sed -i '/^\(www-data\|tape\):/d' "$root"/etc/{passwd,shadow,group,gshadow}
    mkdir -p "$root/etc/sysusers.d"
    ln -sf /dev/null "$root/etc/sysusers.d/basic.conf"
}
