"""What a task is and how it changes: pure, standard library only, no clock and no IO."""
