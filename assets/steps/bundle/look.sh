# shellcheck shell=sh
# What a host needs of a bundle, and what it has of it already. Changes nothing.
# inputs: BUNDLE INDEX POSTGRES PACKAGES VERSION IMAGES IMAGES_SIZE IMAGES_SHA256 (empty if not needed)
# says: packages=here, packages=bundle or why they cannot be installed; untrusted=KEY, want=FILE,
#       part=BYTES FILE, have=SHA256 FILE

packages() {
    if packages_are_here >/dev/null; then
        echo packages=here
        return
    fi
    make_run
    folder=$(umask 077 && mktemp -d "$RUN/bundle.XXXXXX") || return
    printf '%s' "$INDEX" >"$folder/index"
    if needed=$(needed_files "$folder" 2>"$folder/why"); then
        echo packages=bundle
        say "$needed" | sed -n 's/^key=/untrusted=/p; t; s|^.|want=packages/&|p'
        [ -z "$needed" ] || echo want=packages/index
    else
        printf 'packages=%s\n' "$(tail -n 5 "$folder/why" | tr '\n' ' ')"
    fi
    rm -rf "$folder"
}

node() {
    [ -n "$VERSION" ] || return 0
    have=$(/usr/local/bin/k3s --version 2>/dev/null | awk 'NR == 1 { print $3 }')
    [ "$have" = "$VERSION" ] || echo want=k3s
    has_images "$IMAGES" "$IMAGES_SIZE" "$IMAGES_SHA256" >/dev/null || echo "want=images/$IMAGES"
}

sent() {
    [ -d "$BUNDLE" ] || return 0
    cd "$BUNDLE" || return
    for file in k3s images/* packages/*; do
        [ ! -f "$file" ] || printf 'have=%s %s\n' "$(digest <"$file")" "$file"
    done
    for file in parts/*; do
        [ ! -f "$file" ] || printf 'part=%s %s\n' "$(stat -c %s "$file")" "${file#parts/}"
    done
}

packages
node
sent
