# shellcheck shell=bash
# The folder with all results. It is cached by the checksum of the recipe, and moved into place when it is complete.

RECIPE=$(cat "$HERE"/{source,build,unpack,images}.sh "$HERE/pause.go" | sha256sum | cut -c1-12)
FOLDER=${XDG_CACHE_HOME:-$HOME/.cache}/coe-agent/kubernetes-$VERSION-$RECIPE

folder_make() {
  mkdir -p "$(dirname "$FOLDER")"
  # A second install waits for the result of the first.
  exec 9>"$FOLDER.lock"
  flock 9
  if [ ! -e "$FOLDER" ]; then
    rm -rf "$FOLDER.work"
    mkdir -p "$FOLDER.work/out/bin"
    source_fetch "$FOLDER.work"
    build_programs "$FOLDER.work" "$FOLDER.work/out/bin"
    unpack_programs "$FOLDER.work" "$FOLDER.work/out"
    images_make "$FOLDER.work" "$FOLDER.work/out"
    mv "$FOLDER.work/out" "$FOLDER"
    rm -rf "$FOLDER.work"
  fi
  say "installed"
  echo "$FOLDER"
}

folder_where() {
  [ -e "$FOLDER" ] || die "the programs are missing; run: scripts/kubernetes install"
  echo "$FOLDER"
}
