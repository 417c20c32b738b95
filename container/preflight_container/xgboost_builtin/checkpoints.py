"""Checkpoints as the built-in writes them: a model after every round, from which a job that was interrupted goes on.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
"""

import re
from pathlib import Path
from typing import Any

import xgboost

from preflight_container.log import log

FILE_NAME = "xgboost-checkpoint"
KEPT = 5

# SageMaker's marks on files in the folder: not to upload; being uploaded; uploaded.
IGNORED, UPLOADING, UPLOADED = ".sagemaker-ignore", ".sagemaker-uploading", ".sagemaker-uploaded"


def load_checkpoint(folder: Path) -> tuple[xgboost.Booster | None, int]:
    """(the newest model in the folder that can be read, how many rounds it has); (None, 0) when there is none."""
    for finished, path in reversed(_checkpoints(folder)[-KEPT:]):
        try:
            booster = xgboost.Booster()
            booster.load_model(bytearray(path.read_bytes()))
        except (xgboost.core.XGBoostError, OSError) as error:
            log(f"Wrong checkpoint model format {path.name}: {str(error)[:200]}", level="WARNING")
            continue
        log(f"Checkpoint loaded from {path.name}")
        log(f"Resuming from iteration {finished + 1}")
        return booster, finished + 1
    return None, 0


class SaveCheckpoints(xgboost.callback.TrainingCallback):
    """Writes `xgboost-checkpoint.N` after round N, counted from 0, and keeps the last few."""

    def __init__(self, folder: Path, first_round: int) -> None:
        super().__init__()
        self._folder = folder
        self._first_round = first_round
        folder.mkdir(parents=True, exist_ok=True)

    def after_iteration(self, model: Any, epoch: int, evals_log: dict[str, Any]) -> bool:
        path = self._folder / f"{FILE_NAME}.{self._first_round + epoch}"
        unfinished = path.with_name(path.name + IGNORED)
        unfinished.write_bytes(model.save_raw("ubj"))
        unfinished.replace(path)
        for _, old in _checkpoints(self._folder)[:-KEPT]:
            if not _is_being_uploaded(old):
                old.unlink(missing_ok=True)
        return False


def _checkpoints(folder: Path) -> list[tuple[int, Path]]:
    """(round, file), the oldest first."""
    names = (re.fullmatch(rf"{FILE_NAME}\.(\d{{1,9}})", path.name) for path in folder.glob(f"{FILE_NAME}.*"))
    return sorted((int(match[1]), folder / match[0]) for match in names if match)


def _is_being_uploaded(path: Path) -> bool:
    marked = path.with_name(path.name + UPLOADING).exists()
    return marked and not path.with_name(path.name + UPLOADED).exists()
