"""Download the wheels that are read as data, with pip and the index that it is configured with.

[tool.pairsmith.wheels] of pyproject.toml pins each wheel by version and sha256. The files are in
share/pairsmith/ of the environment.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

from stages.collect.wheels import Wheel
from stages.lib.core import atomic
from stages.lib.core.errors import UserError
from stages.lib.core.secrets import hide_secrets
from stages.lib.core.temporary_folders import temporary_folder

_OPTIONS = (
    "--no-deps",
    "--only-binary",
    ":all:",
    "--disable-pip-version-check",
    "--no-input",
    "--quiet",
)


def fetch_wheel(wheel: Wheel, pinned_in: str = "pyproject.toml") -> None:
    """Download `wheel`, verify it and move it to its place.

    Args:
        wheel: the wheel.
        pinned_in: the file that pins it, for messages.

    Raises:
        UserError: pip cannot download it, or downloads other bytes than the pinned ones.
    """
    requirement = f"{wheel.name}=={wheel.version}"
    with temporary_folder() as folder:
        # Download.
        pip_download = [sys.executable, "-m", "pip", "download", *_OPTIONS]
        process = subprocess.run(
            [*pip_download, "--dest", folder, requirement],
            capture_output=True,
            text=True,
            check=False,
        )
        if process.returncode:
            # The last line of pip says what went wrong.
            lines = [line for line in process.stderr.splitlines() if line.strip()]
            reason = hide_secrets(lines[-1]) if lines else f"exit code {process.returncode}"
            raise UserError(
                f"pip could not download {requirement}: {reason}",
                "check the network and pip's index ('pip config list'), then run the command again",
            )

        # Verify.
        files = list(folder.glob("*.whl"))
        if len(files) != 1 or not wheel.matches(files[0]):
            raise UserError(
                f"the download of {requirement} has another sha256 than {pinned_in} pins",
                "if the version was raised on purpose, pin its sha256; "
                "otherwise do not trust this index",
            )

        # Move.
        with atomic.write(wheel.path) as temporary:
            shutil.copyfile(files[0], temporary)
