# shellcheck shell=bash
# The file system that every node copies, and the files that nodes download. It is cached by the checksum of the recipe and
# of the programs of Kubernetes. A complete folder is moved into place at the end.
#   root/ (a node before its first boot, with its images)  files/cri.tar.gz (the container runtime, for install-cri)

# The tags in the cluster's labels.
KUBE_TAG=v1.20.2
ETCD_TAG=v3.4.23
AGENT_TAG=debian
# Like a Fedora CoreOS host: systemd, sshd and podman, but no Python and no kubectl.
NODE_CONTENT=systemd,systemd-sysv,dbus,openssh-server,openssh-client,curl,openssl,ca-certificates,podman,crun,conmon,iproute2,iptables,procps,kmod,hostname,conntrack,socat,ethtool,mount,util-linux,gzip,tar,libatomic1,libstdc++6,libseccomp2
# One image replaces those of hyperkube, etcd and heat-container-agent.
IMAGE_CONTENT=iptables,ipset,conntrack,mount,kmod,ethtool,socat,iproute2,ca-certificates,e2fsprogs,python3,curl,openssl,openssh-client,procps,hostname
NEEDLESS=(
  getty.target console-getty.service systemd-logind.service systemd-pstore.service remote-fs.target apt-daily.timer
  apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer e2scrub_all.timer systemd-tmpfiles-clean.timer
  systemd-resolved.service systemd-networkd.service systemd-timesyncd.service podman.service podman.socket
  podman-auto-update.timer podman-restart.service podman-auto-update.service
)

# golden_where: prints the folder of this recipe; fails if the programs of Kubernetes are missing.
golden_where() {
  local kubernetes
  kubernetes=$("$HERE/../kubernetes" where) || return
  echo "/var/cache/coe-cluster/$( (cd "$HERE" && find golden.sh node cri heat-container-agent -type f | LC_ALL=C sort | xargs sha256sum && echo "$kubernetes") | sha256sum | cut -c1-12)"
}

golden_make() {
  local golden kubernetes work
  golden=$(golden_where)
  kubernetes=$("$HERE/../kubernetes" where)
  mkdir -p "$(dirname "$golden")"
  exec 9>"$golden.lock"
  flock 9
  if [ ! -e "$golden" ]; then
    work=$golden.work
    rm -rf --one-file-system "$work"
    mkdir -p "$work/out/files"
    golden_runtime "$kubernetes" "$work"
    golden_image "$kubernetes" "$work"
    golden_root "$work"
    mv "$work/out" "$golden"
    rm -rf --one-file-system "$work"
  fi
  say "installed"
}

# debian CONTENT ROOT: a minimal Debian with these packages.
debian() {
  local from proxy=''
  from=$(debian_mirror)
  [ -n "$from" ] || die "this machine's apt knows no mirror of Debian 12 (apt-get update?)"
  eval "$(apt-config shell proxy Acquire::http::Proxy)"
  [ -z "$proxy" ] || export http_proxy="${http_proxy:-$proxy}"
  mmdebstrap --quiet --mode=root --variant=essential --include="$1" \
    --aptopt='Acquire::Languages "none"' \
    --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    bookworm "$2" "$from" 9>&- >&2 || die "the file system $2 could not be made"
}

# golden_runtime KUBERNETES WORK: packs containerd, runc, network plugins and images of pods like Magnum's tarball.
golden_runtime() {
  local tree=$2/cri
  say "making the container runtime's tarball"
  mkdir -p "$tree/usr/local/"{bin,lib,share}
  cp -r "$HERE/cri/." "$tree/"
  cp "$1/bin/"{containerd,containerd-shim-runc-v2,ctr,runc} "$tree/usr/local/bin/"
  cp -r "$1/cni" "$tree/usr/local/lib/cni"
  cp -r "$1/images" "$tree/usr/local/share/pod-images"
  tar -C "$tree" --owner=0 --group=0 -czf "$2/out/files/cri.tar.gz" .
  sha256sum "$2/out/files/cri.tar.gz" | cut -d' ' -f1 >"$2/out/files/cri.sha256"
}

# golden_image KUBERNETES WORK: makes WORK/image.tar, the image of all containers.
golden_image() {
  local root=$2/image program
  say "making the image of Kubernetes, etcd and the agent"
  debian "$IMAGE_CONTENT" "$root"
  for program in kubectl kubelet kube-apiserver kube-controller-manager kube-scheduler kube-proxy etcd etcdctl; do
    cp "$1/bin/$program" "$root/usr/local/bin/"
  done
  # The first argument of hyperkube is the name of the program to run.
  # shellcheck disable=SC2016
  printf '#!/bin/sh\nprogram=$1\nshift\nexec "/usr/local/bin/$program" "$@"\n' >"$root/hyperkube"
  chmod 0755 "$root/hyperkube"
  ln -s python3 "$root/usr/bin/python"
  ln -s ../local/bin/kubectl "$root/usr/bin/kubectl"
  mkdir "$root/usr/lib/heat-agent"
  cp "$HERE/heat-container-agent/count-lines" "$root/usr/lib/heat-agent/"
  cp "$HERE/heat-container-agent/"{os-collect-config,start-heat-container-agent} "$root/usr/bin/"
  rm -rf "$root/var/cache/apt" "$root/var/lib/apt/lists"
  tar -C "$root" --numeric-owner -cf "$2/image.tar" .
}

# golden_root WORK: makes WORK/out/root, with the image in podman's storage.
golden_root() {
  local root=$1/out/root unit
  say "making the nodes' file system"
  debian "$NODE_CONTENT" "$root"
  for unit in "${NEEDLESS[@]}"; do ln -sf /dev/null "$root/etc/systemd/system/$unit"; done
  cp -r "$HERE/node/." "$root/"
  systemctl --root="$root" --quiet enable host0 container-ground ssh
  # make-cert.sh adds the group of these users.
  chroot "$root" useradd --system --shell /usr/sbin/nologin etcd
  chroot "$root" useradd --system --shell /usr/sbin/nologin kube
  # The trust store of Fedora, and its command.
  mkdir -p "$root/etc/pki/tls/certs" "$root/etc/pki/ca-trust/"{source/anchors,extracted/pem}
  cp "$root/etc/ssl/certs/ca-certificates.crt" "$root/etc/pki/tls/certs/ca-bundle.crt"
  ln -s true "$root/usr/bin/update-ca-trust"
  # kubelet and kube-proxy mount this folder. The kernel has the modules that they need.
  mkdir -p "$root/usr/lib/modules"
  ln -sf /bin/true "$root/usr/sbin/modprobe"
  # Without a name server, a request to a registry fails at once. mmdebstrap copies the host's file.
  : >"$root/etc/resolv.conf"
  golden_import "$1"
}

# golden_import WORK: imports the image. podman needs a machine; a chroot is not enough.
golden_import() {
  local name image="docker.io/rancher/hyperkube:$KUBE_TAG" commands
  commands="podman import --quiet /image.tar $image"
  for name in "quay.io/coreos/etcd:$ETCD_TAG" "docker.io/openstackmagnum/heat-container-agent:$AGENT_TAG"; do
    commands+=" && podman tag $image $name"
  done
  systemd-nspawn --quiet --directory="$1/out/root" --machine=coe-golden --register=no --keep-unit --as-pid2 --pipe \
    --settings=no --resolv-conf=off --timezone=off --link-journal=no --bind-ro="$1/image.tar:/image.tar" \
    sh -c "$commands" </dev/null >&2 || die "podman could not import the image"
  rm -f "$1/out/root/image.tar"
  rmdir /run/systemd/nspawn/propagate/coe-golden 2>/dev/null || true
}
