"""Farwork: the durable record, and the controls, for tasks that run on machines you do not control."""

__version__ = "0.1.0"
