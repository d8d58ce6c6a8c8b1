"""The measuring room: each bench measures the product beside a reference, in the same run."""
