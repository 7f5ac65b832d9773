#!/usr/bin/env bash
# Bring up a real Slurm on this machine alone, for tests and for trying things: as root, from Debian's packages, with
# accounting, listening on loopback only. Does nothing where it is up already. End it with stop.sh.
#   SLURM_ROOT  folder of its state         (default /var/tmp/slowpoints-slurm)
#   SLURM_CPUS  processors to offer         (default: those there are)
#   SLURM_GPUS  pretended GPUs              (default 0)
# Partitions: main; and low, whose jobs go back into the queue when main needs their place.
# Exit code 77: it cannot be had here, and why.
set -euo pipefail
ROOT=${SLURM_ROOT:-/var/tmp/slowpoints-slurm}
GPUS=${SLURM_GPUS:-0}
DATABASE_PORT=13316
MARK="# written by slowpoints/tests/slurm/start.sh"

impossible() { echo "no Slurm here: $*" >&2; exit 77; }
fail() { echo "start.sh: $*" >&2; exit 1; }
alive() { [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }
wait_for() {  # WHAT SECONDS COMMAND...
  local what=$1 tries=$(( $2 * 5 )); shift 2
  for _ in $(seq "$tries"); do "$@" >/dev/null 2>&1 && return 0; sleep 0.2; done
  fail "waited in vain for $what; see $ROOT/log"
}

[ "$(id -u)" = 0 ] || impossible "its daemons need root"
if [ -e /etc/slurm/slurm.conf ] && ! grep -q "^$MARK" /etc/slurm/slurm.conf; then
  impossible "/etc/slurm/slurm.conf belongs to another Slurm"
fi
mkdir -p "$ROOT"/{run,log,controller,node}

"$(dirname "$0")/install.sh"   # with code 77 where that is impossible

# Configuration.
HOST=$(hostname -s)
hardware=$(slurmd -C | head -1)
value() { sed -n "s/.*\b$1=\([0-9]*\).*/\1/p" <<<"$hardware"; }
cpus=${SLURM_CPUS:-$(value CPUs)}
gres=""; [ "$GPUS" -gt 0 ] && gres="Gres=gpu:$GPUS"
cat >"$ROOT/slurm.conf.new" <<CONF
$MARK
ClusterName=slowpoints
SlurmctldHost=$HOST(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
# How long a requeued job waits before it may start again (120 s by default).
AuthInfo=cred_expire=5
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
ReturnToService=2
SlurmctldPidFile=$ROOT/run/slurmctld.pid
SlurmdPidFile=$ROOT/run/slurmd.pid
StateSaveLocation=$ROOT/controller
SlurmdSpoolDir=$ROOT/node
SlurmctldLogFile=$ROOT/log/slurmctld.log
SlurmdLogFile=$ROOT/log/slurmd.log
JobRequeue=1
KillWait=10
MinJobAge=3600
SchedulerParameters=sched_interval=5,bf_interval=5,batch_sched_delay=0
# With preempt_send_user_signal a preempted job gets the signal that it asked for (sbatch --signal); else only SIGTERM,
# which submitit takes no notice of.
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
JobAcctGatherType=jobacct_gather/linux
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
$( [ "$GPUS" -gt 0 ] && echo GresTypes=gpu )
NodeName=$HOST NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=$(( $(value RealMemory) * 9 / 10 )) $gres State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP DefMemPerCPU=500 PriorityTier=10 PreemptMode=OFF
PartitionName=low Nodes=ALL MaxTime=INFINITE State=UP DefMemPerCPU=500 PriorityTier=1 PreemptMode=REQUEUE GraceTime=30
CONF
if alive "$ROOT/run/slurmctld.pid" && ! cmp -s "$ROOT/slurm.conf.new" "$ROOT/slurm.conf"; then
  fail "it is up with another configuration; run stop.sh first"
fi
mkdir -p /etc/slurm
mv "$ROOT/slurm.conf.new" "$ROOT/slurm.conf"
ln -sfn "$ROOT/slurm.conf" /etc/slurm/slurm.conf
rm -f /etc/slurm/gres.conf
if [ "$GPUS" -gt 0 ]; then
  for gpu in $(seq 0 $((GPUS - 1))); do touch "$ROOT/gpu$gpu"; done
  echo "Name=gpu File=$ROOT/gpu[0-$((GPUS - 1))]" >/etc/slurm/gres.conf
fi

# munge: who asks.
if ! munge -n 2>/dev/null | unmunge >/dev/null 2>&1; then
  if [ ! -s /etc/munge/munge.key ]; then
    dd if=/dev/urandom bs=1 count=1024 of=/etc/munge/munge.key 2>/dev/null
    chown munge: /etc/munge/munge.key
    chmod 400 /etc/munge/munge.key
  fi
  install -d -o munge -g munge -m 755 /run/munge
  runuser -u munge -- /usr/sbin/munged --force </dev/null >>"$ROOT/log/munged.log" 2>&1
  wait_for munged 10 sh -c 'munge -n | unmunge'
  cp /run/munge/munged.pid "$ROOT/run/munged.pid"
fi

# Accounting: without it nobody learns of jobs that ended long ago.
if ! alive "$ROOT/run/mariadbd.pid"; then
  if [ ! -d "$ROOT/mysql/mysql" ]; then
    mkdir -p "$ROOT/mysql"
    mariadb-install-db --no-defaults --user=root --datadir="$ROOT/mysql" --skip-test-db \
      --auth-root-authentication-method=socket >"$ROOT/log/mariadb-install.log" 2>&1 \
      || fail "mariadb-install-db: see $ROOT/log/mariadb-install.log"
  fi
  cat >"$ROOT/init.sql" <<SQL
CREATE DATABASE IF NOT EXISTS slurm_acct_db;
CREATE USER IF NOT EXISTS 'slurm'@'127.0.0.1' IDENTIFIED BY 'slurm';
GRANT ALL ON slurm_acct_db.* TO 'slurm'@'127.0.0.1';
SQL
  setsid mariadbd --no-defaults --user=root --datadir="$ROOT/mysql" --socket="$ROOT/run/mariadb.sock" \
    --bind-address=127.0.0.1 --port="$DATABASE_PORT" --pid-file="$ROOT/run/mariadbd.pid" --skip-name-resolve \
    --init-file="$ROOT/init.sql" --innodb-buffer-pool-size=64M --innodb-log-file-size=16M \
    --innodb-lock-wait-timeout=900 --innodb-flush-log-at-trx-commit=0 --performance-schema=OFF \
    </dev/null >>"$ROOT/log/mariadbd.log" 2>&1 &
  disown
  wait_for mariadbd 60 bash -c "exec 3<>/dev/tcp/127.0.0.1/$DATABASE_PORT"
fi
install -m 600 /dev/null "$ROOT/slurmdbd.conf"
cat >"$ROOT/slurmdbd.conf" <<CONF
AuthType=auth/munge
DbdAddr=127.0.0.1
DbdHost=$HOST
SlurmUser=root
PidFile=$ROOT/run/slurmdbd.pid
LogFile=$ROOT/log/slurmdbd.log
CommunicationParameters=NoInAddrAny
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=$DATABASE_PORT
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct_db
CONF
ln -sfn "$ROOT/slurmdbd.conf" /etc/slurm/slurmdbd.conf
if ! alive "$ROOT/run/slurmdbd.pid"; then
  slurmdbd
  wait_for slurmdbd 60 sacctmgr -n show cluster
  [ -n "$(sacctmgr -nP show cluster slowpoints)" ] || sacctmgr -i add cluster slowpoints >/dev/null
fi

# Controller and node.
if ! alive "$ROOT/run/slurmctld.pid"; then
  slurmctld
  wait_for slurmctld 30 sh -c 'scontrol ping | grep -q "is UP"'
fi
if ! alive "$ROOT/run/slurmd.pid"; then
  slurmd
  sleep 0.5
  scontrol update NodeName="$HOST" State=RESUME 2>/dev/null || true  # a node that was drained stays so
fi
ready() { case "$(sinfo -h -n "$HOST" -p main -o %T)" in idle|mixed|allocated|completing) ;; *) return 1;; esac; }
wait_for "node $HOST" 30 ready
echo "Slurm is up: $(sinfo -h -p main -o '%c processors, %m MB')"
