"""``python -m salm`` is the command ``salm``."""

from salm.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
