#!/usr/bin/env bash
# Measures this package on a machine with a GPU that is lent for minutes, in at most nine of them, into one CSV file.
#
#   benchmarks/on_device.sh prepare FOLDER [PYTHON_VERSION]   where the package is installed: fills FOLDER, some 5 MB
#   benchmarks/on_device.sh run FOLDER FILE.csv [SECONDS]     on the machine: measures and appends to FILE.csv
#
# The machine needs a checkout, FOLDER, and Python with jax, flax, optax, orbax, pandas, pyarrow, rich and torch: none of
# music21, symusic, verovio and tyro. FOLDER holds a prepared data set and wheels of the small packages that images with
# CUDA lack. A second `run` with the same file measures what the first had no time for.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in
prepare)
    folder=$2 version=${3:-3.12}
    mkdir -p "$folder"
    python3 -c "
import shutil, sys
from vaemusic_jax.data.load import load_dataset
shutil.copyfile(load_dataset('irish_folk').path, sys.argv[1])" "$folder/irish_folk.npz"
    small="chex toolz pydantic pydantic-core annotated-types typing-inspection typing-extensions platformdirs"
    exact=$(python3 -c "
import sys
from importlib.metadata import version
print(*(f'{name}=={version(name)}' for name in sys.argv[1:]))" $small)
    python3 -m pip download -q --no-deps --only-binary=:all: --python-version "$version" --implementation cp \
        --platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
        -d "$folder/wheels" $exact
    du -sh "$folder"
    ;;
run)
    folder=$2 file=$3 seconds=${4:-530}
    if ! python3 -c "import chex, pydantic, platformdirs" 2>/dev/null; then
        site=$(mktemp -d)
        python3 -m pip install -q --no-index --no-deps --no-compile --target "$site" "$folder"/wheels/*.whl
        export PYTHONPATH=$site${PYTHONPATH:+:$PYTHONPATH}
    fi
    export XLA_PYTHON_CLIENT_PREALLOCATE=false
    timeout --signal=INT --kill-after=15 "$((seconds - 15))" \
        python3 -m benchmarks.on_device "$folder/irish_folk.npz" "$file" --seconds "$((seconds - 30))"
    ;;
*)
    sed -n '2,10s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac
