"""Loops that keep the record true while nobody asks: one noun, one duty, one `run_once` each."""
