"""Farwork: the durable record, and the controls, for tasks that run elsewhere."""

__version__ = "0.1.0"
