#!/bin/bash
#SBATCH --job-name=swa
#SBATCH --cpus-per-task=1
#SBATCH --mem=3G
#SBATCH --time=04:00:00
set -euo pipefail
swa run "$1" -o "$2" --jobs 1 --part "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT"
