# shellcheck shell=bash
# Two images for pods, as files for `ctr images import` and `podman load`.

# images_make FOLDER OUT: makes OUT/images/pause.tar and OUT/images/busybox.tar.
images_make() {
  local layers=$1/images applet
  mkdir -p "$layers"/{pause,busybox/bin,busybox/tmp} "$2/images"
  say "making the images"
  env -i PATH="/usr/lib/go-1.19/bin:$PATH" HOME="$1" GOCACHE="$1/go-cache" CGO_ENABLED=0 GO111MODULE=off \
    go build -ldflags='-s -w' -o "$layers/pause/pause" "$HERE/pause.go" || die "the pause program cannot be compiled"
  image_make "$1" localhost/pause:3.1 "$layers/pause" '["/pause"]' "$2/images/pause.tar"
  cp "$2/bin/busybox" "$layers/busybox/bin/"
  for applet in $("$2/bin/busybox" --list); do
    [ "$applet" = busybox ] || ln -s busybox "$layers/busybox/bin/$applet"
  done
  image_make "$1" localhost/busybox:1 "$layers/busybox" '["/bin/sh"]' "$2/images/busybox.tar"
}

# image_make FOLDER NAME ROOT COMMAND OUT: makes an image of one layer, in the format of `docker save`.
image_make() {
  local folder layer
  folder=$(mktemp -d "$1/image.XXXXXX")
  tar -C "$3" --sort=name --numeric-owner --owner=0 --group=0 --mtime=@0 -cf "$folder/layer.tar" .
  layer=$(sha256sum "$folder/layer.tar" | cut -d' ' -f1)
  jq -n --arg architecture "$(dpkg --print-architecture)" --arg layer "sha256:$layer" --argjson command "$4" '{
    $architecture, os: "linux", rootfs: {type: "layers", diff_ids: [$layer]},
    config: {Entrypoint: $command, Env: ["PATH=/bin"]}
  }' >"$folder/config.json"
  jq -n --arg name "$2" '[{Config: "config.json", RepoTags: [$name], Layers: ["layer.tar"]}]' >"$folder/manifest.json"
  tar -C "$folder" --numeric-owner --owner=0 --group=0 --mtime=@0 -cf "$5" manifest.json config.json layer.tar
}
