# shellcheck shell=sh
# The agent has what it joins with: the agents' token, with the hash of the cluster's CA.
# secret: JOIN_TOKEN

FILE=/etc/rancher/k3s/agent-token

satisfied() { file_is $FILE 0600 root:root "$JOIN_TOKEN"; }

apply() {
    put_file $FILE 0600 root:root "$JOIN_TOKEN"
}
