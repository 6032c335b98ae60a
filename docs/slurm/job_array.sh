#!/usr/bin/env bash
# A sweep in independent parts, one GPU each:
#
#     sbatch --array=1-8 docs/slurm/job_array.sh configs/paper.yaml
#
# Part I of N trains in runs/NAME-shard-I-of-N. A part that was cut short goes on when it is submitted again in an array of
# the same size: sbatch --array=3 would be one part of one, so name the size, PARTS=8 sbatch --array=3 ... Once they have
# finished, join them: vaemusic merge runs/paper runs/paper-shard-*-of-8
# --mem and the disk have to hold what `vaemusic sweep CONFIG --dry-run` says that saving checkpoints needs; change --mem to that.
#
#SBATCH --job-name=vaemusic
#SBATCH --gpus=1
#SBATCH --cpus-per-task=4
#SBATCH --mem=32G
#SBATCH --time=12:00:00
#SBATCH --output=%x-%A_%a.out
#SBATCH --signal=TERM@120
set -euo pipefail

config=$1
parts=${PARTS:-$SLURM_ARRAY_TASK_COUNT}
mkdir -p logs

# As a step of the job, so that Slurm's signal reaches it two minutes before the time is up: it saves, and ends.
srun vaemusic sweep "$config" --shard "$SLURM_ARRAY_TASK_ID/$parts" \
    --log-file "logs/$(basename "$config" .yaml)-$SLURM_ARRAY_TASK_ID-of-$parts.jsonl"
