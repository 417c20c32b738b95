"""The library's C function, called directly, gives what its Python gives."""

import numpy as np
import pytest
import xgboost

from preflight_container.xgboost_builtin.dense_prediction import predict_dense


@pytest.mark.parametrize("best", [None, 3])
@pytest.mark.parametrize(
    ("objective", "classes"),
    [
        ("binary:logistic", None),
        ("binary:hinge", None),
        ("multi:softprob", 3),
        ("multi:softmax", 3),
        ("count:poisson", None),
    ],
)
def test_the_bits_are_those_of_inplace_predict(objective, classes, best):
    numbers = np.random.default_rng(0)
    features = numbers.normal(size=(300, 7)).astype(np.float32)
    features[numbers.random(features.shape) < 0.1] = np.nan
    labels = numbers.integers(0, classes or 2, 300)
    parameters = {"objective": objective, "nthread": 1} | ({"num_class": classes} if classes else {})
    booster = xgboost.train(parameters, xgboost.DMatrix(features, labels), num_boost_round=9)
    if best is not None:
        booster.set_attr(best_iteration=str(best))

    for rows in (features, features[:1], features[:0], features[::2]):
        expected = booster.inplace_predict(np.ascontiguousarray(rows), validate_features=False)
        found = predict_dense(booster, rows)
        assert (found.shape, found.dtype, found.tobytes()) == (expected.shape, expected.dtype, expected.tobytes())


def test_what_the_library_refuses_is_its_error():
    booster = xgboost.train({}, xgboost.DMatrix(np.zeros((2, 2)), [0, 1]), num_boost_round=1)
    with pytest.raises(xgboost.core.XGBoostError):
        predict_dense(booster, np.zeros((1, 5), np.float32))
