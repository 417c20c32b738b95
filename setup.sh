#!/bin/sh
# Makes .venv and puts everything Preflight needs in it: `./setup.sh`, or `./setup.sh dev` for the tests as well.
# Does nothing if that is done already. Needs Python 3.12 or newer, and a package index the first time.
set -eu
cd "$(dirname "$0")"

find_python() {
    for python in ${PYTHON:-} python3.13 python3.12 python3.14 python3 python; do
        if "$python" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info < (3, 15))' 2>/dev/null; then
            command -v "$python"
            return
        fi
    done
    return 1
}

install() {
    .venv/bin/uv pip install --quiet --python .venv/bin/python "$@" ||
        .venv/bin/python -m pip install --quiet --disable-pip-version-check "$@" # an index that only pip knows of
}

requirements="-r requirements/stack.txt -r requirements/container.txt"
[ "${1:-}" != dev ] || requirements="$requirements -r requirements/dev.txt"

wanted=$(cat setup.sh pyproject.toml requirements/*.txt | cksum)
stamp=".venv/.preflight-${1:-run}"
if .venv/bin/python -c '' 2>/dev/null && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted $PWD" ]; then
    exit 0
fi

if ! .venv/bin/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then
    if ! python=$(find_python); then
        echo "Preflight needs Python 3.12, 3.13 or 3.14: install one (https://www.python.org/downloads/), or name it with PYTHON=/path/to/python3." >&2
        exit 1
    fi
    if ! "$python" -m venv --clear .venv; then
        echo "$python cannot make a virtual environment: install its venv module (on Debian and Ubuntu: apt install python3-venv)." >&2
        exit 1
    fi
fi
echo "Setting up .venv with $(.venv/bin/python --version) (once; about half a minute) ..."
.venv/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
# shellcheck disable=SC2086 # a list of options
install $requirements
install --no-deps --editable .
[ "${1:-}" != dev ] || echo "$wanted $PWD" >.venv/.preflight-run
echo "$wanted $PWD" >"$stamp"
