"""Argus SampleDB's jobs: its workers and tools see our jobs and tasks unchanged."""
