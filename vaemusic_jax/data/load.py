"""Loads data sets by name."""

from __future__ import annotations

from pathlib import Path

from vaemusic_jax.data.cache import cache_directory
from vaemusic_jax.data.corpora import find_corpus, prepare_command
from vaemusic_jax.data.dataset import Dataset, open_dataset
from vaemusic_jax.data.names import check_name, look_up, prepared_names, version_of
from vaemusic_jax.errors import UserError
from vaemusic_jax.support.progress import Progress, progress_bar


class NotReadyError(UserError):
    """The data set is known, but its music has to be brought by the user and prepared first."""


def load_dataset(name: str, *, cache_dir: str | Path | None = None, progress: Progress = progress_bar) -> Dataset:
    """Loads a prepared data set; an embedded one that is not prepared yet is prepared first.

    A name stands for what `prepare_dataset` (`vaemusic data prepare`) last prepared under it. Later changes of the
    source are not noticed; after an update of this package that reads music differently, the source is read again.

    Args:
        name: such as `irish_folk`.
        cache_dir: where prepared data sets are kept; default $VAEMUSIC_CACHE, else the user's cache directory.
        progress: shows the reading.

    Raises:
        NotReadyError: it has to be prepared first, from the user's own files.
        UserError: unknown name, damaged cache file, cache that cannot be written.
    """
    check_name(name)
    entry = look_up(name, cache_dir)
    if entry is not None and entry.code == version_of(entry.source is None):
        try:
            return open_dataset(name, cache_directory(cache_dir) / entry.file)
        except FileNotFoundError:
            pass
    from vaemusic_jax.data.prepare import prepare_dataset  # here, because it imports every reader

    if entry is None:
        if not find_corpus(name, prepared_names(cache_dir)).embedded:
            raise NotReadyError(
                f"data set {name!r} is not prepared; run {prepare_command(name)} "
                "(`vaemusic data list` says where its files come from)"
            )
        return prepare_dataset(name, cache_dir=cache_dir, progress=progress).dataset
    if entry.source is not None and not Path(entry.source).exists():
        raise NotReadyError(
            f"data set {name!r} has to be read again from {entry.source}, which is gone: what was made of it is gone "
            f"too, or another version made it; run {prepare_command(name)} again"
        )
    return prepare_dataset(
        name,
        source=entry.source,
        reading=entry.reading,
        split_seed=entry.split_seed,
        cache_dir=cache_dir,
        progress=progress,
    ).dataset
