# shellcheck shell=sh
# Only the servers, each from its own address with a client certificate, can reach the K3s database.
# inputs: DB_PORT HBA_BEGIN HBA_END HBA_RULES

# Ours come first, because the first rule that fits decides (docs/facts.md, "Access rules").
look() {
    learn <<SQL
SELECT 'file=' || current_setting('hba_file');
SELECT 'errors=' || string_agg(line_number || ': ' || error, '; ')
FROM pg_hba_file_rules WHERE error IS NOT NULL;
$ASK_LOADED;
SQL
    hba=$(of file)
}

files() {
    [ -n "${hba-}" ] || look || return 2
    block "$hba" "$HBA_BEGIN" "$HBA_END" "$HBA_RULES"
}

satisfied() {
    look || return 2
    files_are || return
    if [ -n "$(of errors)" ]; then
        say "$hba has lines that Postgres does not understand: $(of errors)"
        return 2
    fi
    loaded_after "$hba" || { say "Postgres has not loaded the current $hba"; return 1; }
}

apply() {
    look
    if [ -n "$(of errors)" ]; then
        say "$hba already has errors, and Postgres would not start with it: $(of errors)" >&2
        return 1
    fi
    old=$(holds "$hba" && echo .)
    put_files
    look
    if [ -n "$(of errors)" ]; then
        rewrite "$hba" "${old%.}"
        say "Postgres does not understand the rules, so the old ones were restored: $(of errors)" >&2
        return 1
    fi
    reload_postgres
}

remove() {
    look
    remove_files
    reload_postgres
}
