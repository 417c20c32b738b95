#!/bin/sh
# Runs the tests named as arguments on every other Python that Preflight takes and that this machine has: each in
# .venv-matrix/VERSION. Those that it does not have are named. Needs .venv (`./setup.sh dev`).
set -eu
cd "$(dirname "$0")/.."

find_python() { # find_python VERSION
    for python in "python$1" "$HOME/.pyenv/versions/$1".*/bin/python; do
        if "$python" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" 2>/dev/null; then
            command -v "$python"
            return
        fi
    done
    .venv/bin/uv python find --quiet --no-project --no-python-downloads "$1" 2>/dev/null
}

done_on=$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
for version in 3.12 3.13 3.14; do
    [ "$version" != "$done_on" ] || continue
    if ! python=$(find_python "$version"); then
        echo "Python $version: skipped, there is none on this machine."
        continue
    fi
    echo "Python $version ($python): setting up .venv-matrix/$version ..."
    venv=.venv-matrix/$version
    .venv/bin/uv venv --quiet --clear --python "$python" "$venv"
    .venv/bin/uv pip install --quiet --python "$venv/bin/python" -r requirements/run.txt -r requirements/dev.txt \
        -r container/preflight_container/requirements.txt
    .venv/bin/uv pip install --quiet --python "$venv/bin/python" --no-deps --editable .
    "$venv/bin/python" -m preflight prepare
    "$venv/bin/python" -m pytest -q "$@"
done
