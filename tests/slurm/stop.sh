#!/usr/bin/env bash
# End what start.sh began, by the process ids that it left, and nothing else. --wipe: delete its state, too.
set -uo pipefail
ROOT=${SLURM_ROOT:-/var/tmp/slowpoints-slurm}
code=0
ours() { [ "$(readlink /etc/slurm/slurm.conf 2>/dev/null)" = "$ROOT/slurm.conf" ]; }
pid_of() {  # DAEMON: its process id, if that still is this program
  local pid; pid=$(cat "$ROOT/run/$1.pid" 2>/dev/null) || return 1
  case "$(basename "$(readlink "/proc/$pid/exe" 2>/dev/null)")" in "$1"*) echo "$pid";; *) return 1;; esac
}
if ours && pid_of slurmctld >/dev/null; then
  scancel --state=PENDING,RUNNING,SUSPENDED --full --user="$(id -un)" 2>/dev/null
  for _ in $(seq 75); do [ -z "$(squeue -h 2>/dev/null)" ] && break; sleep 0.2; done
fi
for daemon in slurmd slurmctld slurmdbd mariadbd munged; do
  pid=$(pid_of "$daemon") || continue
  kill "$pid"
  for _ in $(seq 150); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  if kill -0 "$pid" 2>/dev/null; then
    echo "stop.sh: $daemon ($pid) is still there" >&2
    code=1
  else
    rm -f "$ROOT/run/$daemon.pid"
  fi
done
if ours; then rm -f /etc/slurm/slurm.conf /etc/slurm/gres.conf /etc/slurm/slurmdbd.conf; fi
[ "${1:-}" = --wipe ] && rm -rf "$ROOT"
exit "$code"
