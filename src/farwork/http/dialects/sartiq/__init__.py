"""Sartiq: the receiving end of a webhook by which compute servers say how their tasks go."""
