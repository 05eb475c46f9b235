"""CSV tables that list files: the sounds of a corpus, recordings, impulse responses."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

from salm.errors import InputError

__all__ = ["read_files", "read_rows"]


def read_rows(table: Path, *, required: Sequence[str], of: str = "sounds") -> list[tuple[int, dict[str, str]]]:
    """Rows of a table with the line each ends on, every value stripped; cells that are missing are empty.

    Parameters
    ----------
    table
        UTF-8 with a header line.
    required
        Columns that the table must have.
    of
        What it lists, for messages.

    Raises
    ------
    InputError
        If the table is missing, cannot be read, lacks a column or has no rows, or if a row has more cells than columns.
    """
    try:
        # Spreadsheets put a byte order mark before the first column's name.
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="", strict=True)
            columns = reader.fieldnames or ()
            rows = [(reader.line_num, row) for row in reader]
    except FileNotFoundError as error:
        raise InputError(f"{table} does not exist; expected a folder with a table of its {of}.") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{table} cannot be read as a CSV table in UTF-8: {error}.") from error
    if missing := [column for column in required if column not in columns]:
        raise InputError(f"{table} has no column {' and no column '.join(missing)}; it has {', '.join(columns)}.")
    if not rows:
        raise InputError(f"{table} lists no {of}; add one row a file.")
    if too_long := next((line for line, row in rows if None in row), None):
        raise InputError(f"{table}, line {too_long}: there are more cells than columns; quote cells that hold a comma.")
    return [(line, {column: value.strip() for column, value in row.items()}) for line, row in rows]


def read_files(
    table: Path, *, required: Sequence[str], of: str
) -> tuple[dict[str, list[tuple[str, dict[str, str]]]], int]:
    """Rows of each file of a table that is there, each with where it stands, and how many files are not there.

    Parameters
    ----------
    table
        As of :func:`read_rows`; the paths in its column ``file`` are relative to its folder.
    required, of
        As of :func:`read_rows`.

    Raises
    ------
    InputError
        As of :func:`read_rows`, and if a row names no file, or no file is there.
    """
    files: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for line, row in read_rows(table, required=required, of=of):
        where = f"{table}, line {line}"
        if not row["file"]:
            raise InputError(f"{where}: the file is empty; every row needs one.")
        files.setdefault(row["file"], []).append((where, row))
    # Of a name that is too long for the system a path raises; this says that there is no such file.
    there = {name: rows for name, rows in files.items() if os.path.isfile(table.parent / name)}
    if not there:
        raise InputError(
            f"{table} lists {len(files)} files and none of them is in {table.parent}; correct their paths."
        )
    return there, len(files) - len(there)
