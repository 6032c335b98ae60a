"""Records what each name of a data set stands for, in one small JSON file a name, beside the prepared data.

`vaemusic data prepare NAME` writes the file, and `load_dataset(NAME)` looks it up.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from vaemusic_jax.data.cache import cache_directory
from vaemusic_jax.data.tunes import Pitch, Reading, Voices
from vaemusic_jax.errors import UserError
from vaemusic_jax.music.grid import COMMON, GRIDS
from vaemusic_jax.support.atomic import write_atomically
from vaemusic_jax.support.names import checked_name, is_name

#: Version of reading: of all that turns the bytes of music files into measures, vocabulary and splits of a data set.
#: When reading changes, the number goes up, and what users have prepared is read again. The golden digests of
#: `tests/data/test_reader_version.py` fail where reading changes and the number does not.
READER_VERSION = 2


def _checked_file(name: str) -> str:
    """Returns the name of a file in the cache. Raises ValueError if it leads elsewhere."""
    checked_name(name.rpartition("-")[0])
    checked_name(name.rpartition("-")[2])
    return name


class Entry(BaseModel):
    """The source of a named data set, how it was read, and the file that holds it.

    Attributes:
        source: the user's folder or file; None for embedded files.
        pitch, voices, metre: as in `Reading`.
        split_seed: of the split.
        file: name of the prepared file in the cache.
        code: `version_of` the package that prepared it. Early versions wrote a hash of their source code there.
        summary: a few words for lists.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str | None
    pitch: Pitch
    voices: Voices
    metre: Literal[tuple(GRIDS)] = COMMON  # type: ignore[valid-type]
    split_seed: int
    file: Annotated[str, AfterValidator(_checked_file)]
    code: str
    summary: str

    @property
    def reading(self) -> Reading:
        """How its files were read."""
        return Reading(self.pitch, self.voices, self.metre)


def check_name(name: str) -> None:
    """Raises UserError when a data set cannot have this name."""
    try:
        checked_name(name)
    except ValueError as error:
        raise UserError(f"data set: {error}") from None


def look_up(name: str, cache_dir: str | Path | None = None) -> Entry | None:
    """The entry of a name; None when there is none, or none that this version understands."""
    try:
        return Entry.model_validate_json(_path(name, cache_dir).read_bytes())
    except (OSError, ValidationError):
        return None


def write_down(name: str, entry: Entry, cache_dir: str | Path | None = None) -> None:
    """Writes the entry of a name, in place of any earlier one."""
    write_atomically(_path(name, cache_dir), entry.model_dump_json(indent=1).encode())


def prepared_names(cache_dir: str | Path | None = None) -> list[str]:
    """Every name with an entry, sorted."""
    try:
        files = list(cache_directory(cache_dir).glob("*.name.json"))
    except OSError:
        return []
    names = (path.name.removesuffix(".name.json") for path in files)
    return sorted(name for name in names if is_name(name))


def version_of(embedded: bool) -> str:
    """What prepared data depend on besides their source: the version of reading, and of music21 for its own files."""
    return f"{READER_VERSION}" + (f" music21 {metadata.version('music21')}" if embedded else "")


def _path(name: str, cache_dir: str | Path | None) -> Path:
    return cache_directory(cache_dir) / f"{name}.name.json"
