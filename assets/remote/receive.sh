# shellcheck shell=sh
# Appends standard input to a parcel. One that is complete becomes the files that it consists of.
# inputs: BUNDLE PARCEL OFFSET (what there is of it) TOTAL FILES (a line each: SHA256 SIZE NAME)
umask 077
mkdir -p "$BUNDLE/parts" "$BUNDLE/packages" "$BUNDLE/images"
part=$BUNDLE/parts/$PARCEL
[ "$OFFSET" -ne 0 ] || : >"$part"
# A connection that was lost may have left more than it said.
truncate -s "<$OFFSET" "$part" || exit
have=$(stat -c %s "$part")
if [ "$have" != "$OFFSET" ]; then
    printf '%s has %s bytes, not %s\n' "$part" "$have" "$OFFSET" >&2
    exit 1
fi
cat >>"$part" || exit
have=$(stat -c %s "$part")
[ "$have" -ge "$TOTAL" ] || exit 0

# Each gets its name when it is whole.
at=1
printf '%s' "$FILES" | while read -r sum size name; do
    new=$BUNDLE/parts/new~
    if [ "$size" = "$TOTAL" ]; then
        mv -f "$part" "$new"
    else
        tail -c "+$at" "$part" | head -c "$size" >"$new" || exit
    fi
    found=$(sha256sum <"$new" | cut -d' ' -f1)
    if [ "$found" != "$sum" ]; then
        rm -f "$part" "$new"
        printf '%s arrived with the SHA-256 %s, not %s\n' "$name" "$found" "$sum" >&2
        exit 9
    fi
    mv -f "$new" "$BUNDLE/$name"
    at=$((at + size))
done || exit
rm -f "$part"
