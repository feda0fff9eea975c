# shellcheck shell=sh
# K3s has its configuration.
# inputs: CONFIG_FILE   secret: CONFIG

refuses() {
    # Settings in further files would win over ours (docs/facts.md, "Settings").
    for further in /etc/rancher/k3s/config.yaml.d/*.yaml /etc/rancher/k3s/config.yaml.d/*.yml; do
        [ ! -e "$further" ] || {
            say "$further is there: K3s reads it after $CONFIG_FILE, and the servers would no" \
                'longer be alike. Move its settings into the answers'
            return 3
        }
    done
}

files() { file "$CONFIG_FILE" 0600 root:root "$CONFIG"; }
