"""What every docstring's example comes to where JAX does not start, as lines `name|error|sentence`: a program for
`test_platform.py`, with JAX_PLATFORMS set."""

import contextlib
import doctest
import importlib
import io
import os
import pathlib
import tempfile
import traceback

from tests.docs.test_docstrings import MODULES


def first_error(test: doctest.DocTest) -> BaseException | None:
    """The first error of an example that it does not show."""
    for example in test.examples:
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(example.source, test.name, "single"), test.globs)
        except Exception as error:
            if example.exc_msg is None:
                return error
    return None


def is_of_llgrad(error: BaseException) -> bool:
    """Whether llgrad asked JAX, and not the example itself."""
    return any(f"{os.sep}llgrad{os.sep}" in frame.filename for frame in traceback.extract_tb(error.__traceback__))


def main() -> None:
    """Try all, in a folder of their own."""
    examples = pathlib.Path("examples").resolve()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        pathlib.Path("examples").symlink_to(examples)
        for name in MODULES:
            if name.startswith(("llgrad.torch.", "llgrad.cli.")):
                continue
            module = importlib.import_module(name)
            own = vars(module) | {"__name__": "__main__"}
            for test in doctest.DocTestFinder(exclude_empty=True).find(module, globs=own):
                error = first_error(test)
                if error is not None and is_of_llgrad(error):
                    print(test.name, type(error).__name__, str(error).partition("\n")[0], sep="|", flush=True)


if __name__ == "__main__":
    main()
