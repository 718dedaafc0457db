# shellcheck shell=bash
# The mirror from which this machine's own apt gets Debian 12. No script names a mirror.

debian_mirror() {
  # shellcheck disable=SC2016 # expanded by apt
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Codename: bookworm' 'Component: main' |
    head -n 1
}
