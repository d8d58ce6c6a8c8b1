"""Use cases: what can be done with tasks, whoever asks and in whichever wire protocol."""
