#!/bin/sh
# Installs the Debian packages that the end-to-end test drives: collectd with its riemann plugin's
# libraries, stunnel, a C compiler for the preloaded fix, and Chromium. Needs root.
set -eu
packages="collectd-core libriemann-client0 libriemann-client-dev libyajl2 libcurl3-gnutls stunnel4 chromium gcc libc6-dev"
missing=""
for p in $packages; do
  dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $p"
done
[ -z "$missing" ] && exit 0
echo "installing:$missing"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
