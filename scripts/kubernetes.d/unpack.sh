# shellcheck shell=bash
# The programs that Debian packages. They are unpacked and not installed: a machine may have another kubectl, containerd
# or etcd of its own, and none of their services is wanted here.

UNPACKED=(etcd-server etcd-client kubernetes-client containerd runc containernetworking-plugins busybox-static)

# unpack_programs FOLDER OUT: the programs into OUT/bin, the network plugins into OUT/cni.
unpack_programs() {
  local folder=$1/debian package
  mkdir -p "$folder/root"
  say "unpacking Debian's programs"
  (cd "$folder" && apt-get -q -o "APT::Sandbox::User=$(id -un)" download "${UNPACKED[@]}" >&2) ||
    die "apt cannot fetch the packages (apt-get update?)"
  for package in "$folder"/*.deb; do dpkg-deb --extract "$package" "$folder/root"; done
  cp "$folder/root/usr/bin/"{etcd,etcdctl,kubectl,containerd,containerd-shim*,ctr} "$folder/root/usr/sbin/runc" \
    "$folder/root/bin/busybox" "$2/bin/"
  cp -r "$folder/root/usr/lib/cni" "$2/cni"
}
