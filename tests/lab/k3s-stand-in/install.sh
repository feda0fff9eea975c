#!/bin/sh
# Installs the lab's stand-in for K3s, by the contract of K3s' own install script as far as the
# wizard uses it. It is not that script, and what it installs is not K3s.
#
# Read from the environment:
#   INSTALL_K3S_ARTIFACT_URL   where the releases are; there is no default
#   INSTALL_K3S_VERSION        the release; else INSTALL_K3S_CHANNEL of INSTALL_K3S_CHANNEL_URL
#   INSTALL_K3S_SKIP_DOWNLOAD  true or binary: the binary is there already
#   INSTALL_K3S_SKIP_ENABLE, INSTALL_K3S_SKIP_START, INSTALL_K3S_FORCE_RESTART   true
#   INSTALL_K3S_SYMLINK        skip or force
#   INSTALL_K3S_EXEC           the command and its arguments; more may follow as arguments
#   INSTALL_K3S_NAME, INSTALL_K3S_TYPE, INSTALL_K3S_BIN_DIR, INSTALL_K3S_SYSTEMD_DIR
#   K3S_*, CONTAINERD_*, KINE_*, proxies   kept in the unit's environment file

set -e
set -o noglob

info() { echo "[INFO]  $*"; }
warn() { echo "[WARN]  $*" >&2; }
fatal() {
    echo "[ERROR]  $*" >&2
    exit 1
}

# An argument so quoted that systemd takes it for one word, on a line of its own.
quote_line() {
    for argument in "$@"; do
        printf ' \\\n\t%s' "'$(printf '%s' "$argument" | sed "s/'/'\\\\''/g")'"
    done
}

decide_command() {
    case "${1:-}" in
    '' | -*)
        if [ -z "${K3S_URL:-}" ]; then
            command=server
        else
            if [ -z "${K3S_TOKEN:-}" ] && [ -z "${K3S_TOKEN_FILE:-}" ]; then
                fatal "Defaulted k3s exec command to 'agent' because K3S_URL is defined, but K3S_TOKEN or K3S_TOKEN_FILE is not defined."
            fi
            command=agent
        fi
        ;;
    *)
        command=$1
        shift
        ;;
    esac
    case "${K3S_URL:-}" in
    '' | https://*) ;;
    *) fatal "Only https:// URLs are supported for K3S_URL (have $K3S_URL)" ;;
    esac
    exec_lines="$command$(quote_line "$@")"
}

decide_names() {
    if [ -n "${INSTALL_K3S_NAME:-}" ]; then
        name="k3s-$INSTALL_K3S_NAME"
    elif [ "$command" = server ]; then
        name=k3s
    else
        name="k3s-$command"
    fi
    sudo=sudo
    [ "$(id -u)" -ne 0 ] || sudo=
    bin=${INSTALL_K3S_BIN_DIR:-/usr/local/bin}
    units=${INSTALL_K3S_SYSTEMD_DIR:-/etc/systemd/system}
    unit="$units/$name.service"
    env_file="$unit.env"
    killall="$bin/k3s-killall.sh"
    uninstall="$bin/k3s-uninstall.sh"
    [ "$command" = server ] || uninstall="$bin/$name-uninstall.sh"
}

decide_architecture() {
    case "${ARCH:-$(uname -m)}" in
    amd64 | x86_64) architecture=amd64 suffix= ;;
    arm64 | aarch64) architecture=arm64 suffix=-arm64 ;;
    s390x) architecture=s390x suffix=-s390x ;;
    arm*) architecture=arm suffix=-armhf ;;
    *) fatal "Unsupported architecture ${ARCH:-$(uname -m)}" ;;
    esac
}

fetch() { # FILE URL
    if command -v curl >/dev/null; then
        curl -o "$1" -sfL "$2" || fatal 'Download failed'
    elif command -v wget >/dev/null; then
        wget -qO "$1" "$2" || fatal 'Download failed'
    else
        fatal 'Can not find curl or wget for downloading files'
    fi
}

decide_version() {
    if [ -n "${INSTALL_K3S_VERSION:-}" ]; then
        version=$INSTALL_K3S_VERSION
    else
        [ -n "${INSTALL_K3S_CHANNEL_URL:-}" ] || fatal 'The stand-in has no channels: set INSTALL_K3S_VERSION'
        channel="$INSTALL_K3S_CHANNEL_URL/${INSTALL_K3S_CHANNEL:-stable}"
        info "Finding release for channel ${INSTALL_K3S_CHANNEL:-stable}"
        version=$(curl -w '%{url_effective}' -sfLo /dev/null "$channel" | sed -e 's|.*/||' -e 's|%2B|+|') || fatal 'Download failed'
    fi
    info "Using $version as release"
    release="$INSTALL_K3S_ARTIFACT_URL/$(printf '%s' "$version" | sed 's/+/%2B/g')"
}

sha_of() { sha256sum "$1" | sed 's/ .*//'; }

download() {
    case "${INSTALL_K3S_SKIP_DOWNLOAD:-}" in
    true | binary)
        [ -x "$bin/k3s" ] || fatal "Executable k3s binary not found at $bin/k3s"
        info 'Skipping k3s download and verify'
        return
        ;;
    esac
    [ -n "${INSTALL_K3S_ARTIFACT_URL:-}" ] || fatal 'The stand-in is in no public place: set INSTALL_K3S_ARTIFACT_URL'
    decide_version
    folder=$(mktemp -d -t k3s-install.XXXXXXXXXX)
    trap 'rm -rf "$folder"' EXIT INT TERM
    info "Downloading hash $release/sha256sum-$architecture.txt"
    fetch "$folder/hash" "$release/sha256sum-$architecture.txt"
    expected=$(grep " k3s$suffix\$" "$folder/hash")
    expected=${expected%%[[:blank:]]*}
    if [ -x "$bin/k3s" ] && [ "$(sha_of "$bin/k3s")" = "$expected" ]; then
        info 'Skipping binary downloaded, installed k3s matches hash'
        return
    fi
    info "Downloading binary $release/k3s$suffix"
    fetch "$folder/k3s" "$release/k3s$suffix"
    info 'Verifying binary download'
    [ "$(sha_of "$folder/k3s")" = "$expected" ] || fatal "Download sha256 does not match $expected, got $(sha_of "$folder/k3s")"
    chmod 755 "$folder/k3s"
    info "Installing k3s to $bin/k3s"
    $sudo chown root:root "$folder/k3s"
    $sudo mv -f "$folder/k3s" "$bin/k3s"
}

make_links() {
    [ "${INSTALL_K3S_SYMLINK:-}" != skip ] || return 0
    for link in kubectl crictl ctr; do
        if [ -e "$bin/$link" ] && [ "${INSTALL_K3S_SYMLINK:-}" != force ]; then
            info "Skipping $bin/$link symlink to k3s, already exists"
            continue
        fi
        other=$(command -v "$link" 2>/dev/null || true)
        if [ -n "$other" ] && [ "${INSTALL_K3S_SYMLINK:-}" != force ]; then
            info "Skipping $bin/$link symlink to k3s, command exists in PATH at $other"
            continue
        fi
        info "Creating $bin/$link symlink to k3s"
        $sudo ln -sf k3s "$bin/$link"
    done
}

make_killall() {
    info "Creating killall script $killall"
    $sudo tee "$killall" >/dev/null <<'EOS'
#!/bin/sh
# Stops every k3s unit of this host, and takes away the pods' network. The stand-in has no containers
# or mounts to clear.
[ "$(id -u)" -eq 0 ] || exec sudo "$0" "$@"
for unit in /etc/systemd/system/k3s*.service; do
    [ -f "$unit" ] && systemctl stop "$(basename "$unit")"
done
ip link delete flannel.1 2>/dev/null
rm -rf /run/k3s
exit 0
EOS
    $sudo chmod 755 "$killall"
    $sudo chown root:root "$killall"
}

make_uninstall() {
    info "Creating uninstall script $uninstall"
    $sudo tee "$uninstall" >/dev/null <<EOS
#!/bin/sh
# Takes the stand-in for K3s off this host. What is in the datastore stays there.
[ "\$(id -u)" -eq 0 ] || exec sudo "\$0" "\$@"
$killall
systemctl disable $name
systemctl reset-failed $name
systemctl daemon-reload
rm -f $unit $env_file
trap 'rm -f $uninstall' EXIT
if ls $units/k3s*.service >/dev/null 2>&1; then
    echo 'Additional k3s services installed, skipping uninstall of k3s'
    exit 0
fi
for link in kubectl crictl ctr; do
    [ "\$(readlink $bin/\$link)" = k3s ] && rm -f $bin/\$link
done
rm -rf /etc/rancher/k3s /run/k3s /run/flannel /var/lib/rancher/k3s /var/lib/kubelet
rm -f $bin/k3s $killall
exit 0
EOS
    $sudo chmod 755 "$uninstall"
    $sudo chown root:root "$uninstall"
}

hashes() {
    $sudo sha256sum "$bin/k3s" "$unit" "$env_file" 2>&1 || true
}

make_env_file() {
    info "env: Creating environment file $env_file"
    $sudo touch "$env_file"
    $sudo chmod 0600 "$env_file"
    {
        sh -c export | sed 's/^export //' | grep -E '^(K3S|CONTAINERD|KINE)_' || true
        sh -c export | sed 's/^export //' | grep -Ei '^(NO|HTTP|HTTPS)_PROXY' || true
    } | $sudo tee "$env_file" >/dev/null
}

make_unit() {
    info "systemd: Creating service file $unit"
    $sudo tee "$unit" >/dev/null <<EOS
[Unit]
Description=Lightweight Kubernetes (the stand-in of the test lab)
Documentation=https://k3s.io
Wants=network-online.target
After=network-online.target

[Install]
WantedBy=multi-user.target

[Service]
Type=${INSTALL_K3S_TYPE:-notify}
EnvironmentFile=-/etc/default/%N
EnvironmentFile=-/etc/sysconfig/%N
EnvironmentFile=-$env_file
KillMode=process
Delegate=yes
User=root
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
TimeoutStartSec=0
Restart=always
RestartSec=5s
ExecStartPre=-/sbin/modprobe br_netfilter
ExecStartPre=-/sbin/modprobe overlay
ExecStart=$bin/k3s \\
    $exec_lines

EOS
}

enable_and_start() {
    [ "${INSTALL_K3S_SKIP_ENABLE:-}" != true ] || return 0
    info "systemd: Enabling $name unit"
    $sudo systemctl enable "$unit" >/dev/null
    $sudo systemctl daemon-reload >/dev/null
    [ "${INSTALL_K3S_SKIP_START:-}" != true ] || return 0
    if [ "$before" = "$(hashes)" ] && [ "${INSTALL_K3S_FORCE_RESTART:-}" != true ]; then
        info 'No change detected so skipping service start'
        return 0
    fi
    info "systemd: Starting $name"
    $sudo systemctl restart "$name"
}

main() {
    info 'This is the stand-in of the test lab, not K3s'
    [ -d /run/systemd/system ] || fatal 'Can not find systemd or openrc to use as a process supervisor for k3s'
    decide_command "$@"
    decide_names
    decide_architecture
    before=$(hashes)
    download
    info 'Skipping installation of SELinux RPM'
    make_links
    make_killall
    make_uninstall
    $sudo systemctl disable "$name" >/dev/null 2>&1 || true
    $sudo rm -f "$unit" "$env_file"
    make_env_file
    make_unit
    enable_and_start
}

# INSTALL_K3S_EXEC is a list of words, quoted as a shell quotes.
eval "set -- ${INSTALL_K3S_EXEC:-} \"\$@\""
main "$@"
