#!/bin/sh
# A worker that copies one folder after another for one user, and says so in the stream that nodes read.
set -eu

# Says it until Redis has taken it: what is never said is never shown, and a task without its end looks alive for hours.
say() {
    until redis-cli -e -h "${REDIS:-127.0.0.1}" -p "${REDIS_PORT:-6379}" XADD carillon:tasks '*' json "$1" >/dev/null; do
        sleep 0.5
    done
}

task=
# Who stops in the midst of a task says so, too.
trap '[ -z "$task" ] || say "{$task,\"action\":\"cancel\"}"; exit 0' TERM INT

count=0
while [ "$count" -lt "${TASKS:-1000000000}" ]; do
    count=$((count + 1))
    task="\"identity\":\"copy-$(date +%s)-$count\",\"userIdentity\":\"${TASK_USER:-5}\",\"name\":\"folder $count\""
    progress=0
    while [ "$progress" -lt 100 ]; do
        say "{$task,\"status\":100,\"progress\":$progress}"
        progress=$((progress + 10))
        sleep "${PAUSE:-0.5}"
    done
    say "{$task,\"status\":1000,\"progress\":100}"
    task=
done
