#!/bin/sh
# `make demo`: what it was given is checked before anything slow begins; then .venv is made, and aws/demo.py does the rest.
# UNKNOWN holds the variables of the command line that make demo does not have.
set -eu
cd "$(dirname "$0")"

wrong() {
    echo "Error: $1" >&2
    exit 2
}

is_whole() { # is_whole TEXT: a number from 1
    case $1 in '' | 0* | *[!0-9]*) return 1 ;; esac
}

for name in ${UNKNOWN:-}; do
    wrong "make demo has no variable $name; it has DATA, CONFIG, ALGORITHM, FEATURES, ROWS and PORT."
done
[ -z "${DATA:-}" ] || [ -e "$DATA" ] || wrong "DATA=$DATA is not there."
[ -f "$CONFIG" ] || wrong "CONFIG=$CONFIG is not a file."
case $ALGORITHM in linear-learner | xgboost) ;; *) wrong "ALGORITHM=$ALGORITHM: it is linear-learner or xgboost." ;; esac
case $FEATURES in ordinal | engineered) ;; *) wrong "FEATURES=$FEATURES: it is ordinal or engineered." ;; esac
is_whole "$ROWS" || wrong "ROWS=$ROWS: it is a number of test rows to send, from 1."
{ is_whole "$PREFLIGHT_PORT" && [ "$PREFLIGHT_PORT" -le 65535 ]; } || wrong "PORT=$PREFLIGHT_PORT: it is a port, from 1 to 65535."

./setup.sh
exec .venv/bin/python aws/demo.py ${DATA:+"$DATA"} --config "$CONFIG" --algorithm "$ALGORITHM" --features "$FEATURES" --rows "$ROWS"
