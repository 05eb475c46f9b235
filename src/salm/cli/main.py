"""The command line: which command is meant, and how it ends."""

import difflib
import errno
import io
import os
import re
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr

import tyro
from tyro.conf import OmitArgPrefixes

import salm
from salm.cli.command import Command
from salm.cli.demo import Demo
from salm.cli.doctor import Doctor
from salm.cli.edit import Edit
from salm.cli.evaluating import Evaluate
from salm.cli.hearing import Embed, Locate, Rank
from salm.cli.library import IndexAdd, Search
from salm.cli.scan import Scan
from salm.cli.scenes import ScenesExport, ScenesMake, ScenesRephrase, ScenesShow
from salm.cli.serve import Serve
from salm.cli.telling import complain, say
from salm.cli.training import Train
from salm.cli.weights import Export, ImportHuggingFace, ImportLaionClap, ImportPseldnets
from salm.errors import InputError

__all__ = ["COMMANDS", "main"]

COMMANDS: dict[str, type[Command]] = {
    "demo": Demo,
    "doctor": Doctor,
    "locate": Locate,
    "rank": Rank,
    "embed": Embed,
    "index add": IndexAdd,
    "search": Search,
    "edit": Edit,
    "scan": Scan,
    "serve": Serve,
    "scenes make": ScenesMake,
    "scenes show": ScenesShow,
    "scenes export": ScenesExport,
    "scenes rephrase": ScenesRephrase,
    "train": Train,
    "evaluate": Evaluate,
    "import laion-clap": ImportLaionClap,
    "import pseldnets": ImportPseldnets,
    "import hf": ImportHuggingFace,
    "export": Export,
}
"""Every command by its words."""

_REFUSALS = frozenset(
    {
        errno.EACCES,
        errno.EDQUOT,
        errno.EFBIG,
        errno.EIO,
        errno.EMFILE,
        errno.ENAMETOOLONG,
        errno.ENFILE,
        errno.ENOMEM,
        errno.ENOSPC,
        errno.EPERM,
        errno.EROFS,
    }
)
"""What a system refuses of any program: no room, no permission, a broken disk, too many files."""

_OPTION = re.compile(r"-[a-z]|--[a-z][a-z_-]*(=.*)?", re.DOTALL)
_SIDES, _RULES = " │|", "╭╮╰╯─+-"
_TITLE = "salm: find, locate and edit spatial sound with words."
_HINT = "`salm COMMAND --help` explains one of them. Nothing leaves your machine."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # Whoever started this may have closed them. Words then go nowhere, and no file that is opened takes their numbers.
    sys.stdout = sys.stdout or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    sys.stderr = sys.stderr or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    if "--version" in words or words == ["-V"]:
        say(f"salm {salm.__version__}")
        return 0
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Names of files need not be Unicode, and what stands for their bytes is JSON too when it is escaped.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        _check_folder()
        command = _parse(words)
        command.compute_with_threads()
        return command.run()
    except InputError as error:
        complain(str(error))
        return 2
    except KeyboardInterrupt:
        complain("stopped.")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        # A file that is not where a command looks for it unforeseen is a fault of ours, and keeps its traceback.
        if error.errno not in _REFUSALS:
            raise
        complain(f"{error.filename or 'the system says'}: {error.strerror}.")
        return 2
    except MemoryError:
        complain("there is not enough memory for this; give less at once.")
        return 2


def _check_folder() -> None:
    """Refuse to work in a folder that was deleted, where torch ends the process when it is loaded."""
    try:
        os.getcwd()
    except FileNotFoundError:
        raise InputError("the folder that you are in is gone; go to another one.") from None


def _parse(words: list[str]) -> Command:
    """The command that the words ask for; wrong usage ends with status 2."""
    for name, command in COMMANDS.items():
        parts = name.split()
        if words[: len(parts)] == parts:
            return _asked(name, command, words[len(parts) :])
    return _overview(words)


def _asked(name: str, command: type[Command], words: list[str]) -> Command:
    """The command with its options.

    Raises
    ------
    InputError
        With what tyro says of wrong usage in a box of several lines, or if an option is there twice, of which only the
        last would count.
    """
    options = [word.partition("=")[0] for word in words if _OPTION.fullmatch(word)]
    once = [option for option in options if option not in command.repeatable]
    if twice := next((option for option in once if once.count(option) > 1), None):
        raise InputError(f"{twice} is given twice; give it once, and all that it takes after it.")
    box = io.StringIO()
    try:
        with redirect_stderr(box):
            return tyro.cli(command, prog=f"salm {name}", args=words, config=(OmitArgPrefixes,))
    except SystemExit as end:
        if not end.code:
            raise
        lines = [line.strip(_SIDES) for line in box.getvalue().splitlines()[1:]]
        told = " ".join(line for line in lines if line.strip(_RULES) and not line.endswith(f"salm {name} --help"))
        spoken = told.startswith("Unrecognized") and "-" not in told
        quotes = " A sentence of several words goes in quotes." if spoken else ""
        raise InputError(f"{told.removesuffix('.')}. `salm {name} --help` explains it.{quotes}") from None


def _overview(words: list[str]) -> Command:
    near = [name for name in COMMANDS if words and name.split()[0] == words[0]]
    is_help = not {"-h", "--help"}.isdisjoint(words[: 2 if near else 1])
    if is_help or not words:
        told = {name: (COMMANDS[name].__doc__ or "").splitlines()[0] for name in near or COMMANDS}
        lines = [f"  salm {name:<18} {does}" for name, does in told.items()]
        sys.stdout.write("\n".join([_TITLE, "", *lines, "", _HINT, ""]))
        raise SystemExit(0 if is_help else 2)
    meant = near or difflib.get_close_matches(words[0], COMMANDS, n=1)
    known = f"perhaps you meant: {', '.join(meant)}" if meant else f"there are {', '.join(COMMANDS)}"
    raise InputError(f"there is no command `salm {' '.join(words[:2])}`; {known}.")
