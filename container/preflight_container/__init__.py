"""The built-in algorithms Linear Learner and XGBoost as SageMaker runs them: `train` and `serve`."""
