#!/bin/sh
# Makes .venv with Preflight in it, as its users install it: `./setup.sh`, or `./setup.sh dev` with what the tests need.
# (What the stack runs on is not in there: `preflight up` makes an environment for it, in the user's cache.)
# `./setup.sh clients` makes .venv-clients/NAME of each requirements/clients-NAME.txt: AWS's clients as their users
# install them, each with its own botocore, for tests/clients.
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

tell_of_pythons() {
    echo "Preflight needs Python 3.12, 3.13 or 3.14. Found here:"
    found=
    for python in ${PYTHON:-} python3 python; do
        path=$(command -v "$python") || continue
        echo "  $path: $("$path" --version 2>&1 | head -n 1)"
        found=yes
    done
    [ -n "$found" ] || echo "  none"
    [ -z "${PYTHON:-}" ] || command -v "$PYTHON" >/dev/null || echo "  $PYTHON (as PYTHON says): not there"
    echo "Get one, then run this again:"
    echo "  uv python install 3.13 (https://docs.astral.sh/uv/), brew install python@3.13, apt install python3.13 python3.13-venv,"
    echo "  or https://www.python.org/downloads/; where it is not found by itself: PYTHON=/path/to/python3.13"
}

install() { # install PYTHON OPTION...
    target=$1
    shift
    .venv/bin/uv pip install --quiet --python "$target" "$@" ||
        .venv/bin/python -m pip --python "$target" install --quiet --disable-pip-version-check "$@" # an index that only pip knows of
}

tell_that_it_works() { # a line now and then until this script ends, however it ends
    (
        seconds=0
        while sleep 4 >/dev/null && kill -0 $$ 2>/dev/null; do
            seconds=$((seconds + 4))
            echo "Setting up: $seconds s ..."
        done
    ) &
    trap 'kill $teller 2>/dev/null || true' EXIT
    teller=$!
}

make_clients() {
    wanted=$(cat setup.sh requirements/clients-*.txt | cksum)
    stamp=.venv-clients/.preflight
    [ "$(cat "$stamp" 2>/dev/null)" != "$wanted $PWD" ] || return 0
    echo "Setting up AWS's clients for the tests in .venv-clients (once; about half a minute) ..."
    tell_that_it_works
    for list in requirements/clients-*.txt; do
        name=${list#requirements/clients-}
        venv=.venv-clients/${name%.txt}
        .venv/bin/python -m venv --clear --without-pip "$venv"
        install "$venv/bin/python" --no-deps -r "$list" # the lists are whole, less mlflow: see docs/clients.md
    done
    echo "$wanted $PWD" >"$stamp"
}

if [ "${1:-}" = clients ]; then
    ./setup.sh
    make_clients
    exit 0
fi

requirements="-r requirements/run.txt"
algorithms=container/preflight_container/requirements.txt # the tests run their programs, and import them
[ "${1:-}" != dev ] || requirements="$requirements -r requirements/dev.txt -r $algorithms"

wanted=$(cat setup.sh pyproject.toml requirements/*.txt $algorithms | cksum)
stamp=".venv/.preflight-${1:-run}"
if .venv/bin/python -c '' 2>/dev/null && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted $PWD" ]; then
    exit 0
fi

if ! .venv/bin/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then
    if ! python=$(find_python); then
        tell_of_pythons >&2
        exit 1
    fi
    echo "Setting up .venv with $("$python" --version) (once; about half a minute) ..."
    tell_that_it_works
    if ! "$python" -m venv --clear .venv; then
        echo "$python cannot make a virtual environment: install its venv module (on Debian and Ubuntu: apt install python3-venv)." >&2
        exit 1
    fi
else
    echo "Bringing .venv up to date ..."
    tell_that_it_works
fi
.venv/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
# shellcheck disable=SC2086 # a list of options
install .venv/bin/python $requirements
install .venv/bin/python --no-deps --editable .
[ "${1:-}" != dev ] || echo "$wanted $PWD" >.venv/.preflight-run
echo "$wanted $PWD" >"$stamp"
