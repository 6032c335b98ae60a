"""One file for each kind of figure: tables and arrays in, matplotlib figures out."""
