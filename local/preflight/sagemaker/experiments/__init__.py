"""Experiments, trials, trial components and what links artifacts to them: records, which the SDKs and jobs write."""
