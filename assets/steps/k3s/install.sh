# shellcheck shell=sh
# K3s is installed in one pinned version, by the official install script, and not yet started
# (docs/facts.md, "Install script").
# inputs: KIND SERVICE VERSION DROP_IN ARTIFACT_URL CHANNEL_URL INSTALLER_SHA256 INSTALLER
# from a bundle, inputs: BUNDLE IMAGES IMAGES_SIZE IMAGES_SHA256
# with a proxy, inputs: PROXY_HTTP PROXY_HTTPS PROXY_NOT_FOR

OURS=$KEEP/k3s-is-ours
UNIT=/etc/systemd/system/$SERVICE.service

of_version() { say "$1" | awk 'NR == 1 { print $3 }'; }
version_here() { of_version "$(/usr/local/bin/k3s --version 2>/dev/null)"; }

# Scripts before 2026-07-27 take SLES 16 for MicroOS, whose policy does not load there
# (docs/facts.md, "SELinux"): they name no `sles`.
takes_wrong_policy() {
    [ -e /sys/fs/selinux/enforce ] && grep -qs '^ID="*sles' /etc/os-release &&
        grep -qs '^VERSION_ID="*16' /etc/os-release && ! grep -q '= sles' "$1"
}

refuses() {
    if [ -e "$UNIT" ] && [ ! -e "$OURS" ]; then
        say "a K3s that this wizard did not install is here already ($UNIT)." \
            'Remove it with its own uninstall script, or use another host'
        return 3
    fi
    for other in k3s k3s-agent; do
        if [ "$other" != "$SERVICE" ] && [ -e "/etc/systemd/system/$other.service" ]; then
            say "this host already runs $other, and cannot be a $KIND as well." \
                'Remove it with its own uninstall script, or use another host'
            return 3
        fi
    done
    have=$(version_here)
    if [ -n "$have" ] && [ "$have" != "$VERSION" ] && [ "$(property "$SERVICE" ActiveState)" = active ]
    then
        say "K3s $have runs here, and the answers ask for $VERSION. That is an upgrade, which" \
            "install does not do: set k3s.version = \"$have\" in the answers"
        return 3
    fi
    if [ -d /var/lib/rancher/k3s/server/db/etcd/member/wal ]; then
        say 'the data of an embedded etcd is here, and K3s would use it instead of Postgres' \
            '(/var/lib/rancher/k3s/server/db/etcd). Move it away'
        return 3
    fi
}

files() { file "$UNIT.d/10-k3s-ha-wizard.conf" 0644 root:root "$DROP_IN"; }

satisfied() {
    [ -x /usr/local/bin/k3s ] || { say 'K3s is not installed'; return 1; }
    [ "$have" = "$VERSION" ] || { say "K3s is ${have:-of an unknown version}, not $VERSION"; return 1; }
    [ -z "${IMAGES-}" ] || has_images "$IMAGES" "$IMAGES_SIZE" "$IMAGES_SHA256" || return
    [ -e "$UNIT" ] || { say "there is no service $SERVICE"; return 1; }
    look_at "$SERVICE"
    [ "$(shown UnitFileState)" = enabled ] ||
        { say "$SERVICE is not enabled at boot"; return 1; }
    files_are || return
    [ "$(shown NeedDaemonReload)" = no ] || { say "systemd has not read the unit of $SERVICE"; return 1; }
}

# put_from_bundle: the program and its images. K3s loads those when it starts.
put_from_bundle() {
    if [ -e "$BUNDLE/k3s" ]; then
        install -m 0755 "$BUNDLE/k3s" /usr/local/bin/k3s.new
        # It may be for another architecture, or another version.
        if ! found=$(/usr/local/bin/k3s.new --version 2>&1) || [ "$(of_version "$found")" != "$VERSION" ]; then
            say "the program of the bundle is not K3s $VERSION for this host: $found" >&2
            rm -f /usr/local/bin/k3s.new
            return 1
        fi
        mv -f /usr/local/bin/k3s.new /usr/local/bin/k3s
        relabel /usr/local/bin/k3s
        say "the program is $VERSION"
    fi
    if [ -n "${IMAGES-}" ] && [ -e "$BUNDLE/images/$IMAGES" ]; then
        mkdir -p "$IMAGES_FOLDER"
        mv -f "$BUNDLE/images/$IMAGES" "$IMAGES_FOLDER/$IMAGES"
        printf '%s\n' "$IMAGES_SHA256" >"$KEEP/images-$IMAGES"
        relabel "$IMAGES_FOLDER"
        say "the images are $IMAGES_FOLDER/$IMAGES"
    fi
}

apply() {
    keep
    : >"$OURS"
    put_files
    [ -z "${BUNDLE-}" ] || put_from_bundle
    if [ -e "$UNIT" ]; then
        systemctl daemon-reload
        # Perhaps only the drop-in was missing.
        if answer >/dev/null; then return 0; fi
    fi
    make_run
    script=$RUN/install.sh
    trap 'rm -f "$script"' EXIT
    printf '%s' "$INSTALLER" >"$script"
    found=$(hash_of "$script")
    if [ "$found" != "$INSTALLER_SHA256" ]; then
        say "the install script arrived with the SHA-256 $found, not $INSTALLER_SHA256" >&2
        return 1
    fi
    if takes_wrong_policy "$script"; then
        say 'this install script of K3s is older than 2026-07-27, and on SLES 16 it installs the' \
            'SELinux policy of MicroOS, which does not load. Take a newer script (k3s.install_url,' \
            'k3s.install_sha256)' >&2
        return 1
    fi
    say "install script $INSTALLER_SHA256, $VERSION, $KIND"
    # Exported here, in the step's own shell: the script keeps in its unit only what it is told.
    export INSTALL_K3S_VERSION="$VERSION" INSTALL_K3S_SKIP_START=true
    [ -z "$ARTIFACT_URL" ] || export INSTALL_K3S_ARTIFACT_URL="$ARTIFACT_URL"
    [ -z "$CHANNEL_URL" ] || export INSTALL_K3S_CHANNEL_URL="$CHANNEL_URL"
    [ -z "${BUNDLE-}" ] || export INSTALL_K3S_SKIP_DOWNLOAD=true
    # The script replaces the environment of the service by its own, with the proxy in it.
    kept=$KEEP/service-environment
    rm -f "$kept"
    [ ! -e "$UNIT.env" ] || cp -p "$UNIT.env" "$kept"
    ( use_proxy; sh "$script" "$KIND" )
    [ ! -e "$kept" ] || mv -f "$kept" "$UNIT.env"
    systemctl daemon-reload
}
