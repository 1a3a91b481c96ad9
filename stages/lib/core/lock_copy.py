"""A copy of dvc.lock for the case that DVC is killed while it writes the file.

DVC writes dvc.lock in place when a stage has run. It has finished when the next stage begins, so
each stage copies the file then. `python -m stages heal` takes from the copy what a kill cut off.
"""

from __future__ import annotations

import os
from pathlib import Path

from stages.lib.core import atomic
from stages.lib.core.errors import UserError

DVC_LOCK = Path("dvc.lock")
LOCK_COPY = Path(".dvc/tmp/dvc.lock.copy")


def copy_lock() -> None:
    """Copy dvc.lock, if DVC has started this process. Without dvc.lock no old copy stays.

    A copy that cannot be written stops no stage: it is needed after a kill alone.
    """
    if "DVC_STAGE" not in os.environ or not LOCK_COPY.parent.is_dir():
        return
    try:
        if DVC_LOCK.is_file():
            content = DVC_LOCK.read_bytes()
            with atomic.write(LOCK_COPY) as temporary:
                temporary.write_bytes(content)
        else:
            LOCK_COPY.unlink(missing_ok=True)
    except (OSError, UserError):
        return
