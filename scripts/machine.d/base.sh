# shellcheck shell=bash
# The file system that every machine copies. It is cached by the checksum of this file.

RECIPE=$(sha256sum "$HERE/base.sh" | cut -c1-12)
BASE=/var/cache/coe-machine/$RECIPE
# The init system, the services of the tests, and the libraries of Node.
CONTENT=systemd,systemd-sysv,dbus,etcd-server,libatomic1,libstdc++6,docker.io,nginx-light
# Units that no test needs. Without them a machine boots in a second.
NEEDLESS=(
  etcd.service etcd2.service getty.target console-getty.service systemd-logind.service systemd-pstore.service
  remote-fs.target apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer e2scrub_all.timer
  systemd-tmpfiles-clean.timer systemd-resolved.service systemd-networkd.service systemd-timesyncd.service
)

base_make() {
  mkdir -p "$(dirname "$BASE")"
  # A second install waits for the result of the first.
  exec 9>"$BASE.lock"
  flock 9
  if [ -e "$BASE" ]; then
    say "already installed"
    return
  fi
  local from proxy=''
  from=$(debian_mirror)
  if [ -z "$from" ]; then
    apt-get update -q -o APT::Update::Error-Mode=any >&2 || die "apt cannot reach its package source: is there a network?"
    from=$(debian_mirror)
  fi
  [ -n "$from" ] || die "this machine's apt knows no mirror of Debian 12"
  eval "$(apt-config shell proxy Acquire::http::Proxy)"
  [ -z "$proxy" ] || export http_proxy="${http_proxy:-$proxy}"
  say "making the file system"
  rm -rf --one-file-system "$BASE.new"
  mmdebstrap --quiet --mode=root --variant=essential --include="$CONTENT" \
    --aptopt='Acquire::Languages "none"' \
    --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    bookworm "$BASE.new" "$from" 9>&- >&2 || die "the file system could not be made"
  base_trim "$BASE.new"
  mv "$BASE.new" "$BASE"
  say "installed"
}

# base_trim ROOT: removes what delays the boot and the shutdown.
base_trim() {
  local root=$1 unit
  # The packages' units stay: a test replaces them by files of the same name in /etc.
  rm -f "$root/etc/systemd/system/"{multi-user.target.wants/{etcd,docker,containerd,nginx}.service,sockets.target.wants/docker.socket,etcd2.service}
  for unit in "${NEEDLESS[@]}"; do
    [ "${unit%%[2.]*}" = etcd ] || ln -sf /dev/null "$root/etc/systemd/system/$unit"
  done
  mkdir -p "$root/etc/systemd/system.conf.d" "$root/etc/systemd/journald.conf.d"
  printf '[Manager]\nDefaultTimeoutStopSec=5s\n' >"$root/etc/systemd/system.conf.d/machine.conf"
  printf '[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\nForwardToConsole=no\n' >"$root/etc/systemd/journald.conf.d/machine.conf"
  # The users and groups of a node. The package of etcd has made its own.
  chroot "$root" groupadd --system kube_etcd
  chroot "$root" useradd --system --groups kube_etcd --shell /usr/sbin/nologin kube
  chroot "$root" usermod --append --groups kube_etcd etcd
  # Both are wrapped, so that they also work from outside; machine_wrap writes the wrappers.
  mkdir "$root/usr/lib/machine"
  mv "$root/usr/bin/"{systemctl,journalctl} "$root/usr/lib/machine/"
}
