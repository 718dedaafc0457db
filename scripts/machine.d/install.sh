# shellcheck shell=bash
# Debian's packages for the host, and none of the system services that come with them.

# shellcheck disable=SC2034 # for cloud.d/install.sh
PACKAGES=(systemd systemd-container mmdebstrap)
# shellcheck disable=SC2034 # for what is shared with the cloud
UNITS=(machines.target systemd-machined.service systemd-importd.service)

install_packages() {
  command -v apt-get dpkg-query >/dev/null || die "this is no Debian (no apt-get): the packages come from Debian 12"
  installed && return
  # shellcheck source=/dev/null
  (. /etc/os-release && [ "$ID $VERSION_ID" = "debian 12" ]) || die "this is not Debian 12, whose packages these are"
  install_without_services
}
