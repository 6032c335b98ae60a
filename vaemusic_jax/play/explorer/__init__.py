"""The explorer: one page that opens without a network, with trained models that run in the browser."""
