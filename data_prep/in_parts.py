"""What is done here before and after a table is prepared in parts elsewhere: aws/prepare.py calls it.

python -m data_prep.in_parts cut TABLE DESCRIPTION COUNT FOLDER
python -m data_prep.in_parts join PARTS MADE DESCRIPTION OUTPUT
"""

import json
import sys
from pathlib import Path

from data_prep.errors import DataError, PrepError
from data_prep.files import csv_files
from data_prep.output import replaced_files
from data_prep.parts import Parts, cut, join
from data_prep.table import Table

PARTS = "parts.json"


def main(command: str, *arguments: str) -> None:
    try:
        {"cut": _cut, "join": _join}[command](*arguments)
    except PrepError as error:
        sys.exit(f"Error: {error}")


def _cut(table: str, description_path: str, count: str, folder: str) -> None:
    files = csv_files(Path(table))
    if "both" not in files:
        raise DataError(f"{table} holds train.csv and test.csv: only one table can be prepared in parts.")
    description = json.loads(Path(description_path).read_text(encoding="utf-8"))
    with replaced_files(Path(folder)) as staging:
        parts = cut(Table(files["both"], description), Path(table).name, int(count), staging)
        parts.write(staging / PARTS)


def _join(parts: str, made: str, description_path: str, output: str) -> None:
    description = json.loads(Path(description_path).read_text(encoding="utf-8"))
    with replaced_files(Path(output)) as staging:
        rows = join(Parts.read(Path(parts)), Path(made), description, staging)
    print(f"{rows['train']:,} training and {rows['test']:,} test rows in {output}/")


if __name__ == "__main__":
    main(*sys.argv[1:])
