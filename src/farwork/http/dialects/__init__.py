"""Foreign wire protocols on our core, one package each; strangers to one another and to the native API."""
