"""Write whom a trained model must name: one row for each recording of a corpus that it was trained on.

    python tools/attribution.py CORPUS OUT.csv [COLUMN=VALUE ...]

Rows are those of the split `train` with the given values in the corpus's manifest.
"""

import csv
import sys
from pathlib import Path

COLUMNS = ("id", "caption", "licence", "source_licence", "attribution", "source", "source_path")


def main(corpus: str, out: str, *pairs: str) -> None:
    wanted = {"split": "train", **dict(pair.split("=", 1) for pair in pairs)}
    with Path(corpus, "manifest.csv").open(newline="", encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table) if all(row[column] == value for column, value in wanted.items())]
    with Path(out).open("w", newline="", encoding="utf-8") as table:
        writer = csv.DictWriter(table, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    sys.stderr.write(f"{len(rows)} recordings in {out}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
