from aias_core import errors
from aias_core.errors import EXIT_CODE_MEANING, AiasError, ExitCode


def every_error(kind: type[AiasError] = AiasError) -> list[type[AiasError]]:
    return [
        kind,
        *(e for child in kind.__subclasses__() if child.__module__ == errors.__name__ for e in every_error(child)),
    ]


def test_the_drawn_tree_is_the_real_tree() -> None:
    lines = [line.strip(" │├└─") for line in (errors.__doc__ or "").splitlines()]
    drawn = [tuple(line.split()) for line in lines if line.split()[1:] and line.split()[-1].isdigit()]
    assert drawn == [(error.__name__, str(int(error.exit_code))) for error in every_error()]


def test_every_exit_code_has_a_meaning() -> None:
    assert set(EXIT_CODE_MEANING) == set(ExitCode)


def test_the_docstring_is_the_default_message() -> None:
    assert errors.LockHeld().message == "Another run is at work on the same thing"
