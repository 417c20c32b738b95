"""The names eval_metric takes: the library's own, and those the built-in adds."""

LIBRARY_METRICS = {
    "aft-nloglik",
    "auc",
    "aucpr",
    "cox-nloglik",
    "error",
    "gamma-deviance",
    "gamma-nloglik",
    "interval-regression-accuracy",
    "logloss",
    "mae",
    "map",
    "mape",
    "merror",
    "mlogloss",
    "mphe",
    "ndcg",
    "poisson-nloglik",
    "rmse",
    "rmsle",
    "tweedie-nloglik",
}
WITH_THRESHOLD = {"error", "ndcg", "map"}
MAXIMIZED = {"auc", "aucpr", "map", "ndcg"}


def is_metric(name: str) -> bool:
    """Whether eval_metric may name it; `error`, `ndcg` and `map` may carry `@number`."""
    base, at, threshold = name.partition("@")
    if not at:
        return name in LIBRARY_METRICS
    return base in WITH_THRESHOLD and threshold.replace(".", "", 1).isdecimal()
