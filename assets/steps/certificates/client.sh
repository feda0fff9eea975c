# shellcheck shell=sh
# The server has its own client certificate for the datastore.
# inputs: CA_PEM CERT_PEM   secret: KEY_PEM

DIRECTORY=/etc/rancher/k3s/datastore

satisfied() {
    directory_is $DIRECTORY 0700 root:root &&
        file_is $DIRECTORY/ca.crt 0600 root:root "$CA_PEM" &&
        file_is $DIRECTORY/client.crt 0600 root:root "$CERT_PEM" &&
        file_is $DIRECTORY/client.key 0600 root:root "$KEY_PEM"
}

apply() {
    put_directory $DIRECTORY 0700 root:root
    put_file $DIRECTORY/ca.crt 0600 root:root "$CA_PEM"
    put_file $DIRECTORY/client.key 0600 root:root "$KEY_PEM"
    put_file $DIRECTORY/client.crt 0600 root:root "$CERT_PEM"
}
