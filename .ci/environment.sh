#!/bin/sh
# Find Python 3.11 or newer and let it make the environment: environment.sh VENV [EXTRA ...]
# PYTHON, when set, is the only interpreter that is tried.
set -eu

candidates="python3 python3.14 python3.13 python3.12 python3.11 python"
maker="$(dirname "$0")/environment.py"

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

if [ -n "${PYTHON:-}" ]; then
    if new_enough "$PYTHON"; then exec "$PYTHON" "$maker" "$@"; fi
    echo "$PYTHON is not a Python 3.11 or newer." >&2
    exit 1
fi

for candidate in $candidates; do
    if new_enough "$candidate"; then exec "$candidate" "$maker" "$@"; fi
done

echo "lamina needs Python 3.11 or newer; tried $candidates." >&2
echo "Install one, or name it: make PYTHON=/path/to/python3.12 ..." >&2
exit 1
