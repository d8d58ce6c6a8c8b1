"""The command line: what people see on a terminal, what programs read from a pipe."""
