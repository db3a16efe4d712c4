#!/bin/sh
# Installs the senders that the test drives: from Debian with root, from PyPI and by Go into one directory.
# Telegraf is the one of ../clients/install.sh --telegraf.
set -eu
cd "$(dirname "$0")"
dir=${ZETA_CLIENTS:-$HOME/.cache/zeta-clients}
mkdir -p "$dir"

packages="prometheus prometheus-alertmanager prometheus-node-exporter monitoring-plugins-basic nats-server syslog-ng-core collectd-core netcat-openbsd bsdutils"
missing=""
for p in $packages; do
  dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $p"
done
if [ -n "$missing" ]; then
  echo "installing:$missing"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

if [ ! -e "$dir/senders/installed" ]; then
  python3 -m venv "$dir/senders"
  "$dir/senders/bin/pip" install --quiet --disable-pip-version-check opentelemetry-sdk==1.45.2 \
    opentelemetry-exporter-otlp-proto-http==1.45.2 opentelemetry-exporter-otlp-proto-grpc==1.45.2 \
    datadog==0.56.0 statsd==4.0.1 nats-py==2.16.0
  touch "$dir/senders/installed"
fi

GOFLAGS=-mod=readonly go build -C remotewrite -o "$dir/remotewrite" .
