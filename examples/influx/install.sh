#!/bin/sh
# Installs InfluxDB's two clients for Python, from PyPI, into the directory of the other clients.
set -eu
dir=${ZETA_CLIENTS:-$HOME/.cache/zeta-clients}/influx
[ -e "$dir/installed" ] && exit 0
python3 -m venv "$dir"
"$dir/bin/pip" install --quiet --disable-pip-version-check influxdb-client==1.49.0 influxdb==5.3.2
touch "$dir/installed"
