"""What a process tells of itself in numbers."""
