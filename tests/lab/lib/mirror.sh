# shellcheck shell=bash
# Where the hosts get K3s from: a mirror on the bridge's address, in the layout of the official
# releases. A folder with `install.sh`, `k3s` and perhaps `overlay/` is all that it takes. Hosts with
# zypper or dnf have their packages from it, too.

mirror_address=$gateway:8080
www=$state/mirror
# Must be what the answers ask for; their default is the same.
k3s_version='v1.36.2+k3s1'
k3s_images=k3s-airgap-images-amd64.tar.zst
# Where the stand-in reads whether its kubectl uses as much processor time as the real one.
kubectl_costs=etc/k3s-stand-in/kubectl-costs

# The folder that `--k3s` means; nothing for those that need no mirror.
k3s_folder() {
    local choice
    choice=$(recall k3s stand-in)
    case $choice in
        real | none) ;;
        stand-in) echo "$state/stand-in" ;;
        *) echo "$choice" ;;
    esac
}

build_stand_in() {
    local source=$here/k3s-stand-in folder=$state/stand-in
    [ -f "$source/Cargo.toml" ] || die "there is no stand-in in $source; give a folder: --k3s DIR"
    cargo build --quiet --release -p k3s-stand-in --manifest-path "$repo/Cargo.toml" 9>&- ||
        die "the stand-in for k3s does not build"
    rm -rf "$folder"
    mkdir -p "$folder"
    cp "${CARGO_TARGET_DIR:-$repo/target}/release/k3s-stand-in" "$folder/k3s"
    cp "$source/install.sh" "$folder/install.sh"
    mkdir -p "$folder/overlay/etc/k3s-stand-in"
    recall kubectl-costs none >"$folder/overlay/$kubectl_costs"
}

# Hosts take it over when they start; those that run already are told.
tell_kubectl_costs() {
    local host costs
    [ "$(recall k3s)" = stand-in ] || return 0
    costs=$(recall kubectl-costs none)
    for host in $(hosts); do
        case $(role "$host") in
            server | agent) ;;
            *) continue ;;
        esac
        # A host that is told already may have a full disk.
        if [ "$(in_host "$host" cat "/$kubectl_costs" 2>/dev/null)" != "$costs" ]; then
            # shellcheck disable=SC2016 # the host's shell reads its own words
            in_host "$host" sh -c 'mkdir -p "${1%/*}" && echo "$2" >"$1"' - "/$kubectl_costs" "$costs"
        fi
    done
}

mirror_up() {
    local folder
    [ "$(recall k3s stand-in)" != stand-in ] || build_stand_in
    folder=$(k3s_folder)
    if [ -z "$folder" ] && ! has_rpm_hosts; then
        mirror_down
        return
    fi
    mkdir -p "$www/packages"
    local family
    for family in $(families_here); do
        ! has_rpm "$family" || ln -sfn "$(base_dir "$family")/packages" "$www/packages/$family"
    done
    [ -z "$folder" ] || publish_k3s "$folder"
    [ -n "$(mirror_pid)" ] && return
    setsid busybox httpd -f -p "$mirror_address" -h "$www" </dev/null >"$state/mirror.log" 2>&1 9>&- &
}

publish_k3s() {
    local folder=$1 releases file
    for file in k3s install.sh; do
        [ -f "$folder/$file" ] || die "--k3s: $folder has no file '$file'"
    done
    releases=$www/k3s/$k3s_version
    mkdir -p "$releases"
    # Renamed into place: a host that downloads at this moment gets the old or the new one, whole.
    install -m 644 "$folder/install.sh" "$www/install.sh.new"
    install -m 644 "$folder/k3s" "$releases/k3s.new"
    mv "$www/install.sh.new" "$www/install.sh"
    mv "$releases/k3s.new" "$releases/k3s"
    # The stand-in reads no images: any bytes will do.
    [ -e "$releases/$k3s_images" ] || {
        head -c 48M /dev/urandom >"$releases/$k3s_images.new"
        mv "$releases/$k3s_images.new" "$releases/$k3s_images"
    }
    (cd "$releases" && sha256sum k3s "$k3s_images" >sha256sum-amd64.txt)
}

# By its whole command line, which names our folder: also a mirror whose lab was killed is found.
mirror_pid() {
    pgrep -fx "busybox httpd -f -p $mirror_address -h $www" || true
}

mirror_down() {
    local pid
    for pid in $(mirror_pid); do
        kill "$pid" 2>/dev/null || true
        tail -s 0.05 --pid="$pid" -f /dev/null
    done
    rm -rf "${www:?}" "$state/stand-in" "$state/mirror.log"
}

mirror_state() {
    if [ -n "$(mirror_pid)" ] && [ -z "$(k3s_folder)" ]; then
        echo "k3s: $(recall k3s), packages from http://$mirror_address"
    elif [ -n "$(mirror_pid)" ]; then
        echo "k3s $k3s_version ($(recall k3s)) from http://$mirror_address"
    else
        echo "k3s: $(recall k3s stand-in), no mirror"
    fi
}
