"""The uniqc gateway's task API: an existing client or web page of the gateway sees our tasks unchanged."""
