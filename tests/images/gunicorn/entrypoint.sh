#!/bin/sh
set -eu
case "$1" in
    train)
        echo "training with $(cat /opt/ml/input/config/hyperparameters.json)"
        wc -l < /opt/ml/input/data/train/train.csv > /opt/ml/model/lines
        ;;
    serve)
        exec gunicorn --bind 0.0.0.0:8080 --workers 2 application:application
        ;;
    *)
        echo "unknown command $1" >&2
        exit 64
        ;;
esac
