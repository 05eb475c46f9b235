"""The commands: each a few lines over the library, which can do everything that they do.

With ``--json`` a command prints one JSON document on standard output; everything else goes to standard error. Exit
status: 0 done, 2 wrong usage or bad input with one clear line, 1 a fault of ours.
"""

from salm.cli.main import main

__all__ = ["main"]
