"""Keeps the result of reading each piece of music, under a hash of its content, in one SQLite file.

An interrupted reading therefore goes on where it stopped, and a second one reads only what is new. SQLite keeps the
file whole whatever happens, also when two processes write at once.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vaemusic_jax.errors import UserError
from vaemusic_jax.support.atomic import writing

SECONDS_TO_WAIT = 60  # for another process that is writing
KEYS_PER_QUERY = 500


class ParsedStore:
    """Results by key; JSON in, the same JSON out. Used as a context manager, it closes its file at the end.

    Raises (everything here):
        UserError: the file cannot be written, or is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        with self._explaining():
            self._connection = sqlite3.connect(path, timeout=SECONDS_TO_WAIT)
            try:
                with self._connection:
                    self._connection.execute("CREATE TABLE IF NOT EXISTS parsed (key TEXT PRIMARY KEY, result BLOB)")
            except BaseException:
                self.close()
                raise

    def __enter__(self) -> ParsedStore:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def get(self, keys: Sequence[str]) -> dict[str, Any]:
        """The results there are for these keys."""
        found: dict[str, Any] = {}
        with self._explaining():
            for at in range(0, len(keys), KEYS_PER_QUERY):
                some = list(keys[at : at + KEYS_PER_QUERY])
                marks = ",".join("?" * len(some))
                rows = self._connection.execute(f"SELECT key, result FROM parsed WHERE key IN ({marks})", some)
                found.update((key, json.loads(zlib.decompress(blob))) for key, blob in rows)
        return found

    def put(self, results: Mapping[str, Any]) -> None:
        """Writes these results, all or none."""
        rows = [(key, zlib.compress(json.dumps(result).encode())) for key, result in results.items()]
        with self._explaining(), self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO parsed VALUES (?, ?)", rows)

    def close(self) -> None:
        self._connection.close()

    @contextlib.contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:  # full disk, no permission, another process that does not end
            raise UserError(
                f"{self.path}: cannot be written: {error}; free the disk or choose another --cache-dir"
            ) from error
        except (sqlite3.DatabaseError, zlib.error, ValueError) as error:
            raise UserError(
                f"{self.path}: damaged file of read music ({error}); delete it and run the same command again"
            ) from error
