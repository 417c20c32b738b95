"""What scripts of examples import of AWS's XGBoost container, which is in its image."""
