# Puts an uploaded file in its place, if it is what was sent.
# inputs: TEMPORARY FILE SHA256 OWNER MODE
end() {
    sum=$(sha256sum <"$TEMPORARY") || return
    if [ "${sum%% *}" != "$SHA256" ]; then
        echo "it came with the SHA-256 ${sum%% *} instead of $SHA256" >&2
        return 1
    fi
    chown "$OWNER" "$TEMPORARY" && chmod "$MODE" "$TEMPORARY" && mv -f "$TEMPORARY" "$FILE"
}
end || {
    status=$?
    rm -f "$TEMPORARY"
    exit "$status"
}
