"""JAX with the settings that results depend on, whatever the user's environment variables and JAX's release say.

Random bits depend on the implementation of keys, on whether it is partitionable, and on an offset of seeds. All three
can be set by environment variables, and JAX changes their defaults from release to release. They are fixed here, so
that a trial has the same random numbers everywhere.
"""

from typing import Any

import jax

from vaemusic_jax.errors import UserError

KEY_IMPLEMENTATION = "threefry2x32"
RANDOM_BITS = f"{KEY_IMPLEMENTATION}, partitionable"  # what checkpoints record; another text means other random numbers

PINNED = {
    "jax_threefry_partitionable": True,
    "jax_random_seed_offset": 0,
    # Programs are written for 32 bits, and are compiled before they run.
    "jax_enable_x64": False,
    "jax_disable_jit": False,
    # JAX's default is less than float32 on GPUs and TPUs. Networks say their own, see `models.precision`.
    "jax_default_matmul_precision": "highest",
    # A trial that diverges is recorded as such, and must not end the sweep.
    "jax_debug_nans": False,
    "jax_debug_infs": False,
    # Some checks refuse what JAX's own functions and Orbax do.
    "jax_check_tracer_leaks": False,
    "jax_transfer_guard": None,
    "jax_transfer_guard_host_to_device": None,
    "jax_transfer_guard_device_to_device": None,
    "jax_transfer_guard_device_to_host": None,
}


def random_key(seed: Any) -> jax.Array:
    """Returns the key of a seed, (), whose bits depend on the seed alone once `pin_settings` has been called."""
    return jax.random.key(seed, impl=KEY_IMPLEMENTATION)


def pin_settings() -> None:
    """Sets the settings of PINNED; call it before keys are made or programs are compiled."""
    for name, value in PINNED.items():
        if getattr(jax.config, name) != value:
            jax.config.update(name, value)


def check_devices() -> None:
    """Makes JAX connect to its devices.

    Raises:
        UserError: it cannot, since JAX_PLATFORMS or another setting names devices that this machine does not have.
    """
    try:
        jax.devices()
    except (RuntimeError, AssertionError) as error:  # the second, without words, if a plugin is there but no device
        asked = jax.config.values["jax_platforms"]
        why = f"{'; ' if asked else ': '}{error}" if str(error) else ""
        where = f"JAX_PLATFORMS: is {asked!r}, and JAX finds no such devices here" if asked else "JAX finds no devices"
        raise UserError(f"{where}{why}; unset it, or set JAX_PLATFORMS=cpu") from error
