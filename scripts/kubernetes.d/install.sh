# shellcheck shell=bash
# Debian's packages to be installed: Go and the build dependencies, the load balancer, and the libraries of Debian's
# other programs.

# shellcheck disable=SC2034 # for cloud.d/install.sh
PACKAGES=(
  golang-1.19-go golang-1.19-src golang-github-modern-go-reflect2-dev rsync jq make dpkg-dev debian-archive-keyring
  haproxy libseccomp2
)
# shellcheck disable=SC2034 # for the functions shared with the cloud
UNITS=(haproxy.service rsync.service)

install_packages() {
  command -v apt-get dpkg-query >/dev/null || die "not a Debian (no apt-get): the packages come from Debian 12"
  # The build also needs apt's package lists, which may be empty.
  if installed && [ -n "$(debian_mirror)" ]; then return; fi
  # shellcheck source=/dev/null
  (. /etc/os-release && [ "$ID $VERSION_ID" = "debian 12" ]) || die "not Debian 12, from which the packages come"
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "packages are missing, and installing them requires root or sudo"
    sudo "$HERE/../kubernetes" packages
    return
  fi
  install_without_services >&2
}
