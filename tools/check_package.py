"""Build the distributions, install the wheel alone into an empty environment elsewhere, and use it there.

    python tools/check_package.py

Needs `build` and minutes: everything that `salm` depends on is installed, at the versions of `constraints.txt`. The
package is then made read-only, with a home in which nothing can be written, where the system lets this be done
(`unshare` and `mount`).
"""

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
INSIDE = (
    "salm/py.typed",
    "salm/weights/small/model.safetensors",
    "salm/weights/small/ATTRIBUTION.csv",
    "salm/weights/mn04/LICENSE.EfficientAT.MIT",
    "salm/weights/minilm-l6-v2/LICENSE.Apache-2.0",
    "salm/web/page/index.html",
    "salm/audio/kemar_foa.safetensors",
)
READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(sys.executable, "-m", "build", "-o", folder / "dist", ROOT)
        (wheel,), (source,) = (folder / "dist").glob("*.whl"), (folder / "dist").glob("*.tar.gz")
        missing = set(INSIDE) - set(zipfile.ZipFile(wheel).namelist())
        if missing:
            sys.stderr.write(f"{wheel.name} lacks {', '.join(sorted(missing))}\n")
            return 1
        for made in (wheel, source):
            sys.stdout.write(f"{made.name}: {made.stat().st_size / 1e6:.1f} MB\n")
        run(sys.executable, "-m", "venv", folder / "venv")
        python, salm = folder / "venv/bin/python", folder / "venv/bin/salm"
        run(python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", wheel)
        run(salm, "demo", "--out", folder / "demo", cwd=folder)
        clip = min((folder / "demo" / "library").iterdir())
        run(salm, "locate", clip, cwd=folder)
        (package,) = (folder / "venv/lib").glob("python*/site-packages")
        alone = ("unshare", "--mount", "--map-root-user", "sh", "-c", READ_ONLY, "sh", package)
        run(*alone, salm, "locate", clip, cwd=folder, home="/proc")
        run(*alone, salm, "demo", "--out", folder / "again", cwd=folder, home="/proc")
    return 0


def run(*command: str | Path, cwd: Path = ROOT, home: str = "") -> None:
    """Run a command, which must succeed, without what this environment adds to Python."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    if home:
        environment["HOME"] = home
    sys.stdout.write(f"$ {' '.join(map(str, command))}\n")
    sys.stdout.flush()
    subprocess.run(list(map(str, command)), cwd=cwd, env=environment, check=True)


if __name__ == "__main__":
    raise SystemExit(main())
