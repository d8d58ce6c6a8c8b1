"""ScanHub's task service: its managers and its web page work on our tasks and jobs unchanged."""
