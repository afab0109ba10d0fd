"""Detectors that need more than a constructor call."""
