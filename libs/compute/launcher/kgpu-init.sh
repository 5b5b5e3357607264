# The main process of a rental: /bin/sh -c SCRIPT kgpu-init GPU_ID
# An image that has kgpu-bootstrap gets it as its main program, and the rental is Ready once that has made the file
# named by $KGPU_READY_FILE (/tmp/kgpu/ready); any other image idles and is Ready at once.
# As process 1 it waits all the time, or ended processes would stay zombies, and it ends at once on TERM.
k_ready=${KGPU_READY_FILE:-/tmp/kgpu/ready}
if ! mkdir -p "${k_ready%/*}" || ! rm -f "$k_ready"; then
  echo "kgpu: cannot write in ${k_ready%/*}" >&2
  exit 70
fi
if command -v kgpu-bootstrap >/dev/null 2>&1; then
  kgpu-bootstrap &
  k_main=$!
  trap 'kill -TERM $k_main' TERM INT
  while kill -0 $k_main 2>/dev/null; do
    wait $k_main
    k_code=$?
  done
  echo "kgpu-bootstrap ended with $k_code" >&2
  exit "$k_code"
fi
trap 'exit 0' TERM INT
: >"$k_ready"
while :; do
  sleep 86400 &
  wait $!
done
