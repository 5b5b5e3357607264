# The main process of a rental: /bin/sh -c SCRIPT kgpu-init GPU_ID
# An image that has kgpu-bootstrap gets it as its main program, and the rental is Ready once that has made the file
# named by $KGPU_READY_FILE (/tmp/kgpu/ready); what it writes there, the renter should know. Any other image idles and is
# Ready at once.
# As process 1 it waits all the time, or ended processes would stay zombies. On TERM it ends, at once unless drives are
# mounted: what was written to these is uploaded first (k_end is kgpu-unmount --end, whoever mounted them, and however).
k_ready=${KGPU_READY_FILE:-/tmp/kgpu/ready}
if ! mkdir -p "${k_ready%/*}" || ! rm -f "$k_ready"; then
  echo "kgpu: cannot write in ${k_ready%/*}" >&2
  exit 70
fi
if command -v kgpu-bootstrap >/dev/null 2>&1; then
  kgpu-bootstrap &
  k_main=$!
  k_told=
  trap 'k_told=1; kill -TERM $k_main 2>/dev/null' TERM INT
  while kill -0 $k_main 2>/dev/null; do
    wait $k_main
    k_code=$?
  done
  k_end
  [ -z "$k_told" ] || exit 0
  echo "kgpu-bootstrap ended with $k_code" >&2
  exit "$k_code"
fi
trap 'k_end; exit 0' TERM INT
: >"$k_ready"
while :; do
  sleep 86400 &
  wait $!
done
