"""The one exception for mistakes that the user can mend."""


class UserError(Exception):
    """A mistake in what the user gave: a config, a path, a data folder, a run directory.

    The message is one line that names the file, the field and the value, and says what would be right.
    The command line prints it as ``error: MESSAGE`` and exits with status 2, without a traceback.
    Errors that would be bugs of this package are never UserErrors.
    """

    def __init__(self, message: str) -> None:
        # A message built from a library's exception may span lines; users get one.
        super().__init__(" ".join(message.split()))
