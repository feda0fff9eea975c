# shellcheck shell=sh
# K3s has its configuration, its registries, and the proxy in the environment of its service.
# inputs: CONFIG_FILE REGISTRIES_FILE ENVIRONMENT_FILE REGISTRY_FILES (what the registries name)
# secret: CONFIG REGISTRIES ENVIRONMENT (the last two are empty where there are none)

refuses() {
    # Settings in further files would win over ours (docs/facts.md, "Settings").
    for further in /etc/rancher/k3s/config.yaml.d/*.yaml /etc/rancher/k3s/config.yaml.d/*.yml; do
        [ ! -e "$further" ] || {
            say "$further is there: K3s reads it after $CONFIG_FILE, and the servers would no" \
                'longer be alike. Move its settings into the answers'
            return 3
        }
    done
    for named in $REGISTRY_FILES; do
        [ -s "$named" ] || {
            say "$named does not exist, which registries.configs names: K3s would pull no image from" \
                'that registry. Put it there'
            return 3
        }
    done
}

files() {
    file "$CONFIG_FILE" 0600 root:root "$CONFIG"
    [ -z "$REGISTRIES" ] || file "$REGISTRIES_FILE" 0600 root:root "$REGISTRIES"
    [ -z "$ENVIRONMENT" ] || file "$ENVIRONMENT_FILE" 0600 root:root "$ENVIRONMENT"
}

# is_needed FILE CONTENT: it has something to say, or the wizard did not write it.
is_needed() {
    [ -n "$2" ] || [ ! -e "$1" ] || ! is_as_written "$1" "$1" || { say "$1 is no longer needed"; return 1; }
}

satisfied() {
    files_are && is_needed "$REGISTRIES_FILE" "$REGISTRIES" && is_needed "$ENVIRONMENT_FILE" "$ENVIRONMENT"
}

apply() {
    put_files
    is_needed "$REGISTRIES_FILE" "$REGISTRIES" >/dev/null || remove_file "$REGISTRIES_FILE"
    is_needed "$ENVIRONMENT_FILE" "$ENVIRONMENT" >/dev/null || remove_file "$ENVIRONMENT_FILE"
}
