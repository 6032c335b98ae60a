"""What every package may use: files that are whole or absent, progress, the event log, signals, several processes."""
