"""A report as a LaTeX document: methods, results, the data, how to reproduce it, and what it rests on."""
