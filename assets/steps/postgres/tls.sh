# shellcheck shell=sh
# Postgres speaks TLS with the cluster's certificate, and knows the CA of the client certificates.
# inputs: DB_PORT TLS_DIRECTORY PACKAGE_CERTIFICATE (in its path) CA_PEM CERT_PEM CA_BEGIN CA_END
# inputs: EXISTING (refuse or share)   secret: KEY_PEM

OWN_CA=$TLS_DIRECTORY/ca.crt

look() {
    learn <<SQL
SELECT name || '=' || setting FROM pg_settings WHERE name IN ('ssl', 'ssl_cert_file',
    'ssl_key_file', 'ssl_ca_file', 'data_directory');
$ASK_LOADED;
SQL
}

# Where Postgres finds the CAs it trusts. What is somebody else's stays where it is, and gets ours
# added: put in its place, ours would lock its other clients out.
authority() {
    case $(of ssl_ca_file) in
    '') printf %s "$OWN_CA" ;;
    /*) of ssl_ca_file ;;
    *) printf '%s/%s' "$(of data_directory)" "$(of ssl_ca_file)" ;;
    esac
}

files() {
    directory_is "$TLS_DIRECTORY" 0755 root:root &&
        file_is "$OWN_CA" 0644 root:root "$CA_PEM" &&
        file_is "$TLS_DIRECTORY/server.crt" 0644 root:root "$CERT_PEM" &&
        # Postgres wants its key so: owned by root, readable for its group at most.
        file_is "$TLS_DIRECTORY/server.key" 0640 root:postgres "$KEY_PEM"
}

satisfied() {
    look || return 2
    certificate=$(of ssl_cert_file)
    authority=$(authority)
    case $(of ssl):$certificate in
    off:* | on:"$TLS_DIRECTORY"/server.crt | on:*"$PACKAGE_CERTIFICATE"*) ;;
    *)
        say "this Postgres speaks TLS with a certificate of somebody else's, $certificate." \
            'Give the cluster a Postgres of its own'
        return 3
        ;;
    esac
    if [ "$authority" != "$OWN_CA" ]; then
        [ "$EXISTING" = share ] || {
            say "this Postgres trusts client certificates of somebody else's CA, $authority." \
                'Give the cluster a Postgres of its own, or let our CA be added to it with' \
                'existing_postgres = "share" under [postgres] in the answers'
            return 3
        }
        block_is "$authority" "$CA_BEGIN" "$CA_END" "$CA_PEM" || return
    fi
    files || return 1
    [ "$(of ssl)" = on ] || { say 'TLS is off'; return 1; }
    in_use="$certificate $(of ssl_key_file)"
    if [ "$in_use" != "$TLS_DIRECTORY/server.crt $TLS_DIRECTORY/server.key" ] ||
        [ -z "$(of ssl_ca_file)" ]; then
        say "Postgres does not use the cluster's certificate"
        return 1
    fi
    loaded_after "$authority" "$TLS_DIRECTORY"/server.crt "$TLS_DIRECTORY"/server.key ||
        { say 'Postgres has not read the certificates that are there'; return 1; }
}

apply() {
    look
    authority=$(authority)
    put_directory "$TLS_DIRECTORY" 0755 root:root
    put_file "$OWN_CA" 0644 root:root "$CA_PEM"
    put_file "$TLS_DIRECTORY/server.key" 0640 root:postgres "$KEY_PEM"
    put_file "$TLS_DIRECTORY/server.crt" 0644 root:root "$CERT_PEM"
    sql <<SQL
ALTER SYSTEM SET ssl_cert_file = '$TLS_DIRECTORY/server.crt';
ALTER SYSTEM SET ssl_key_file = '$TLS_DIRECTORY/server.key';
ALTER SYSTEM SET ssl = 'on';
SQL
    if [ "$authority" = "$OWN_CA" ]; then
        printf "ALTER SYSTEM SET ssl_ca_file = '%s';\n" "$OWN_CA" | sql
    else
        put_block "$authority" "$CA_BEGIN" "$CA_END" "$CA_PEM"
    fi
    reload_postgres
}
