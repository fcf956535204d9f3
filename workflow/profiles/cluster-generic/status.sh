#!/bin/sh
# What became of a job of Grid Engine, by its number: prints running, success or failed.
# Snakemake asks it again and again, so that a job that the scheduler killed is not waited for.
job=$1
seen=logs/cluster/$job.gone # since when neither queue nor accounting has known the job

if ! command -v qstat > /dev/null; then
    echo "$0: there is no qstat here; put your scheduler's commands in its place" >&2
    exit 1
fi
listed=$(qstat) || { echo running; exit; } # no answer now: ask again later
case $(echo "$listed" | awk -v job="$job" '$1 == job { print $5; exit }') in
    *E*) echo failed ;; # an error state, in which a job waits for ever
    ?*) echo running ;;
    *)
        if record=$(qacct -j "$job" 2> /dev/null); then
            echo "$record" | awk '
                $1 == "failed" { failed = $2 }
                $1 == "exit_status" { status = $2 }
                END { print (failed == "0" && status == "0") ? "success" : "failed" }'
        elif [ -n "$(find "$seen" -mmin +1 2> /dev/null)" ]; then
            echo failed
        else # the accounting is written a little later
            [ -e "$seen" ] || { mkdir -p logs/cluster && : > "$seen"; }
            echo running
        fi
        ;;
esac
