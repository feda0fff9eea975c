# shellcheck shell=sh
# Postgres uses TLS with the cluster's certificate, and trusts the CA of the client certificates.
# inputs: DB_PORT TLS_DIRECTORY PACKAGE_CERTIFICATE (in its path, if there is one) CA_PEM CERT_PEM
# inputs: CA_BEGIN CA_END EXISTING (refuse or share)   secret: KEY_PEM

OWN_CA=$TLS_DIRECTORY/ca.crt

look() {
    learn <<SQL
SELECT name || '=' || setting FROM pg_settings WHERE name IN ('ssl', 'ssl_cert_file',
    'ssl_key_file', 'ssl_ca_file', 'data_directory');
$ASK_LOADED;
SQL
}

# The file with the CAs that Postgres trusts. An existing one stays, and the wizard's CA is
# added: replacing it would lock other clients out.
authority() {
    case $(of ssl_ca_file) in
    '') printf %s "$OWN_CA" ;;
    /*) of ssl_ca_file ;;
    *) printf '%s/%s' "$(of data_directory)" "$(of ssl_ca_file)" ;;
    esac
}

files() {
    directory "$TLS_DIRECTORY" 0755 root:root
    # Postgres wants its key so: owned by root, readable for its group at most (docs/facts.md,
    # "Postgres certificates").
    file_set "$TLS_DIRECTORY" \
        ca.crt 0644 root:root "$CA_PEM" \
        server.crt 0644 root:root "$CERT_PEM" \
        server.key 0640 root:postgres "$KEY_PEM"
    authority=$(authority)
    [ "$authority" = "$OWN_CA" ] || block "$authority" "$CA_BEGIN" "$CA_END" "$CA_PEM"
}

# The certificate is the wizard's, or the package's.
is_expected() {
    [ "$certificate" != "$TLS_DIRECTORY/server.crt" ] || return 0
    [ -n "$PACKAGE_CERTIFICATE" ] || return 1
    case $certificate in *"$PACKAGE_CERTIFICATE"*) ;; *) return 1 ;; esac
}

refuses() {
    look || return 2
    certificate=$(of ssl_cert_file)
    if [ "$(of ssl)" != off ] && ! is_expected; then
        say "this Postgres uses a TLS certificate that is not the wizard's, $certificate." \
            'Use a separate Postgres for the cluster'
        return 3
    fi
    authority=$(authority)
    if [ "$authority" != "$OWN_CA" ] && [ "$EXISTING" != share ]; then
        say "this Postgres trusts client certificates of another CA, $authority." \
            "Use a separate Postgres for the cluster, or add the wizard's CA to it with" \
            'existing_postgres = "share" under [postgres] in the answers'
        return 3
    fi
}

satisfied() {
    files_are || return
    [ "$(of ssl)" = on ] || { say 'TLS is off'; return 1; }
    in_use="$certificate $(of ssl_key_file)"
    if [ "$in_use" != "$TLS_DIRECTORY/server.crt $TLS_DIRECTORY/server.key" ] ||
        [ -z "$(of ssl_ca_file)" ]; then
        say "Postgres does not use the cluster's certificate"
        return 1
    fi
    current=$TLS_DIRECTORY/.current
    loaded_after "$authority" "$current" "$current/server.crt" "$current/server.key" ||
        { say 'Postgres has not loaded the current certificates'; return 1; }
}

apply() {
    look
    put_files
    sql <<SQL
ALTER SYSTEM SET ssl_cert_file = '$TLS_DIRECTORY/server.crt';
ALTER SYSTEM SET ssl_key_file = '$TLS_DIRECTORY/server.key';
ALTER SYSTEM SET ssl = 'on';
SQL
    [ "$authority" != "$OWN_CA" ] ||
        printf "ALTER SYSTEM SET ssl_ca_file = '%s';\n" "$OWN_CA" | sql
    reload_postgres
}

remove() {
    look
    sql <<SQL
ALTER SYSTEM RESET ssl;
ALTER SYSTEM RESET ssl_cert_file;
ALTER SYSTEM RESET ssl_key_file;
SQL
    remove_files
    [ "$authority" != "$OWN_CA" ] || printf 'ALTER SYSTEM RESET ssl_ca_file;\n' | sql
    reload_postgres
}
