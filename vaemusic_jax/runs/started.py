"""The event that says which run a command works on, and with what."""

import logging
import os
import platform
import socket

from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.support.event_log import event
from vaemusic_jax.support.versions import versions as package_versions

log = logging.getLogger(__name__)


def run_started(run: RunDirectory, command: str) -> None:
    """Reports which run a command works on, with its configuration, the versions of packages, and the devices."""
    if not log.isEnabledFor(logging.INFO):
        return
    import jax

    event(
        log,
        "run_started",
        command=command,
        run=str(run.path),
        host=socket.gethostname(),
        process=os.getpid(),
        versions={"python": platform.python_version(), **package_versions()},
        backend=jax.default_backend(),
        devices=[device.device_kind for device in jax.local_devices()],
        config=run.config.model_dump(mode="json", exclude_none=True),
        cohorts={cohort.id: [trial.id for trial in cohort.trials] for cohort in run.cohorts},
        unfinished=len(run.unfinished()),
    )
