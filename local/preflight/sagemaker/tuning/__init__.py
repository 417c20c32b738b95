"""HyperParameterTuningJob: a search whose every trial is a training job."""
