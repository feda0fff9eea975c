# Makes the temporary file of an upload, beside where it goes.
# inputs: FILE
set -eu
if [ -d "$FILE" ]; then
    echo "$FILE is a folder" >&2
    exit 1
fi
mktemp "${FILE%/*}/.k3s-ha-wizard.XXXXXXXX"
