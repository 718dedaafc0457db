# shellcheck shell=bash
# Installs Debian's packages without their system services.

PACKAGES=(
  keystone heat-api heat-api-cfn heat-engine magnum-api magnum-conductor
  zaqar-server redis-server python3-redis swift-proxy swift-account swift-container swift-object
  mariadb-server python3-pymysql rabbitmq-server uwsgi-core uwsgi-plugin-python3
  python3-openstackclient python3-heatclient python3-magnumclient python3-zaqarclient python3-swiftclient
)
UNITS=(
  keystone.service heat-api.service heat-api-cfn.service heat-engine.service magnum-api.service magnum-conductor.service
  zaqar-server.service redis-server.service swift-proxy.service swift-account{,-auditor,-reaper,-replicator}.service
  swift-container{,-auditor,-replicator,-sharder,-sync,-updater}.service
  swift-object{,-auditor,-reconstructor,-replicator,-updater,-expirer}.service rsync.service
  mariadb.service rabbitmq-server.service epmd.service epmd.socket
)
POLICY=/usr/sbin/policy-rc.d

installed() {
  local states
  states=$(dpkg-query -W -f '${db:Status-Status}\n' "${PACKAGES[@]}" 2>/dev/null) || return
  [ "$(sort -u <<<"$states")" = installed ]
}

install_packages() {
  command -v apt-get dpkg-query >/dev/null || die "not a Debian (no apt-get): the packages come from Debian 12"
  if installed; then
    say "every package is installed"
    return
  fi
  # shellcheck source=/dev/null
  (. /etc/os-release && [ "$ID $VERSION_ID" = "debian 12" ]) || die "not Debian 12, from which the packages come"
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "packages are missing, and installing them requires root or sudo"
    exec sudo "$HERE/../cloud" install
  fi
  install_without_services
  say "installed"
}

# Installs PACKAGES; their services neither start nor stay enabled.
install_without_services() {
  apt-get update -q -o APT::Update::Error-Mode=any || die "apt cannot reach its package source; check the network"
  local before
  before=$(unit_files)
  forbid_service_start
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${PACKAGES[@]}" || die "apt cannot install the packages"
  allow_service_start
  disable_new_units "$before"
}

# Maintainer scripts ask this program before they start a service; 101 means no.
forbid_service_start() {
  [ ! -e "$POLICY" ] || [ -e "$POLICY.before-cloud" ] || mv "$POLICY" "$POLICY.before-cloud"
  trap allow_service_start EXIT
  printf '#!/bin/sh\nexit 101\n' >"$POLICY"
  chmod 0755 "$POLICY"
}

allow_service_start() {
  rm -f "$POLICY"
  [ ! -e "$POLICY.before-cloud" ] || mv "$POLICY.before-cloud" "$POLICY"
  trap - EXIT
}

unit_files() {
  command -v systemctl >/dev/null || return 0
  # systemctl fails if it knows none of them, which means "none" here.
  { systemctl list-unit-files --no-legend --no-pager "${UNITS[@]}" 2>/dev/null || true; } | cut -d' ' -f1
}

# Disables only newly installed units, so that they do not start at the next boot either.
disable_new_units() {
  local unit
  while read -r unit; do
    grep -qxF "$unit" <<<"$1" || systemctl disable --quiet "$unit"
  done < <(unit_files)
}
