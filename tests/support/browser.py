"""A Chromium for the tests: the system's own; else Debian's package; else Playwright's download.

`python -m tests.support.browser` finds or gets one; the tests fail without one.
"""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PACKAGES = ("chromium", "fonts-dejavu-core")


def executable() -> str | None:
    """The system's browser; None: Playwright's own is to be used."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def get() -> None:
    """Get one if there is none."""
    if executable() is not None:
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES]
        subprocess.run(["apt-get", "update", "-qq"], check=True, env=quiet)  # noqa: S607 - the system's own
        subprocess.run(install, check=True, env=quiet, stdout=subprocess.DEVNULL)
        return
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


if __name__ == "__main__":
    get()
