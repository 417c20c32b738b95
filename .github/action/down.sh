#!/bin/sh
# The last lines of the stack's log, which are of use where a step has failed; then nothing is left of it.
set -eu
cd "$(dirname "$0")/../.."
[ -x .venv/bin/python ] || exit 0 # there never was one
echo "::group::The stack's log"
.venv/bin/python -m preflight logs --tail 100 || true
echo "::endgroup::"
.venv/bin/python -m preflight down --forget
