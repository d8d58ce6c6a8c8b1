"""Foreign wire protocols on our core, one package each, strangers to each other and `native`."""
