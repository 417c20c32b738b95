"""What of the built-in algorithms can be tuned: their metrics, and the hyperparameters with their recommended ranges.

https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost-tuning.html
https://docs.aws.amazon.com/sagemaker/latest/dg/linear-learner-tuning.html
"""

from collections.abc import Mapping
from dataclasses import dataclass

from preflight.sagemaker.training.metrics import BUILTIN_METRICS
from preflight.sagemaker.tuning.request import CategoricalParameterRange, NumericParameterRange, ParameterRanges
from preflight.sagemaker.tuning.search_space import LINEAR, LOGARITHMIC


@dataclass(frozen=True)
class TunableAlgorithm:
    """``objectives`` are its metrics that can be one, each with its Type."""

    objectives: Mapping[str, str]
    ranges: ParameterRanges


def _range(name: str, low: float, high: float, scale: str = LINEAR) -> NumericParameterRange:
    return NumericParameterRange(name=name, min_value=str(low), max_value=str(high), scaling_type=scale)


_XGBOOST_MINIMIZED = (
    *("aft-nloglik", "cox-nloglik", "error", "gamma-deviance", "gamma-nloglik", "interval-regression-accuracy"),
    *("logloss", "mae", "mape", "merror", "mlogloss", "mphe", "mse", "poisson-nloglik", "rmse", "rmsle"),
    "tweedie-nloglik",
)
_LINEAR_LEARNER_MINIMIZED = ("absolute_loss", "mse", "objective_loss")
# What only describes how far the training is.
_LINEAR_LEARNER_NO_OBJECTIVES = ("objective_loss:final",)


def _objectives(algorithm: str, splits: tuple[str, ...], minimized: tuple[str, ...]) -> dict[str, str]:
    """The metrics that the algorithm emits of ``splits``."""
    split_names = (definition.name.partition(":") for definition in BUILTIN_METRICS[algorithm])
    return {
        f"{split}:{name}": "Minimize" if name in minimized else "Maximize"
        for split, _, name in split_names
        if split in splits and name not in _LINEAR_LEARNER_NO_OBJECTIVES
    }


TUNABLE_ALGORITHMS = {
    "xgboost": TunableAlgorithm(
        objectives=_objectives("xgboost", ("validation",), _XGBOOST_MINIMIZED),
        ranges=ParameterRanges(
            integer_parameter_ranges=(
                _range("max_delta_step", 0, 10),
                _range("max_depth", 0, 10),
                _range("num_round", 1, 4000),
            ),
            continuous_parameter_ranges=(
                _range("alpha", 0, 1000),
                _range("colsample_bylevel", 0.1, 1),
                _range("colsample_bynode", 0.1, 1),
                _range("colsample_bytree", 0.5, 1),
                _range("eta", 0.1, 0.5),
                _range("gamma", 0, 5),
                _range("lambda", 0, 1000),
                _range("min_child_weight", 0, 120),
                _range("subsample", 0.5, 1),
            ),
        ),
    ),
    "linear-learner": TunableAlgorithm(
        objectives=_objectives("linear-learner", ("validation", "test"), _LINEAR_LEARNER_MINIMIZED),
        ranges=ParameterRanges(
            integer_parameter_ranges=(_range("mini_batch_size", 100, 5000),),
            continuous_parameter_ranges=(
                _range("wd", 1e-7, 1, LOGARITHMIC),
                _range("l1", 1e-7, 1, LOGARITHMIC),
                _range("learning_rate", 1e-5, 1, LOGARITHMIC),
                _range("positive_example_weight_mult", 1e-5, 1e5, LOGARITHMIC),
            ),
            categorical_parameter_ranges=(CategoricalParameterRange(name="use_bias", values=("true", "false")),),
        ),
    ),
}
