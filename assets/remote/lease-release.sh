# Releases the lease of this host, if OWNER holds it. RUN cannot take it again: what a connection had
# sent when it was cut may come later than this.
# inputs: OWNER RUN
base=/run/k3s-ha-wizard
[ -d "$base" ] || mkdir -m 700 "$base" 2>/dev/null || [ -d "$base" ] || exit
exec 9>>"$base/lock"
flock -w 20 9 || exit
printf '%s\n' "$RUN" >>"$base/released"
[ -s "$base/lease" ] || exit 0
while IFS= read -r line; do
    [ "$line" != "owner=$OWNER" ] || ours=yes
done <"$base/lease"
[ "${ours-}" != yes ] || rm -f "$base/lease"
