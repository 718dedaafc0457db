# shellcheck shell=bash
# Creates the cluster like its owner: with the openstack client only.

# Labels that override unsuitable defaults: containerd, because Debian's kubelet lacks docker; the tags of the image in
# golden.sh; no conntrack settings, which a network namespace may not change; no add-on whose image cannot be fetched.
cluster_labels() {
  cat <<LABELS
kube_tag=$KUBE_TAG
etcd_tag=$ETCD_TAG
heat_container_agent_tag=$AGENT_TAG
container_runtime=containerd
containerd_tarball_url=http://$GATEWAY:$APIS_PORT/files/cri.tar.gz
containerd_tarball_sha256=$(cat "$(golden_where)/files/cri.sha256")
kubelet_options=--container-runtime=remote
kubeproxy_options=--conntrack-max-per-core=0
fixed_subnet_cidr=$NETWORK.0/24
cloud_provider_enabled=false
keystone_auth_enabled=false
cinder_csi_enabled=false
kube_dashboard_enabled=false
metrics_server_enabled=false
monitoring_enabled=false
auto_healing_enabled=false
auto_scaling_enabled=false
npd_enabled=false
LABELS
  case $MAGNUM in
    # A calico whose manifest bash 5.2 can read: backquotes in the texts of the default one end the script. And no helm:
    # Magnum 15 fetches every one but a helm 2 without tiller.
    15) printf '%s\n' calico_tag=v3.3.6 helm_client_tag=v2.16.12 tiller_enabled=false ;;
    *)
      echo "helm_client_url=http://$GATEWAY:$APIS_PORT/files/helm.tar.gz"
      echo "helm_client_sha256=$(sha256sum "$STATE/files/helm.tar.gz" | cut -d' ' -f1)"
      ;;
  esac
}

# files_make GOLDEN: makes the files that the nodes fetch. Magnum 20 requires a helm, but then has no chart for it.
files_make() {
  local files=$STATE/files
  mkdir -p "$files/linux-amd64"
  ln -sf "$1/files/cri.tar.gz" "$files/"
  printf '#!/bin/sh\necho "no helm here" >&2\nexit 1\n' >"$files/linux-amd64/helm"
  [ -e "$files/helm.tar.gz" ] || tar -C "$files" -czf "$files/helm.tar.gz" linux-amd64
}

# Of Magnum 20's two calicos, one has these backquotes and the other requires Kubernetes 1.21.
network_driver() { if [ "$MAGNUM" = 15 ]; then echo calico; else echo flannel; fi; }

# Magnum 20 finds a template only by its id when it creates a cluster.
cluster_create() (
  local template
  # shellcheck source=/dev/null
  . "$STATE/cloud/openrc"
  openstack coe cluster template create "$NAME" --coe kubernetes --image fedora-coreos --external-network public \
    --master-flavor node --flavor node --network-driver "$(network_driver)" --master-lb-enabled --floating-ip-disabled \
    --labels "$(cluster_labels | paste -sd,)" >/dev/null || return
  template=$(openstack coe cluster template show "$NAME" -f value -c uuid) || return
  openstack coe cluster create "$NAME" --cluster-template "$template" --master-count "$MASTERS" --node-count "$WORKERS" \
    --keypair node --timeout 60 >/dev/null
)

cluster_config() (
  # shellcheck source=/dev/null
  . "$STATE/cloud/openrc"
  openstack coe cluster config "$NAME" --dir "$STATE" --force >/dev/null
)
