"""The built-in XGBoost's hyperparameters, with the ranges its container checks.

https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost_hyperparameters.html
"""

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from preflight_container.errors import AlgorithmError, CustomerError
from preflight_container.hyperparameters import (
    Hyperparameter,
    HyperparameterTable,
    Interval,
    choice,
    integer,
    literal,
    real,
    word_list,
)
from preflight_container.xgboost_builtin.image_tag import library_version
from preflight_container.xgboost_builtin.metrics import METRICS, is_metric

OBJECTIVES = [
    "binary:logistic",
    "binary:logitraw",
    "binary:hinge",
    "count:poisson",
    "multi:softmax",
    "multi:softprob",
    "rank:pairwise",
    "rank:ndcg",
    "rank:map",
    "reg:linear",
    "reg:squarederror",
    "reg:logistic",
    "reg:gamma",
    "reg:pseudohubererror",
    "reg:absoluteerror",
    "reg:squaredlogerror",
    "reg:tweedie",
    "survival:aft",
    "survival:cox",
]
GROWING_UPDATERS = ["grow_colmaker", "distcol", "grow_histmaker"]
TREE_UPDATERS = [*GROWING_UPDATERS, "grow_skmaker", "sync", "refresh", "prune"]
LINEAR_UPDATERS = ["shotgun", "coord_descent"]
UPDATERS = {*TREE_UPDATERS, *LINEAR_UPDATERS}
ANY_SIZE = Interval(0)
AT_LEAST_1 = Interval(1)
SHARE = Interval(0, 1)
SAMPLE = Interval(0, 1, low_open=True)
SWITCH = Interval(0, 1)
GONE = "xgboost 3 has no such setting any more."
WITH_SILENT = ("0.72", "0.90", "1.0")
WITH_SINGLE_PRECISION = ("1.2", "1.3", "1.5")


def _alias(name: str, of: Hyperparameter) -> Hyperparameter:
    return Hyperparameter(name, of.kind, of.parse, of.values, alias_of=of.name)


_ETA = real("eta", SHARE)
_GAMMA = real("gamma", ANY_SIZE)
_LAMBDA = real("lambda", ANY_SIZE)
_ALPHA = real("alpha", ANY_SIZE)

TABLE = HyperparameterTable(
    [
        integer("num_round", AT_LEAST_1, required=True),
        choice("objective", OBJECTIVES),
        integer("num_class", Interval(2)),
        word_list("eval_metric", METRICS, "names of metrics with commas between them", is_word=is_metric),
        integer("early_stopping_rounds", AT_LEAST_1),
        integer("csv_weights", SWITCH),
        choice("booster", ["gbtree", "gblinear", "dart"]),
        _ETA,
        _alias("learning_rate", _ETA),
        _GAMMA,
        _alias("min_split_loss", _GAMMA),
        _LAMBDA,
        _alias("reg_lambda", _LAMBDA),
        _ALPHA,
        _alias("reg_alpha", _ALPHA),
        integer("max_depth", ANY_SIZE),
        real("min_child_weight", ANY_SIZE),
        real("max_delta_step", ANY_SIZE),
        real("subsample", SAMPLE),
        choice("sampling_method", ["uniform", "gradient_based"]),
        real("colsample_bytree", SAMPLE),
        real("colsample_bylevel", SAMPLE),
        real("colsample_bynode", SAMPLE),
        choice("tree_method", ["auto", "exact", "approx", "hist", "gpu_hist"]),
        choice("grow_policy", ["depthwise", "lossguide"]),
        integer("max_leaves", ANY_SIZE),
        integer("max_bin", ANY_SIZE),
        integer("num_parallel_tree", AT_LEAST_1),
        real("scale_pos_weight", Interval(0, low_open=True)),
        real("base_score", ANY_SIZE),
        integer("seed", Interval(-(2**31), 2**31 - 1, low_open=True, high_open=True)),
        integer("nthread", AT_LEAST_1),
        integer("verbosity", Interval(0, 3)),
        literal("monotone_constraints", lambda value: _each_in(value, (-1, 0, 1)), "a tuple of -1, 0 and 1"),
        literal(
            "interaction_constraints", lambda value: _nested_indexes(value), "a list of lists of column numbers from 1"
        ),
        word_list("updater", UPDATERS, "names of updaters with commas between them"),
        integer("refresh_leaf", SWITCH),
        choice("process_type", ["default", "update"]),
        choice("sample_type", ["uniform", "weighted"]),
        choice("normalize_type", ["tree", "forest"]),
        real("rate_drop", SHARE),
        integer("one_drop", SWITCH),
        real("skip_drop", SHARE),
        real("lambda_bias", SHARE, ignored=GONE),
        real("tweedie_variance_power", Interval(1, 2, low_open=True, high_open=True)),
        choice("aft_loss_distribution", ["normal", "logistic", "extreme"]),
        real("aft_loss_distribution_scale", ANY_SIZE),
        choice("save_model_on_termination", ["true", "false"]),
        choice("use_dask_gpu_training", ["true", "false"], refused="there is no GPU here."),
        real("sketch_eps", Interval(0, 1, low_open=True, high_open=True), ignored=GONE),
        choice("dsplit", ["row", "col"], ignored=GONE),
        choice("predictor", ["auto", "cpu_predictor", "gpu_predictor"], ignored=GONE),
        choice("single_precision_histogram", ["true", "false"], ignored=GONE, versions=WITH_SINGLE_PRECISION),
        integer("silent", SWITCH, ignored=GONE, versions=WITH_SILENT),
        choice("deterministic_histogram", ["true", "false"], ignored=GONE),
        integer("prob_buffer_row", Interval(1, low_open=True), ignored=GONE),
        integer("_kfold", Interval(2), refused="cross-validation inside one job."),
        integer("_num_cv_round", AT_LEAST_1, refused="cross-validation inside one job."),
        choice("_tuning_objective_metric", [f"validation:{name}" for name in sorted(METRICS)]),
    ],
    missing="Missing required hyperparameter: {}",
)

# What the built-in handles itself and the library must not see.
_OURS = {"num_round", "early_stopping_rounds", "csv_weights", "save_model_on_termination", "_tuning_objective_metric"}


def read_hyperparameters(given: Mapping[str, str], tag: str | None = None) -> dict[str, Any]:
    """All given values by name, aliases resolved, and checked against each other as the built-in does.

    Args:
        tag: the image's, which decides whether hyperparameters of old versions are known.

    Raises:
        CustomerError: a value is missing, wrong, or does not go with another.
        AlgorithmError: AWS's container fails on them.
    """
    if given.get("sagemaker_program", "").strip('"'):
        raise CustomerError(
            "XGBoost's script mode (sagemaker_program) is not supported by Preflight yet; the built-in algorithm is."
        )
    values = TABLE.read(given, library_version(tag))
    if "eval_metric" in values and "objective" not in values:
        raise AlgorithmError("KeyError: 'objective': AWS's container fails on eval_metric without objective.")
    objective = values.setdefault("objective", "reg:squarederror")
    if objective == "reg:linear":
        values["objective"] = "reg:squarederror"  # its name since 0.90
    if objective.startswith("multi:") and "num_class" not in values:
        raise CustomerError("Require input for parameter 'num_class' for multi-classification")
    _check_metrics(values)
    _check_trees(values)
    _check_updaters(values)
    return values


def library_parameters(values: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the values that xgboost.train takes as its parameters."""
    parameters = {name: value for name, value in values.items() if name not in _OURS}
    if "updater" in parameters:
        parameters["updater"] = ",".join(parameters["updater"])
    return parameters


def _check_metrics(values: Mapping[str, Any]) -> None:
    objective, metrics = values["objective"], values.get("eval_metric", [])
    if "auc" in metrics and not objective.startswith(("binary:", "rank:")):
        raise CustomerError("Metric 'auc' can only be applied for classification and ranking problems.")
    if "aft-nloglik" in metrics and objective != "survival:aft":
        raise CustomerError("Metric 'aft-nloglik' can only be applied for 'survival:aft' objective.")


def _check_trees(values: Mapping[str, Any]) -> None:
    method = values.get("tree_method")
    if "monotone_constraints" in values and method not in ("exact", "hist"):
        raise CustomerError(
            "monotone_constraints can be used only when the tree_method parameter is set to either 'exact' or 'hist'."
        )
    if "interaction_constraints" in values and method not in ("exact", "hist", "approx"):
        raise CustomerError(
            "interaction_constraints can be used only when the tree_method parameter is set to "
            "either 'exact', 'hist' or 'approx'."
        )


def _check_updaters(values: Mapping[str, Any]) -> None:
    updaters = values.get("updater", [])
    if not updaters:
        return
    if values.get("booster") == "gblinear":
        if len(updaters) != 1 or updaters[0] not in LINEAR_UPDATERS:
            raise CustomerError(f"Linear updater should be one of these options: {_quoted(LINEAR_UPDATERS)}.")
    elif values.get("process_type") == "update":
        if not set(updaters) <= {"refresh", "prune"}:
            raise CustomerError("process_type 'update' can only be used with updater 'refresh' and 'prune'")
    elif not set(updaters) <= set(TREE_UPDATERS):
        raise CustomerError(f"Tree updater should be selected from these options: {_quoted(TREE_UPDATERS)}.")
    elif sum(name in GROWING_UPDATERS for name in updaters) > 1:
        raise CustomerError(
            f"Only one tree grow plugin can be selected. Choose one from the following: {_quoted(GROWING_UPDATERS)}"
        )


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _each_in(value: Any, allowed: tuple[int, ...]) -> bool:
    return isinstance(value, (tuple, list)) and all(item in allowed for item in value)


def _nested_indexes(value: Any) -> bool:
    return all(isinstance(index, int) and index >= 1 for index in itertools.chain.from_iterable(value))
