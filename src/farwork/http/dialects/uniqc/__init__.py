"""The uniqc gateway's task API: its existing clients, and its web page, see our tasks unchanged."""
