# Takes the lease of this host, or prints its holder.
# inputs: OWNER RUN CLUSTER OPERATOR FROM SINCE, PATIENCE (seconds)
# says: `lease taken`, `lease held`, and about both: `lease was KEY=VALUE`, `lease unit NAME`; or
#   `lease released`
lease() {
    base=/run/k3s-ha-wizard
    [ -d "$base" ] || mkdir -m 700 "$base" 2>/dev/null || [ -d "$base" ] || return
    exec 9>>"$base/lock" && flock -w 10 9 || return
    # It was sent before its connection was cut, and comes later than the release.
    if grep -qsxF -e "$RUN" "$base/released"; then
        echo lease released
        return
    fi

    read -r boot </proc/sys/kernel/random/boot_id
    # Seconds since boot: setting the clock must not make a lease look old.
    read -r now _ </proc/uptime
    now=${now%%.*}

    units=
    for pid in "$base"/*/pid; do
        dir=${pid%/pid}
        if [ ! -s "$pid" ] || [ -s "$dir/status" ]; then continue; fi
        has_ended "${dir##*/}" || {
            echo "lease unit ${dir##*/}"
            units=yes
        }
    done

    was_owner='' was_boot='' was_seen=0
    if [ -s "$base/lease" ]; then
        while IFS= read -r line; do
            printf 'lease was %s\n' "$line"
            case $line in
            owner=*) was_owner=${line#*=} ;;
            boot=*) was_boot=${line#*=} ;;
            seen=*) was_seen=${line#*=} ;;
            esac
        done <"$base/lease"
        if [ "$was_owner" != "$OWNER" ] && [ "$was_boot" = "$boot" ] &&
            { [ -n "$units" ] || [ $((now - was_seen)) -lt "$PATIENCE" ]; }; then
            echo "lease idle $((now - was_seen))"
            echo lease held
            return
        fi
    fi
    printf '%s\n' "owner=$OWNER" "run=$RUN" "cluster=$CLUSTER" "operator=$OPERATOR" \
        "from=$FROM" "since=$SINCE" "boot=$boot" "seen=$now" >"$base/lease.new" &&
        mv "$base/lease.new" "$base/lease" && echo lease taken
}
(umask 077 && lease)
