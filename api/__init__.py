"""HTTP: how the dataset is asked and answered. Data and SQL are in `db`."""

__version__ = "0.1.0"
