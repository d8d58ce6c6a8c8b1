"""The SDK: its protocol without IO, and the two fronts on a transport that answers as told."""
