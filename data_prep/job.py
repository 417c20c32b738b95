"""data_prep as the program of a SageMaker processing job: ``python3 data_prep.zip`` in a scikit-learn image.

Standard library only, and Python 3.10: what such an image has. The table, and the description that
``python -m data_prep --check --describe`` writes, are its inputs; its outputs are a folder for each use.
For several hosts there are two jobs, ``data_prep.zip gather`` and then ``data_prep.zip encode``: each host has some
of the table's parts, and in the second what was gathered of all of them.
https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
"""

import json
import sys
from pathlib import Path

from data_prep.errors import PrepError
from data_prep.files import csv_files
from data_prep.parts import Parts, encode, gather, here, medians
from data_prep.prepare import Source, prepare
from data_prep.schema import Description
from data_prep.table import Table

PROCESSING = Path("/opt/ml/processing")
MESSAGE = Path("/opt/ml/output/message")  # becomes the job's ExitMessage
OUTPUTS = {"train_aws.csv": "train", "test_aws.csv": "held-out", "test_raw.csv": "schema", "schema.json": "schema"}


def main() -> None:
    stages = {"gather": gather_parts, "encode": encode_parts}
    description = json.loads(_only("description").read_text(encoding="utf-8"))
    try:
        (stages[sys.argv[1]] if sys.argv[1:] else prepare_table)(description)
    except PrepError as error:
        MESSAGE.parent.mkdir(parents=True, exist_ok=True)
        MESSAGE.write_text(str(error), encoding="utf-8")
        sys.exit(f"Error: {error}")


def prepare_table(description: Description) -> None:
    """Prepare the one file in ``input/table``, and put each result into the folder of its output."""
    table_path, prepared = _only("table"), PROCESSING / "prepared"
    tables = {side: Table(file, description) for side, file in csv_files(table_path).items()}
    summary = prepare(Source(tables, table_path.name), description, prepared, lambda count: None)
    _write_questions(prepared / "test_aws.csv", _output("questions") / "questions.csv")
    for name, output in OUTPUTS.items():
        (prepared / name).rename(_output(output) / name)
    print(f"{summary.rows['train']} training and {summary.rows['test']} held-out rows")


def gather_parts(description: Description) -> None:
    """Count the values of this host's parts."""
    parts, folder = Parts.read(_only("parts")), PROCESSING / "input" / "table"
    for part in here(parts, folder):
        gather(parts, part, folder, description, _output("gathered"))
        print(f"counted {part.name}")


def encode_parts(description: Description) -> None:
    """Encode this host's parts by the medians of all."""
    parts, folder = Parts.read(_only("parts")), PROCESSING / "input" / "table"
    found = medians(parts, PROCESSING / "input" / "gathered", description)
    for part in here(parts, folder):
        encode(parts, part, folder, description, found, _output("made"))
        print(f"encoded {part.name}")


def _only(name: str) -> Path:
    [path] = (PROCESSING / "input" / name).iterdir()
    return path


def _output(name: str) -> Path:
    folder = PROCESSING / "output" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _write_questions(held_out: Path, path: Path) -> None:
    """The held-out rows without their labels: what a model is asked."""
    with held_out.open(encoding="utf-8") as rows, path.open("w", encoding="utf-8") as questions:
        questions.writelines(row.partition(",")[2] for row in rows)


if __name__ == "__main__":
    main()
