"""data_prep as the program of a SageMaker processing job: ``python3 data_prep.zip`` in a scikit-learn image.

Standard library only, and Python 3.10: what such an image has. The table, and the description that
``python -m data_prep --check --describe`` writes, are its inputs; its outputs are a folder for each use.
https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
"""

import json
import sys
from pathlib import Path

from data_prep.errors import PrepError
from data_prep.files import csv_files
from data_prep.prepare import Source, prepare
from data_prep.table import Table

PROCESSING = Path("/opt/ml/processing")
MESSAGE = Path("/opt/ml/output/message")  # becomes the job's ExitMessage
OUTPUTS = {"train_aws.csv": "train", "test_aws.csv": "held-out", "test_raw.csv": "schema", "schema.json": "schema"}


def main() -> None:
    """Prepare the one file in ``input/table``, and put each result into the folder of its output."""
    [description_path] = (PROCESSING / "input" / "description").iterdir()
    [table_path] = (PROCESSING / "input" / "table").iterdir()
    description = json.loads(description_path.read_text(encoding="utf-8"))
    prepared = PROCESSING / "prepared"
    try:
        tables = {side: Table(file, description) for side, file in csv_files(table_path).items()}
        summary = prepare(Source(tables, table_path.name), description, prepared, lambda count: None)
    except PrepError as error:
        MESSAGE.parent.mkdir(parents=True, exist_ok=True)
        MESSAGE.write_text(str(error), encoding="utf-8")
        sys.exit(f"Error: {error}")
    _write_questions(prepared / "test_aws.csv", _output("questions") / "questions.csv")
    for name, output in OUTPUTS.items():
        (prepared / name).rename(_output(output) / name)
    print(f"{summary.rows['train']} training and {summary.rows['test']} held-out rows")


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
