"""Linear Learner's hyperparameters, with AWS's defaults and ranges.

https://docs.aws.amazon.com/sagemaker/latest/dg/ll_hyperparameters.html
"""

import math
from collections.abc import Mapping
from typing import Any

from preflight_container.errors import CustomerError
from preflight_container.hyperparameters import (
    Hyperparameter,
    HyperparameterTable,
    Interval,
    OutOfRange,
    boolean,
    choice,
    integer,
    real,
)

BINARY, MULTICLASS, REGRESSOR = "binary_classifier", "multiclass_classifier", "regressor"

LOSSES = {
    BINARY: ["logistic", "hinge_loss"],
    MULTICLASS: ["softmax_loss"],
    REGRESSOR: [
        "squared_loss",
        "absolute_loss",
        "eps_insensitive_squared_loss",
        "eps_insensitive_absolute_loss",
        "quantile_loss",
        "huber_loss",
    ],
}
CRITERIA = [
    "accuracy",
    "f_beta",
    "f1",
    "precision_at_target_recall",
    "recall_at_target_precision",
    "cross_entropy_loss",
    "loss_function",
]
LOSS_CRITERIA = ("cross_entropy_loss", "loss_function")

POSITIVE_INTEGER = Interval(1)
POSITIVE = Interval(0, low_open=True)
NOT_NEGATIVE = Interval(0)
SHARE = Interval(0, 1)
INNER_SHARE = Interval(0, 1, low_open=True, high_open=True)


def _positive_example_weight_mult() -> Hyperparameter:
    def parse(text: str) -> float | str:
        if text in ("balanced", "auto"):
            return text
        value = float(text)
        if value not in POSITIVE or math.isinf(value):
            raise OutOfRange(f"{value} is not in {POSITIVE.as_aws()}")
        return value

    words = "balanced, auto or a number > 0"
    return Hyperparameter("positive_example_weight_mult", "Continuous", parse, words, default="1.0")


TABLE = HyperparameterTable(
    [
        choice("predictor_type", LOSSES, required=True),
        integer("num_classes", Interval(3, 1_000_000)),
        integer("feature_dim", POSITIVE_INTEGER, auto=True, default="auto"),
        integer("mini_batch_size", POSITIVE_INTEGER, default="1000"),
        integer("epochs", POSITIVE_INTEGER, default="15"),
        integer("num_models", POSITIVE_INTEGER, auto=True, default="auto"),
        integer("num_calibration_samples", POSITIVE_INTEGER, auto=True, default="auto"),
        choice("loss", [name for names in LOSSES.values() for name in names], auto=True, default="auto"),
        real("margin", POSITIVE, default="1.0"),
        real("quantile", INNER_SHARE, default="0.5"),
        real("loss_insensitivity", POSITIVE, default="0.01"),
        real("huber_delta", POSITIVE, default="1.0"),
        choice("optimizer", ["adam", "sgd", "rmsprop"], auto=True, default="auto"),
        real("learning_rate", POSITIVE, auto=True, default="auto"),
        real("momentum", Interval(0, 1, high_open=True), auto=True, default="auto"),
        real("beta_1", Interval(0, 1, high_open=True), auto=True, default="auto"),
        real("beta_2", Interval(0, 1, high_open=True), auto=True, default="auto"),
        real("l1", NOT_NEGATIVE, auto=True, default="auto"),
        real("wd", NOT_NEGATIVE, auto=True, default="auto"),
        boolean("use_bias", default="true"),
        real("bias_lr_mult", POSITIVE, auto=True, default="auto"),
        real("bias_wd_mult", NOT_NEGATIVE, auto=True, default="auto"),
        boolean("use_lr_scheduler", default="true"),
        integer("lr_scheduler_step", POSITIVE_INTEGER, auto=True, default="auto"),
        real("lr_scheduler_factor", INNER_SHARE, auto=True, default="auto"),
        real("lr_scheduler_minimum_lr", POSITIVE, auto=True, default="auto"),
        choice("init_method", ["uniform", "normal"], default="uniform"),
        real("init_scale", POSITIVE, default="0.07"),
        real("init_sigma", POSITIVE, default="0.01"),
        real("init_bias", Interval(), default="0"),
        boolean("normalize_data", auto=True, default="true"),
        boolean("normalize_label", auto=True, default="auto"),
        boolean("unbias_data", auto=True, default="auto"),
        boolean("unbias_label", auto=True, default="auto"),
        integer("num_point_for_scaler", POSITIVE_INTEGER, default="10000"),
        _positive_example_weight_mult(),
        boolean("balance_multiclass_weights", default="false"),
        choice("binary_classifier_model_selection_criteria", CRITERIA, default="accuracy"),
        real("target_precision", SHARE, default="0.8"),
        real("target_recall", SHARE, default="0.8"),
        real("f_beta", POSITIVE, default="1.0"),
        integer("accuracy_top_k", POSITIVE_INTEGER, default="3"),
        integer("early_stopping_patience", POSITIVE_INTEGER, default="3"),
        real("early_stopping_tolerance", POSITIVE, default="0.001"),
    ],
    missing="No value(s) were specified for '{}' which are required hyperparameter(s)",
    internal=True,
)


def read_hyperparameters(given: Mapping[str, str]) -> dict[str, Any]:
    """All values by name, "auto" resolved where it does not depend on the data.

    Raises:
        CustomerError: a value is missing or wrong, alone or together with the predictor type.
    """
    if "num_classes" in given and given.get("predictor_type") != MULTICLASS:
        given = {name: text for name, text in given.items() if name != "num_classes"}  # ignored, as on AWS
    values = TABLE.read(given)
    predictor_type = values["predictor_type"]
    if predictor_type == MULTICLASS and "num_classes" not in values:
        raise CustomerError(
            "No value(s) were specified for 'num_classes' which are required hyperparameter(s) when predictor_type is "
            "multiclass_classifier."
        )
    if values["loss"] is None:
        values["loss"] = LOSSES[predictor_type][0]
    if values["loss"] not in LOSSES[predictor_type]:
        raise CustomerError(
            f"Hyperparameter loss: '{values['loss']}' does not go with predictor_type {predictor_type}; "
            f"it takes auto, {', '.join(LOSSES[predictor_type])}."
        )
    values.setdefault("num_classes", 1)
    if "_tuning_objective_metric" in given:
        values["num_models"] = 1  # a tuning job tries the models itself
    values["mini_batch_size_given"] = "mini_batch_size" in given
    values["stops_by_loss"] = (  # as on AWS, where early stopping looks at the criterion if the request names one
        predictor_type != BINARY
        or values["binary_classifier_model_selection_criteria"] in LOSS_CRITERIA
        or "binary_classifier_model_selection_criteria" not in given
    )
    return values
