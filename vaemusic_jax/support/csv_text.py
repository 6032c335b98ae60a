"""Text for CSV files, which people open in spreadsheets."""

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_cell(text: str) -> str:
    """Returns a text for a cell of a CSV file, with an apostrophe before what a spreadsheet would compute.

    Spreadsheets take a cell for a formula if it starts with one of `= + - @`, also after spaces, and formulas can fetch
    addresses and start programs. The apostrophe makes the cell text (OWASP, "CSV Injection").
    """
    return f"'{text}" if text.lstrip(" ").startswith(_STARTS_A_FORMULA) else text
