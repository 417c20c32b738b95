"""The program of the processing job that measures a model: its answers beside the labels of the held-out rows.

``python3 evaluate.py binary|multiclass`` writes evaluation.json in the form that SageMaker shows as model quality.
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html
"""

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path

PROCESSING = Path("/opt/ml/processing")
THRESHOLD = 0.5  # of a score for two classes


def main() -> None:
    kind = sys.argv[1]
    labels = [float(row[0]) for row in csv.reader(_lines(PROCESSING / "input" / "held-out"))]
    answers = [_class_of(line) for line in _lines(PROCESSING / "input" / "answers")]
    if not labels or len(labels) != len(answers):
        sys.exit(f"Error: {len(answers)} answers for {len(labels)} held-out rows.")
    accuracy = sum(map(float.__eq__, labels, answers)) / len(labels)
    report = {f"{kind}_classification_metrics": {"accuracy": {"value": accuracy, "standard_deviation": "NaN"}}}
    folder = PROCESSING / "output" / "evaluation"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evaluation.json").write_text(json.dumps(report), encoding="utf-8")
    print(f"accuracy {accuracy:.4f} of {len(labels)} rows")


def _lines(folder: Path) -> Iterator[str]:
    for path in sorted(folder.iterdir()):
        with path.open(encoding="utf-8") as file:
            yield from (line for line in file if line.strip())


def _class_of(line: str) -> float:
    """Linear Learner says the class, XGBoost a score for two classes, or one for each."""
    if line.startswith("{"):
        return float(json.loads(line)["predicted_label"])
    scores = [float(score) for score in line.split(",")]
    return float(scores.index(max(scores)) if len(scores) > 1 else scores[0] >= THRESHOLD)


if __name__ == "__main__":
    main()
