# Ends a run: /bin/sh -c SCRIPT kgpu-kill RUN_ID SIGNAL GRACE_SECONDS
# SIGNAL goes to its process group; what is left of it after the grace, wherever it went, gets KILL.
# Says "begun" and, as its last line: nostart (it has not been started), gone (it had ended), term (it ended in time), kill.
# "kill -NAME -PGID" is the one form that dash, bash and busybox all take: no -s, no --.
k_dir=${KGPU_RUNS:-/tmp/kgpu/runs}/$1 k_id=$1 k_signal=$2 k_grace=$3

k_start_time() { # of pid $1 -> k_time; fails when it is gone or a zombie; 0 without /proc
  k_time=0
  [ -r /proc/self/stat ] || { kill -0 "$1" 2>/dev/null; return; }
  read -r k_time 2>/dev/null <"/proc/$1/stat" || return 1
  k_time=${k_time##*") "}
  case $k_time in Z* | X*) return 1 ;; esac
  set -- $k_time
  shift 19
  k_time=$1
}
k_group_lives() { # any process of the group that is not a zombie
  kill -0 "-$k_pid" 2>/dev/null || return 1
  for k_proc in /proc/[0-9]*; do
    read -r k_line 2>/dev/null <"$k_proc/stat" || continue
    k_line=${k_line##*") "}
    set -- $k_line
    [ "$3" = "$k_pid" ] && case $1 in Z | X) ;; *) return 0 ;; esac
  done
  return 1
}
k_lives() { # is there anything of the run's group? A pid that another process has now is proof that nothing is: a group's number is not given out while it has members
  if k_start_time "$k_pid"; then [ "$k_time" = "$k_began" ]; else k_group_lives; fi
}
k_members() { # every live process of the run: its group or session, or the marker in its environment
  for k_proc in /proc/[0-9]*; do
    k_one=${k_proc#/proc/}
    read -r k_line 2>/dev/null <"$k_proc/stat" || continue
    k_line=${k_line##*") "}
    set -- $k_line
    case $1 in Z | X) continue ;; esac
    if [ "$3" = "$k_pid" ] || [ "$4" = "$k_pid" ]; then
      echo "$k_one"
      continue
    fi
    while read -r k_line || [ "$k_line" ]; do
      case $k_line in *"KGPU_RUN_ID=$k_id"*) echo "$k_one"; break ;; esac
    done 2>/dev/null <"$k_proc/environ"
  done
}

echo begun
read -r k_pid k_began _ 2>/dev/null <"$k_dir/pid" || { echo nostart; exit 0; }
k_lives || { echo gone; exit 0; }
kill "-$k_signal" "-$k_pid" 2>/dev/null || kill "-$k_signal" "$k_pid" 2>/dev/null
k_tries=0
while [ $k_tries -lt $((k_grace * 10)) ]; do
  k_lives || { echo term; exit 0; }
  k_tries=$((k_tries + 1))
  sleep 0.1 2>/dev/null || { sleep 1; k_tries=$((k_tries + 9)); }
done
kill -KILL "-$k_pid" 2>/dev/null
k_tries=0
while [ $k_tries -lt 10 ]; do
  k_left=$(k_members 2>/dev/null)
  [ "$k_left" ] || break
  kill -KILL $k_left 2>/dev/null
  k_tries=$((k_tries + 1))
  sleep 0.1 2>/dev/null || sleep 1
done
echo kill
