"""A cache of compiled programs for later commands, since most of a short command's time goes into compiling."""

from filelock import FileLock

from vaemusic_jax.data.cache import cache_directory
from vaemusic_jax.errors import UserError

MAX_BYTES = 2 * 2**30  # Beyond this size, JAX drops the programs that have not been used for the longest time.


def keep_programs() -> None:
    """Makes JAX keep programs that take a second or more to compile in the folder `programs` of the cache directory.

    Call it before JAX compiles anything. If the user has chosen a folder (JAX_COMPILATION_CACHE_DIR), it changes
    nothing; if our folder cannot be written, nothing is kept. JAX itself distinguishes versions and processors.

    Raises:
        UserError: an environment variable of JAX has a value that JAX does not know.
    """
    try:
        import jax
    except ValueError as error:  # JAX reads its environment variables when it is imported
        raise UserError(f"JAX's environment variables: {error}; correct it or unset it") from error

    if jax.config.values["jax_compilation_cache_dir"] is not None:
        return
    folder = cache_directory() / "programs"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lockfile", timeout=10):  # JAX takes the same lock to write.
            for program in folder.glob("*-cache"):
                # JAX writes the time of use last. If it is missing, a process died or the disk was full on the way.
                if not program.with_name(program.name.removesuffix("-cache") + "-atime").exists():
                    program.unlink()
    except OSError:
        return
    jax.config.update("jax_compilation_cache_max_size", MAX_BYTES)
    jax.config.update("jax_compilation_cache_dir", str(folder))
