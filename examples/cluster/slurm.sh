#!/bin/bash
# slurm.sh RECORDINGS RESULTS [PARTS]: nights as a job array, then tables and pages. Run it on the login node.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
array=$(sbatch --parsable --array="1-${3:-16}" "$here/slurm_nights.sh" "$1" "$2")
# afterany: a part in which a night failed ends with 1, and the others are compared all the same
sbatch --dependency="afterany:$array" --cpus-per-task=4 --mem=8G --time=02:00:00 \
    --wrap "swa compare $(printf %q "$2")"
