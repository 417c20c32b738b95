#!/bin/sh
# The stack is up, and the steps that follow have the variables of `preflight env`, and the command itself.
set -eu
cd "$(dirname "$0")/../.."
./setup.sh
.venv/bin/python -m preflight up
{
    echo "PREFLIGHT_PORT=$PREFLIGHT_PORT"
    .venv/bin/python -m preflight env --plain
} >>"$GITHUB_ENV"
mkdir -p build/bin # not .venv/bin: the job keeps the Python that it has
ln -sf "$PWD/.venv/bin/preflight" build/bin/preflight
echo "$PWD/build/bin" >>"$GITHUB_PATH"
