"""Oversamplers that need more than a constructor call."""
