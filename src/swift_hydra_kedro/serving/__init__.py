"""The fitted model as an MLflow model: data in a folder, code in the installed package."""
