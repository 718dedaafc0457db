# shellcheck shell=bash
# Where this machine's own apt takes Debian 12 from. No script names a mirror.

debian_mirror() {
  # shellcheck disable=SC2016 # apt fills that in
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Codename: bookworm' 'Component: main' |
    head -n 1
}
