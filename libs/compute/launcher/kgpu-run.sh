# Starts a run in its container, or follows one that is there:
#   /bin/sh -c SCRIPT kgpu-run OP RUN_ID NONCE OFFSET_OUT OFFSET_ERR SEGMENT_BYTES SEGMENTS [SPENT LINES CWD ARGV...]
#     OP=start   claims RUN_ID, starts ARGV detached, then follows; a second start of the same RUN_ID only follows
#       SPENT    ids of runs that have ended and are recorded elsewhere: their output is deleted
#       LINES    so many lines of stdin come first: the run's variables as words of sh, 'NAME=VALUE' ...; arguments are for all to see
#     OP=attach  only follows
#     OFFSET_OUT=-N the host may read the output out of the files below by itself: after the head it says "read" (only trailers
#                   are sent then) or "send" in a line
#   stdin            then one line = one look at the output (the host sets the pace); its end = the host has gone, stop following
#   stdout, stderr   the run's bytes from the offsets on, after a head line on stdout; a trailer on both tells the end.
#                    Head and trailer begin with \036 and NONCE. A stream that ends without a trailer was cut: attach again.
# In $KGPU_RUNS/RUN_ID: sup and pid (pid, start time, uptime), io (pids of the pumps), exit (the record of the end) and
# the output in segments stdout.N, stderr.N, where N - 10^15 is the offset of their first byte (so that names sort).
# The variables here begin with k_, because a name that the image exports would reach the command with our value.
# Runs in dash, bash and busybox; needs mkdir, cat, rm, sleep; without mkfifo or dd the output is kept without a cap.
k_dir=${KGPU_RUNS:-/tmp/kgpu/runs}/$2 k_op=$1 k_id=$2 k_nonce=$3 k_out=$4 k_err=$5 k_segment=$6 k_segments=$7
k_zero=1000000000000000
k_any=1[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9] # how the names of segments end: whatever else lies there is not ours
shift 7

k_start_time() { # of pid $1, in ticks since boot -> k_time; fails when it is gone or a zombie; 0 without /proc
  k_time=0
  [ -r /proc/self/stat ] || { kill -0 "$1" 2>/dev/null; return; }
  read -r k_time 2>/dev/null <"/proc/$1/stat" || return 1
  k_time=${k_time##*") "}
  case $k_time in Z* | X*) return 1 ;; esac
  set -- $k_time
  shift 19
  k_time=$1
}
k_self() { # pid of this (sub)shell -> k_pid
  k_pid=
  read -r k_pid _ 2>/dev/null </proc/self/stat || k_pid=$(exec sh -c 'echo "$PPID"')
}
k_uptime() { # seconds since boot -> k_up
  k_up=0
  read -r k_up _ 2>/dev/null </proc/uptime
}
k_oom_kills() { # how many processes of this container the kernel has killed for lack of memory -> k_oom
  k_oom=0
  for k_file in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
    [ -r "$k_file" ] || continue
    while read -r k_key k_value; do [ "$k_key" = oom_kill ] && k_oom=$k_value; done <"$k_file"
  done
}
k_position() { # of fd $1 of process $2 -> k_pos; empty when it can't be seen
  k_pos=
  # to the last line: what is left unread of it, bash may give to the next read of another file
  while read -r k_key k_value; do [ "$k_key" = pos: ] && k_pos=$k_value; done 2>/dev/null <"/proc/$2/fdinfo/$1"
}

# --- the side that runs the command

k_read_variables() { # the first $k_lines lines of stdin -> k_variables
  k_variables= k_newline=
  while [ "$k_lines" -gt 0 ]; do
    IFS= read -r k_line || exit 73
    k_variables=$k_variables$k_newline$k_line k_lines=$((k_lines - 1)) k_newline='
'
  done
}
k_command() { # CWD [NAME=VALUE]... '' ARGV...: becomes the command
  k_self
  k_start_time "$k_pid"
  k_uptime
  printf '%s %s %s\n' "$k_pid" "$k_time" "$k_up" >"$k_dir/pid" || exit 126
  k_from=
  case $1 in /*) ;; *) k_from=./ ;; esac # or cd would take "-" for where it was before, and look in CDPATH
  if [ "$1" ] && ! cd "$k_from$1" 2>/dev/null; then
    echo "kgpu: cannot change to the folder $1" >&2
    exit 126
  fi
  shift
  unset KGPU_RUNS
  k_plain_names "$@" || k_command_by_env "$@"
  while [ "$1" ]; do # from here on no variable of ours: the run's may have the same name
    command export "$1"
    shift
  done
  shift
  command -v -- "$1" >/dev/null || { echo "kgpu: $1: no such program" >&2; exit 127; }
  if command -v setsid >/dev/null; then exec setsid "$@"; else exec "$@"; fi
}

k_plain_names() { # [NAME=VALUE]... '' ARGV...: does no shell keep one of the names for itself?
  while [ "$1" ]; do
    case ${1%%=*} in
      UID | EUID | PPID | GROUPS | RANDOM | SRANDOM | SECONDS | LINENO | OPTIND | EPOCHSECONDS | EPOCHREALTIME | DIRSTACK | FUNCNAME | \
        HISTCMD | PIPESTATUS | COMP_WORDBREAKS | SHELLOPTS | BASHOPTS | BASHPID | BASH_*) return 1 ;;
    esac
    shift
  done
}
k_command_by_env() { # [NAME=VALUE]... '' ARGV...: becomes the command, its variables handed over by env(1)
  command -v env >/dev/null || { echo "kgpu: this image has no env, and without it sh can't set one of the variables" >&2; exit 126; }
  k_many=$#
  while [ "$1" ]; do
    set -- "$@" "$1"
    shift
    k_many=$((k_many - 1))
  done
  shift
  while [ $k_many -gt 1 ]; do
    set -- "$@" "$1"
    shift
    k_many=$((k_many - 1))
  done
  if command -v setsid >/dev/null; then exec setsid env "$@"; else exec env "$@"; fi
}

k_drop_oldest() { # keeps at most k_segments of both streams together
  while :; do
    set -- "$k_dir"/stderr.$k_any
    k_many=$# k_oldest=$1
    set -- "$k_dir"/stdout.$k_any
    [ $(($# + k_many)) -gt "$k_segments" ] || return 0
    [ $# -lt "$k_many" ] || k_oldest=$1
    rm -f "$k_oldest" || return 0
  done
}
k_pump() { # $1 = stdout or stderr: stdin -> segments. What a full disk does not take is lost (status 3), but read: or the command would get SIGPIPE
  exec 8>>"$k_dir/$1.$k_zero" || { cat >/dev/null; exit 3; }
  k_position 8 self
  if [ -z "$k_pos" ] || ! command -v dd >/dev/null; then
    cat >&8 && exit 0
    cat >/dev/null
    exit 3
  fi
  k_base=0 k_status=0
  while k_before=$k_pos; do
    k_reads=$(((k_segment - k_pos + 65535) / 65536))
    [ $k_reads -lt 256 ] || k_reads=256
    if ! dd bs=65536 count=$k_reads >&8; then
      k_status=3
      dd bs=65536 count=256 >/dev/null
      k_position 8 self
      continue
    fi
    k_position 8 self
    [ "$k_pos" != "$k_before" ] || exit $k_status
    [ "$k_pos" -ge "$k_segment" ] || continue
    k_base=$((k_base + k_pos))
    exec 8>>"$k_dir/$1.$((k_zero + k_base))" || { cat >/dev/null; exit 3; }
    k_pos=0
    k_drop_oldest
  done
}
k_pumps_end() { # $1, $2 = their pids: at most ~1 s for what a child left behind holds open; the first looks cost no process
  k_tries=0
  while { k_start_time "$1" || k_start_time "$2"; } && [ $k_tries -lt 40 ]; do
    k_tries=$((k_tries + 1))
    [ $k_tries -gt 20 ] || continue
    if [ $k_tries -lt 29 ]; then sleep 0.01; else sleep 0.1; fi || sleep 1
  done
}
k_supervise() { # CWD [NAME=VALUE]... '' ARGV...: claims the run, runs the command, records its end
  exec </dev/null >/dev/null 2>&1 5>&- 6<&-
  k_self
  k_start_time "$k_pid"
  set -C
  printf '%s %s\n' "$k_pid" "$k_time" >"$k_dir/sup" || exit 0
  set +C
  trap : TERM HUP INT QUIT
  k_oom_kills
  k_oom_before=$k_oom k_lost=0
  printf '%127s\n' '' >"$k_dir/exit" || exit 0 # reserves the block: the disk may be full when the command ends
  : >>"$k_dir/stdout.$k_zero"
  : >>"$k_dir/stderr.$k_zero"
  if mkfifo -m 666 "$k_dir/.out" "$k_dir/.err"; then # pipes, not files: a program may reopen /dev/stdout with O_TRUNC
    k_pump stdout <"$k_dir/.out" &
    k_pump_out=$!
    k_pump stderr <"$k_dir/.err" &
    k_pump_err=$!
    printf '%s %s\n' "$k_pump_out" "$k_pump_err" >"$k_dir/io"
    (trap - TERM HUP INT QUIT; k_command "$@") >"$k_dir/.out" 2>"$k_dir/.err"
    k_code=$?
    k_pumps_end $k_pump_out $k_pump_err
    for k_pid in $k_pump_out $k_pump_err; do
      k_start_time "$k_pid" || wait "$k_pid" || k_lost=1
    done
  else
    (trap - TERM HUP INT QUIT; k_command "$@") >>"$k_dir/stdout.$k_zero" 2>>"$k_dir/stderr.$k_zero"
    k_code=$?
  fi
  k_uptime
  k_oom_kills
  printf 'X %s %s %s %s E' "$k_code" "$k_up" $((k_oom - k_oom_before)) $k_lost 1<>"$k_dir/exit"
  rm -f "$k_dir/.out" "$k_dir/.err" # when the end is told: nobody waits for it
}

# --- the side that follows: fd 5 = the channel of the run's stderr, fd 6 = the host's ticks

k_ended() { # is there a whole record of the end? -> k_code k_end k_killed k_lost
  k_first= k_last=
  read -r k_first k_code k_end k_killed k_lost k_last _ <"$k_dir/exit"
  [ "$k_first$k_last" = XE ]
}
k_lives() { # does the process recorded in file $1 live?
  k_who= k_when=
  read -r k_who k_when _ <"$k_dir/$1"
  [ "$k_when" ] && k_start_time "$k_who" && [ "$k_time" = "$k_when" ]
}
k_alive() { # the supervisor, or (should it have been killed) the command itself
  k_lives sup || k_lives pid
}
k_tell() { # the trailer, on both channels
  k_uptime
  printf '\036%s %s %s\n' "$k_nonce" "$*" "$k_up"
  printf '\036%s %s %s\n' "$k_nonce" "$*" "$k_up" >&5
  exit 0
}
k_open() { # stream $1 at offset $2 as fd $3 -> k_base = offset of the segment, k_at = where reading begins
  k_found= k_at=$2
  set -- "$1" "$2" "$3" "$k_dir/$1".$k_any
  if [ ! -e "$4" ]; then # somebody has deleted the segments, which never happens by itself
    k_base=$2 k_gone=1
    eval "exec $3</dev/null"
    return
  fi
  for k_file in "$k_dir/$1".$k_any; do
    if [ -z "$k_found" ] || [ $((${k_file##*.} - k_zero)) -le "$2" ]; then k_found=$k_file; fi
  done
  k_base=$((${k_found##*.} - k_zero))
  eval "exec $3<\"\$k_found\"" || exit 72
  [ $k_base -le "$2" ] || k_at=$k_base
  [ $k_at = $k_base ] || dd bs=1 count=0 skip=$((k_at - k_base)) <&"$3" || k_at=$k_base
}
k_grown() { # has stream $1, fd $2 at segment $3, pump $4, more than we have read? (no fork; unsure = yes)
  k_position "$2" self
  [ "$k_pos" ] && [ ! -e "$k_dir/$1.$((k_zero + $3 + k_pos + (k_pos == 0)))" ] || return 0
  k_mine=$k_pos
  k_position 8 "$4"
  [ "$k_pos" != "$k_mine" ]
}
k_copy() { # what there is of stream $1 from fd $2 at segment $3 -> k_base
  k_base=$3
  k_file=$k_dir/$1.$k_zero
  [ "$3" = 0 ] && [ -e "$k_file" ] && [ ! -s "$k_file" ] && return 0 # nothing has been written: that costs no process
  while cat <&"$2" || exit 71; do
    k_position "$2" self
    k_next=$k_dir/$1.$((k_zero + k_base + k_pos)) # only when ours has ended here is there one of that name
    if [ "${k_pos:-0}" = 0 ] || [ ! -e "$k_next" ]; then
      [ ! -e "$k_dir/$1.$((k_zero + k_base))" ] || return 0
      for k_file in "$k_dir/$1".$k_any; do break; done
      [ ! -e "$k_file" ] || exit 74 # dropped while we read: attaching again tells where the output now begins
      # deleted by somebody, or with the rental: then nobody is left to tell an end
      [ "$k_result" != "lost killed" ] || [ $k_gone = 1 ] || exit 75
      return 0
    fi
    k_base=$((k_base + k_pos))
    eval "exec $2<\"\$k_next\"" || exit 74
  done
}
k_delete_spent() { # the output of the runs in $k_spent, but not their claims: none of them begins again
  set --
  for k_run in $k_spent; do set -- "$@" "${k_dir%/*}/$k_run"/stdout.* "${k_dir%/*}/$k_run"/stderr.*; done
  rm -f "$@"
}
k_follow() {
  exec <&6 2>/dev/null
  k_uptime
  k_since=${k_up%.*}
  until [ -s "$k_dir/pid" ] || k_ended; do
    read -r _ || exit 73
    [ -d "$k_dir" ] || k_tell lost no_record # the command has deleted it before we looked
    k_uptime
    k_alive || [ $((${k_up%.*} - k_since)) -lt 3 ] || k_tell lost not_started
  done
  k_gone=0 k_silent= k_word=
  case $k_out in -*) k_silent=1 k_out=${k_out#-} k_err=${k_err#-} ;; esac
  k_open stdout "$k_out" 3
  k_base_out=$k_base k_out=$k_at
  k_open stderr "$k_err" 4
  k_base_err=$k_base k_err=$k_at
  k_process= k_began= k_pump_out= k_pump_err=
  read -r k_process _ k_began <"$k_dir/pid"
  read -r k_pump_out k_pump_err <"$k_dir/io"
  k_uptime
  printf '\036%s head %s %s %s %s %s\n' "$k_nonce" "$k_out" "$k_err" "${k_process:-0}" "${k_began:-0}" "$k_up"
  [ -z "$k_spent" ] || k_delete_spent
  if [ "$k_silent" ]; then # ours are open by now, whatever is deleted meanwhile
    until [ "$k_word" = read ] || [ "$k_word" = send ]; do read -r k_word || exit 73; done
    [ "$k_word" = read ] || k_silent=
  fi
  while :; do
    k_result=
    if k_ended; then k_result="exit $k_code $k_end $k_killed $((k_lost | k_gone))"
    elif ! k_alive; then
      [ -z "$k_pump_out" ] || k_pumps_end $k_pump_out $k_pump_err
      if k_ended; then k_result="exit $k_code $k_end $k_killed $((k_lost | k_gone))"; else k_result="lost killed"; fi
    fi
    if [ "$k_silent" ]; then :
    elif [ "$k_result" ] || k_grown stdout 3 $k_base_out "$k_pump_out"; then
      k_copy stdout 3 $k_base_out
      k_base_out=$k_base
    fi
    if [ "$k_silent" ]; then :
    elif [ "$k_result" ] || k_grown stderr 4 $k_base_err "$k_pump_err"; then
      k_copy stderr 4 $k_base_err >&5
      k_base_err=$k_base
    fi
    [ -z "$k_result" ] || k_tell "$k_result"
    read -r _ || exit 73
  done
}

exec 5>&2 6<&0
k_spent=
if [ "$k_op" = start ]; then
  k_spent=$1 k_lines=$2 k_cwd=$3
  shift 3
  k_read_variables
  eval "set -- \"\$k_cwd\" $k_variables KGPU_RUN_ID='$k_id' '' \"\$@\""
  mkdir -p "$k_dir" || exit 70
  exec 2>/dev/null # or this shell reports a killed child on the run's stderr channel
  # The supervisor must be a child that nobody waits for, but "&" would leave SIGINT ignored for good in dash and busybox:
  # so it is the left side of a pipe whose right side kills the shell that waits for both.
  (k_self; k_supervise "$@" | kill -9 "$k_pid")
elif [ ! -d "$k_dir" ]; then
  k_tell lost no_record
fi
k_follow
