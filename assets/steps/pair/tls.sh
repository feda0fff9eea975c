# shellcheck shell=sh
# A member of the pair, or its monitor, has its certificates: under the same paths everywhere, and
# outside of the data, which is copied from one member to the other. Plain files: pg_autoctl resolves
# links, and would remember a set that is replaced later.
# inputs: TLS_DIRECTORY CA_PEM CERT_PEM KEEPER_CERT_PEM REPLICATION_CERT_PEM (empty for the monitor)
# secret: KEY_PEM KEEPER_KEY_PEM REPLICATION_KEY_PEM

files() {
    directory "$TLS_DIRECTORY" 0755 root:root
    file "$TLS_DIRECTORY/ca.crt" 0644 root:root "$CA_PEM"
    pair_of server "$CERT_PEM" "$KEY_PEM"
    [ -n "$KEEPER_CERT_PEM" ] || return 0
    pair_of keeper "$KEEPER_CERT_PEM" "$KEEPER_KEY_PEM"
    pair_of replication "$REPLICATION_CERT_PEM" "$REPLICATION_KEY_PEM"
}

# pair_of NAME CERT KEY
pair_of() {
    file "$TLS_DIRECTORY/$1.crt" 0644 root:root "$2"
    file "$TLS_DIRECTORY/$1.key" 0640 root:postgres "$3"
}
