# shellcheck shell=bash
# How each host lets one in: every host another way, and no other way than its own.

# HOST: the user; with what they get in (key, locked: a key with a passphrase, agent: a key that only
# the ssh-agent offers, password); and what sudo asks them for.
access() {
    case $1 in
        k3s-postgres*) echo sles key nothing ;;
        k3s-server-1) echo sles key password ;;
        k3s-server-2) echo root locked nothing ;;
        k3s-nginx*) echo sles password password ;;
        k3s-agent*) echo sles agent nothing ;;
    esac
}

agent_socket=$state/agent.sock

# The file with the password of a host's user.
password_file() {
    case $(access "$1") in
        *' password password') echo "$state/password" ;;
        *) echo "$state/sudo_password" ;;
    esac
}

# Runs a command that gets a file's secret when it asks: no argument list ever holds one.
with_secret() {
    local file=$1
    shift
    LAB_SECRET=$file SSH_ASKPASS=$here/lib/askpass SSH_ASKPASS_REQUIRE=force "$@"
}

make_secret() {
    [ ! -e "$state/$1" ] || return 0
    (umask 077 && head -c 18 /dev/urandom | base64 >"$state/$1.new")
    mv "$state/$1.new" "$state/$1"
}

# make_key FILE MORE...: the public half comes last, so it tells whether both are there.
make_key() {
    local file=$1
    shift
    [ ! -e "$file.pub" ] || return 0
    rm -f "$file"
    ssh-keygen -q -f "$file" "$@" </dev/null >/dev/null
}

# Keys and secrets outlive the hosts: what trusted a host yesterday trusts it today.
make_keys() {
    local host kind
    make_secret sudo_password
    make_secret password
    make_secret passphrase
    make_key "$state/id_ed25519" -t ed25519 -N '' -C k3s-ha-wizard-lab
    make_key "$state/agent_key" -t ed25519 -N '' -C k3s-ha-wizard-lab-agent
    with_secret "$state/passphrase" make_key "$state/id_locked" -t ed25519 -C k3s-ha-wizard-lab-locked
    for host in $(hosts); do
        mkdir -p "$state/host-keys/$host"
        for kind in rsa ecdsa ed25519; do
            make_key "$state/host-keys/$host/ssh_host_${kind}_key" -t "$kind" -N '' -C "$host"
        done
    done
    for host in $(hosts); do known "$host"; done >"$state/known_hosts.new"
    mv "$state/known_hosts.new" "$state/known_hosts"
}

# A host's lines of known_hosts. Those of k3s-nginx do not show whose they are, as many a
# distribution has it (HashKnownHosts).
known() {
    local file=$state/known_hosts.one
    cat "$state/host-keys/$1"/*.pub | sed "s/^/$(address "$1") /" >"$file"
    [ "$1" != k3s-nginx ] || ssh-keygen -q -H -f "$file" >/dev/null 2>&1
    cat "$file"
    rm -f "$file" "$file.old"
}

# What lets its user into a host, on its disk.
let_in() {
    local host=$1 root=$2 user in sudo
    read -r user in sudo < <(access "$host")
    local home=/root
    if [ "$user" != root ]; then
        home=/home/$user
        chroot "$root" useradd --create-home --shell /bin/bash "$user"
        local rule='NOPASSWD: ALL'
        [ "$sudo" != password ] || rule=ALL
        echo "$user ALL=(ALL:ALL) $rule" >"$root/etc/sudoers.d/$user"
        chmod 440 "$root/etc/sudoers.d/$user"
    fi
    if [ "$sudo" = password ]; then
        printf '%s:%s\n' "$user" "$(cat "$(password_file "$host")")" | chroot "$root" chpasswd
    fi
    local keys=yes passwords=no public=''
    case $in in
        key) public=id_ed25519.pub ;;
        locked) public=id_locked.pub ;;
        agent) public=agent_key.pub ;;
        password) keys=no passwords=yes ;;
    esac
    cat >"$root/etc/ssh/sshd_config.d/lab.conf" <<SSHD
AllowUsers $user
PubkeyAuthentication $keys
PasswordAuthentication $passwords
KbdInteractiveAuthentication no
SSHD
    [ -n "$public" ] || return 0
    install -d -m 700 "$root$home/.ssh"
    install -m 600 "$state/$public" "$root$home/.ssh/authorized_keys"
    chroot "$root" chown -R "$user:" "$home/.ssh"
}

# Logs in to a host as the wizard does.
ssh_host() {
    must_know "${1-}"
    local host=$1 user in sudo
    shift
    read -r user in sudo < <(access "$host")
    local -a how=(-o IdentityAgent=none)
    local secret=/dev/null
    case $in in
        key) how+=(-i "$state/id_ed25519" -o IdentitiesOnly=yes) ;;
        locked)
            how+=(-i "$state/id_locked" -o IdentitiesOnly=yes)
            secret=$state/passphrase ;;
        agent) how=(-o IdentityAgent="$agent_socket" -o IdentityFile=none) ;;
        password)
            how+=(-o PubkeyAuthentication=no -o NumberOfPasswordPrompts=1)
            secret=$state/password ;;
    esac
    with_secret "$secret" ssh -F /dev/null "${how[@]}" -o UserKnownHostsFile="$state/known_hosts" \
        -o GlobalKnownHostsFile=/dev/null -o StrictHostKeyChecking=yes -o ConnectTimeout=5 \
        -o LogLevel=ERROR "$user@$(address "$host")" "$@" 9>&-
}

# Found by its whole command line, which names our folder: also one whose lab was killed.
agent_pid() { pgrep -fx "ssh-agent -D -a $agent_socket" || true; }

# The lab's ssh-agent, with the key for the hosts that want one of it.
agent_up() {
    local tries
    if [ -z "$(agent_pid)" ] || [ ! -S "$agent_socket" ]; then
        # A socket that a killed one has left would keep the next one from its place.
        agent_down
        setsid ssh-agent -D -a "$agent_socket" </dev/null >/dev/null 2>&1 9>&- &
    fi
    for ((tries = 0; tries < 100; tries++)); do
        ! SSH_AUTH_SOCK=$agent_socket ssh-add -q "$state/agent_key" 2>/dev/null || return 0
        sleep 0.05
    done
    die "the lab's ssh-agent takes no key; see: SSH_AUTH_SOCK=$agent_socket ssh-add -l"
}

agent_down() {
    local pid
    for pid in $(agent_pid); do
        kill "$pid" 2>/dev/null || true
        tail -s 0.05 --pid="$pid" -f /dev/null
    done
    rm -f "$agent_socket"
}

agent_state() {
    if [ -n "$(agent_pid)" ]; then
        echo "ssh-agent: SSH_AUTH_SOCK=$agent_socket"
    else
        echo 'no ssh-agent'
    fi
}
