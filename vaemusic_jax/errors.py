"""The exception for errors that the user can correct."""


class UserError(Exception):
    """An error in what the user gave, such as a configuration, a path, a data folder or a run directory.

    The message is one line that names the file, the field and the value, and says what would be right. The command line
    prints it as ``error: MESSAGE`` and exits with status 2, without a traceback. An error that would be a bug of this
    package is never a UserError.
    """

    def __init__(self, message: str) -> None:
        # A message from a library may span several lines; they are joined to one.
        super().__init__(" ".join(message.split()))
