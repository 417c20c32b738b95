"""`train` and `serve` of the images that run a script of the caller's: scikit-learn's and XGBoost's.

It runs on the Python of the framework's image, 3.8 and later, and needs nothing but what that image has.
"""
