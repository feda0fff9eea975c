# shellcheck shell=sh
# Postgres speaks TLS with the cluster's certificate, and knows the CA of the client certificates.
# inputs: DB_PORT TLS_DIRECTORY CA_PEM CERT_PEM   secret: KEY_PEM

files() {
    directory_is "$TLS_DIRECTORY" 0755 root:root &&
        file_is "$TLS_DIRECTORY/ca.crt" 0644 root:root "$CA_PEM" &&
        file_is "$TLS_DIRECTORY/server.crt" 0644 root:root "$CERT_PEM" &&
        # Postgres wants its key so: owned by root, readable for its group at most.
        file_is "$TLS_DIRECTORY/server.key" 0640 root:postgres "$KEY_PEM"
}

satisfied() {
    learn <<SQL || return 2
SELECT name || '=' || setting FROM pg_settings
WHERE name IN ('ssl', 'ssl_cert_file', 'ssl_key_file', 'ssl_ca_file');
$ASK_LOADED;
SQL
    certificate=$(of ssl_cert_file)
    authority=$(of ssl_ca_file)
    case $(of ssl):$certificate in
    off:* | on:"$TLS_DIRECTORY"/server.crt | on:*snakeoil*) ;;
    *)
        say "this Postgres speaks TLS with a certificate of somebody else's, $certificate." \
            'Give the cluster a Postgres of its own'
        return 3
        ;;
    esac
    case $authority in
    '' | "$TLS_DIRECTORY/ca.crt") ;;
    *)
        say "this Postgres trusts client certificates of somebody else's CA, $authority." \
            'Give the cluster a Postgres of its own'
        return 3
        ;;
    esac
    files || return 1
    [ "$(of ssl)" = on ] || { say 'TLS is off'; return 1; }
    in_use="$certificate $(of ssl_key_file) $authority"
    [ "$in_use" = "$TLS_DIRECTORY/server.crt $TLS_DIRECTORY/server.key $TLS_DIRECTORY/ca.crt" ] ||
        { say "Postgres does not use the cluster's certificate"; return 1; }
    loaded_after "$TLS_DIRECTORY"/ca.crt "$TLS_DIRECTORY"/server.crt "$TLS_DIRECTORY"/server.key ||
        { say 'Postgres has not read the certificates that are there'; return 1; }
}

apply() {
    put_directory "$TLS_DIRECTORY" 0755 root:root
    put_file "$TLS_DIRECTORY/ca.crt" 0644 root:root "$CA_PEM"
    put_file "$TLS_DIRECTORY/server.key" 0640 root:postgres "$KEY_PEM"
    put_file "$TLS_DIRECTORY/server.crt" 0644 root:root "$CERT_PEM"
    sql <<SQL
ALTER SYSTEM SET ssl_cert_file = '$TLS_DIRECTORY/server.crt';
ALTER SYSTEM SET ssl_key_file = '$TLS_DIRECTORY/server.key';
ALTER SYSTEM SET ssl_ca_file = '$TLS_DIRECTORY/ca.crt';
ALTER SYSTEM SET ssl = 'on';
SQL
    reload_postgres
}
