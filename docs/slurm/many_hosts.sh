#!/usr/bin/env bash
# One sweep as one program on two hosts with four GPUs each, one process per GPU:
#
#     sbatch docs/slurm/many_hosts.sh configs/paper.yaml
#
# The same command again goes on from the last checkpoint, on as many hosts as it then gets. The run directory, and the
# folder that this is submitted from, have to be on a disk that the hosts share.
# --mem and the disk have to hold what `vaemusic sweep CONFIG --dry-run` says that saving checkpoints needs; change --mem to that.
#
#SBATCH --job-name=vaemusic
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=4
#SBATCH --mem=64G
#SBATCH --time=12:00:00
#SBATCH --output=%x-%j.out
#SBATCH --signal=TERM@120
set -euo pipefail

# Every process sees its host's GPUs, of which JAX takes the one with the process's number on that host.
# --wait=0: the first process evaluates when the others have left. --kill-on-bad-exit: when one dies, so do the others.
srun --wait=0 --kill-on-bad-exit=1 vaemusic sweep "$1" --distributed
