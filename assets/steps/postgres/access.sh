# shellcheck shell=sh
# Only the servers, each from its own address with a client certificate, reach the K3s database.
# inputs: DB_PORT HBA_BEGIN HBA_END HBA_RULES

# Ours come first, because the first rule that fits decides.
satisfied() {
    sql_works || return 2
    hba=$(printf 'SHOW hba_file;\n' | sql) || return 2
    with_block "$hba" "$HBA_BEGIN" "$HBA_END" "$HBA_RULES" | cmp -s - "$hba" || { say "$hba does not have the rules on top"; return 1; }
    errors=$(printf 'SELECT count(*) FROM pg_hba_file_rules WHERE error IS NOT NULL;\n' | sql) ||
        return 2
    [ "$errors" = 0 ] || { say "$hba has lines that Postgres does not understand"; return 2; }
    conf_loaded_since "$(newest "$hba")" ||
        { say "Postgres has not read $hba as it is"; return 1; }
}

apply() {
    hba=$(printf 'SHOW hba_file;\n' | sql)
    broken='SELECT line_number, error FROM pg_hba_file_rules WHERE error IS NOT NULL;'
    before=$(printf '%s\n' "$broken" | sql)
    if [ -n "$before" ]; then
        say "$hba has errors already, and Postgres would not start with it: $before" >&2
        return 1
    fi
    old=$(mktemp)
    cp -p "$hba" "$old"
    put_block "$hba" "$HBA_BEGIN" "$HBA_END" "$HBA_RULES"
    after=$(printf '%s\n' "$broken" | sql)
    if [ -n "$after" ]; then
        cat "$old" >"$hba"
        say "Postgres does not understand the rules, so the old ones were put back: $after" >&2
        return 1
    fi
    rm -f "$old"
    reload_postgres
}
