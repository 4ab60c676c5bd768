# Finds a Python to run the set-up with; read by the scripts in setup/, which name the command.
# A bare Debian has none.
set -eu
setup=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
usable='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))'
python() {
    for name in python3 python3.13 python3.12 python3.11 python3.10; do
        if "$name" -c "$usable" 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    false
}
if ! found=$(python); then
    install="apt-get install -y --no-install-recommends python3 python3-venv ca-certificates"
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "Python 3.10 or newer with venv is missing. Somebody with root can install it:" >&2
        echo "    sudo apt-get update && sudo $install" >&2
        exit 1
    fi
    echo "  · Python …"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive $install -qq >/dev/null
    found=$(python)
fi
PYTHONPATH="$setup" exec "$found" -m kit "$@"
