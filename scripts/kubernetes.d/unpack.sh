# shellcheck shell=bash
# Unpacks the programs that Debian packages. It does not install them: the host may have its own kubectl, containerd or
# etcd, and an installed package would start its service.

UNPACKED=(etcd-server etcd-client kubernetes-client containerd runc containernetworking-plugins busybox-static)

# unpack_programs FOLDER OUT: copies the programs to OUT/bin, the network plugins to OUT/cni.
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
