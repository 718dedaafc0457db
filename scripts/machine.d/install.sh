# shellcheck shell=bash
# Installs Debian's packages for the host without their system services.

# shellcheck disable=SC2034 # for cloud.d/install.sh
PACKAGES=(systemd systemd-container mmdebstrap)
# shellcheck disable=SC2034 # for the functions shared with the cloud
UNITS=(machines.target systemd-machined.service systemd-importd.service)

install_packages() {
  command -v apt-get dpkg-query >/dev/null || die "not a Debian (no apt-get): the packages come from Debian 12"
  installed && return
  # shellcheck source=/dev/null
  (. /etc/os-release && [ "$ID $VERSION_ID" = "debian 12" ]) || die "not Debian 12, from which the packages come"
  install_without_services
}
