#!/bin/sh
# Installs the Debian packages that the test drives: collectd, its traffic generator, what its riemann, network and HTTP
# plugins load, and a C compiler for the preloaded fix. Needs root.
set -eu
packages="collectd-core collectd-utils libriemann-client0 libriemann-client-dev libyajl2 libcurl3-gnutls libgcrypt20 gcc libc6-dev"
missing=""
for p in $packages; do
  dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $p"
done
[ -z "$missing" ] && exit 0
echo "installing:$missing"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
