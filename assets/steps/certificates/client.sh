# shellcheck shell=sh
# The server has what it needs to log in to the datastore: the CA of Postgres, and a client certificate
# unless an external Postgres wants none.
# inputs: CA_PEM CERT_PEM (may be empty)   secret: KEY_PEM

DIRECTORY=/etc/rancher/k3s/datastore

files() {
    directory $DIRECTORY 0700 root:root
    set -- ca.crt 0600 root:root "$CA_PEM"
    [ -z "$CERT_PEM" ] ||
        set -- "$@" client.crt 0600 root:root "$CERT_PEM" client.key 0600 root:root "$KEY_PEM"
    file_set $DIRECTORY "$@"
}
