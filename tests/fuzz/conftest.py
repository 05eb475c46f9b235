"""What is fed in lies in a package beside the tests, which `benchmarks/fuzz.py` shares."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
