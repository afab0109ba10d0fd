"""The package's version, for modules that may not import the package's root."""

__version__ = "0.1.0"
