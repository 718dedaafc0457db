# shellcheck shell=bash
# Debian's packages that are installed: Go and what the build needs, the load balancer, and what Debian's other programs
# are linked with.

# shellcheck disable=SC2034 # for cloud.d/install.sh
PACKAGES=(
  golang-1.19-go golang-1.19-src golang-github-modern-go-reflect2-dev rsync jq make dpkg-dev debian-archive-keyring
  haproxy libseccomp2
)
# shellcheck disable=SC2034 # for what is shared with the cloud
UNITS=(haproxy.service rsync.service)

install_packages() {
  command -v apt-get dpkg-query >/dev/null || die "this is no Debian (no apt-get): the packages come from Debian 12"
  # The build also asks apt, whose lists may be empty.
  if installed && [ -n "$(debian_mirror)" ]; then return; fi
  # shellcheck source=/dev/null
  (. /etc/os-release && [ "$ID $VERSION_ID" = "debian 12" ]) || die "this is not Debian 12, whose packages these are"
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "packages are missing, and installing them takes root or sudo"
    sudo "$HERE/../kubernetes" packages
    return
  fi
  install_without_services >&2
}
