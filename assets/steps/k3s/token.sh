# shellcheck shell=sh
# The agent has what it joins with: the agents' token, with the hash of the cluster's CA.
# secret: JOIN_TOKEN

files() { file /etc/rancher/k3s/agent-token 0600 root:root "$JOIN_TOKEN"; }
