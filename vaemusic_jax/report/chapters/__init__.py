"""The chapters of the report with figures and facts: joined runs in, what is drawn and said out."""
