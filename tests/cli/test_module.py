"""The command line by ``python -m``."""

import subprocess
import sys

from itb_bayes import __version__


def test_python_m_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "itb_bayes", "--version"], capture_output=True, text=True, check=True
    )
    assert __version__ in done.stdout
