# shellcheck shell=bash
# Magnum 20 from Debian's next release, unpacked and put before Debian 12's on Python's path: its API, conductor,
# database schema, driver and templates.

MAGNUM_20=/var/cache/coe-cluster/magnum-20
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# magnum_fetch: downloads from the mirror in this machine's apt configuration, verified with Debian's keys. The
# machine's own package lists stay unchanged.
magnum_fetch() {
  local from work options
  [ ! -e "$MAGNUM_20" ] || return 0
  from=$(debian_mirror)
  [ -n "$from" ] || die "apt has no mirror of Debian 12; run: apt-get update"
  work=$MAGNUM_20.work
  rm -rf "$work"
  mkdir -p "$work/lists/partial"
  echo "deb [signed-by=$KEYRING] $from trixie main" >"$work/sources.list"
  options=(
    -q -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=-
    -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work" -o APT::Sandbox::User=root
  )
  say "fetching Debian 13's Magnum"
  apt-get "${options[@]}" -o APT::Update::Error-Mode=any update >&2 || die "apt cannot list the packages of Debian 13"
  (cd "$work" && apt-get "${options[@]}" download python3-magnum >&2) || die "apt cannot fetch Debian 13's python3-magnum"
  dpkg-deb --extract "$work"/python3-magnum_*.deb "$work/root"
  mv "$work/root/usr/lib/python3/dist-packages" "$MAGNUM_20"
  rm -rf "$work"
}

# magnum_path: prints the folder of the Python packages of the cluster's Magnum.
magnum_path() {
  case $MAGNUM in
    15) echo /usr/lib/python3/dist-packages ;;
    20)
      [ -e "$MAGNUM_20" ] || die "Magnum 20 is missing; run: scripts/cluster install --magnum 20"
      echo "$MAGNUM_20"
      ;;
    *) die "--magnum is 15 or 20, not $MAGNUM" ;;
  esac
}
