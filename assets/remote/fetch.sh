# shellcheck shell=sh
# Downloads a URL and prints it.
# inputs: URL
if command -v curl >/dev/null; then
    curl -fsSL --retry 3 --connect-timeout 15 --max-time 120 "$URL"
elif command -v wget >/dev/null; then
    wget -q -O - --tries=3 --timeout=30 "$URL"
else
    echo 'there is neither curl nor wget' >&2
    exit 127
fi
