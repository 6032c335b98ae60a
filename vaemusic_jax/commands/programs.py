"""Compiled programs, kept from one command to the next: most of a short command is compiling them."""

from filelock import FileLock

from vaemusic_jax.data.cache import cache_directory

MAX_BYTES = 2 * 2**30  # beyond them JAX drops the programs that were used longest ago


def keep_programs() -> None:
    """Has JAX keep what takes it a second or more to compile in `programs` of the cache directory, and find it there.

    To be called before JAX compiles anything. A folder of the user's own choice (JAX_COMPILATION_CACHE_DIR) is left to
    the user; where ours cannot be written, nothing is kept. JAX tells versions and processors apart.
    """
    import jax

    if jax.config.values["jax_compilation_cache_dir"] is not None:
        return
    folder = cache_directory() / "programs"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lockfile", timeout=10):  # the one JAX writes under
            for program in folder.glob("*-cache"):
                # JAX notes the time of use last: without it, a process died or the disk was full half-way.
                if not program.with_name(program.name.removesuffix("-cache") + "-atime").exists():
                    program.unlink()
    except OSError:
        return
    jax.config.update("jax_compilation_cache_max_size", MAX_BYTES)
    jax.config.update("jax_compilation_cache_dir", str(folder))
