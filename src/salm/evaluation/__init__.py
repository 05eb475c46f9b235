"""Metrics on arrays, the default protocol, controls, reports."""
