#!/bin/sh
# Installs the clients that the test drives: from Debian with root, from npm and PyPI into one directory, and
# with --telegraf a Telegraf of the few plugins needed, built by Go (minutes, a few hundred megabytes).
set -eu
dir=${ZETA_CLIENTS:-$HOME/.cache/zeta-clients}
mkdir -p "$dir"

packages="riemann-c-client ruby-riemann-client syslog-ng-core syslog-ng-mod-riemann collectd-core libriemann-client0 libriemann-client-dev libyajl2 gcc libc6-dev"
missing=""
for p in $packages; do
  dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $p"
done
if [ -n "$missing" ]; then
  echo "installing:$missing"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

if [ ! -d "$dir/node/node_modules/riemann" ] && command -v npm >/dev/null; then
  mkdir -p "$dir/node"
  npm install --silent --no-audit --no-fund --prefix "$dir/node" riemann@2.2.0
fi

# Each Python client wants another protobuf.
python() { # NAME REQUIREMENT…
  name=$1
  shift
  [ -e "$dir/$name/installed" ] && return
  python3 -m venv "$dir/$name"
  "$dir/$name/bin/pip" install --quiet --disable-pip-version-check "$@"
  touch "$dir/$name/installed"
}
if command -v python3 >/dev/null; then
  python riemann-client riemann-client==7.0.0
  python bernhard bernhard==0.2.6 protobuf==3.20.3
fi

plugins="custom,inputs.exec,outputs.riemann,outputs.influxdb,outputs.socket_writer,parsers.influx,serializers.influx"
if [ "${1:-}" = --telegraf ] && [ "$(cat "$dir/telegraf.plugins" 2>/dev/null)" != "$plugins" ]; then
  GOBIN=$dir go install -tags "$plugins" github.com/influxdata/telegraf/cmd/telegraf@v1.37.2
  echo "$plugins" >"$dir/telegraf.plugins"
fi
