# shellcheck shell=bash
# Every host has a cgroup of its own in every hierarchy. Without, on a machine with cgroup v1, all
# hosts share the roots, and the kubelet of one removes the pods of the others.

# The roots of all hierarchies: one with cgroup v2, one a controller with v1.
hierarchies() { awk '$3 ~ /^cgroup/ { print $2 }' /proc/mounts; }

# Moves this shell into the cgroup, made where it is missing.
enter_cgroups() {
    local root file
    for root in $(hierarchies); do
        mkdir -p "$root/$1"
        # v1: a new cpuset has no processors, and takes nobody.
        for file in cpuset.cpus cpuset.mems; do
            if [ -e "$root/cgroup.clone_children" ] && [ -e "$root/$file" ]; then
                cat "$root/$file" >"$root/$1/$file"
            fi
        done
        # v2: the host's systemd can only hand on what it is given.
        if [ -e "$root/cgroup.subtree_control" ]; then
            tr ' ' '\n' <"$root/cgroup.controllers" | while read -r file; do
                echo "+$file" 2>/dev/null >"$root/cgroup.subtree_control" || true
            done
        fi
        echo $$ >"$root/$1/cgroup.procs"
    done
}

cgroup_names() {
    local root
    for root in $(hierarchies); do
        # Others' cgroups may end meanwhile.
        find "$root" -maxdepth 1 -type d -name 'lab-k3s-*' -printf '%f\n' 2>/dev/null || true
    done | sort -u
}

# Ends what is left in the cgroup, and removes it with all below it.
remove_cgroups() {
    local root pid tries
    for root in $(hierarchies); do
        [ -d "$root/$1" ] || continue
        for ((tries = 0; tries < 100; tries++)); do
            { find "$root/$1" -name cgroup.procs -exec cat {} + 2>/dev/null || true; } | while read -r pid; do
                kill -KILL "$pid" 2>/dev/null || true
            done
            find "$root/$1" -depth -type d -exec rmdir {} + 2>/dev/null || true
            [ -d "$root/$1" ] || break
            sleep 0.1
        done
    done
}
