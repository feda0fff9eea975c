# shellcheck shell=sh
# The server has its own client certificate for the datastore.
# inputs: CA_PEM CERT_PEM   secret: KEY_PEM

DIRECTORY=/etc/rancher/k3s/datastore

files() {
    directory $DIRECTORY 0700 root:root
    file_set $DIRECTORY \
        ca.crt 0600 root:root "$CA_PEM" \
        client.crt 0600 root:root "$CERT_PEM" \
        client.key 0600 root:root "$KEY_PEM"
}
