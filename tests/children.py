"""Processes for what happens between processes: they are forked where skko is imported already, in a hundredth of the
time that an interpreter takes. How a process begins, and what it imports, is tested with ``subprocess``."""

import multiprocessing
import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

_CONTEXT = multiprocessing.get_context(
    "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
)
_CONTEXT.set_forkserver_preload(["pytest", "hypothesis", "skko.embedding.cache", "skko.models.fingerprint"])


@contextmanager
def child(function: Callable[..., None], *arguments: Any) -> Iterator[tuple[BaseProcess, Connection]]:
    """A process that runs ``function(*arguments, send)``, and what it sends; it ends with the block at the latest.

    Its environment is that of here and now.
    """
    receive, send = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_run, args=(dict(os.environ), function, *arguments, send), daemon=True)
    process.start()
    send.close()  # so that the end of the process is the end of what is received
    try:
        yield process, receive
    finally:
        process.kill()
        process.join()
        receive.close()


def in_children(function: Callable[..., Any], *arguments: tuple[Any, ...]) -> list[Any]:
    """What a function of a module returns for each of some arguments, each in a process of its own at the same time."""
    with ExitStack() as stack:
        receivers = [stack.enter_context(child(_answer, function, each))[1] for each in arguments]
        answers = [receive.recv() for receive in receivers]
    for error, _ in answers:
        assert error is None, error
    return [found for _, found in answers]


def in_a_child(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of a module returns in a process of its own."""
    return in_children(function, arguments)[0]


def _run(environment: dict[str, str], function: Callable[..., None], *arguments: Any) -> None:
    os.environ.clear()  # of the server that forks, which has that of its own beginning
    os.environ.update(environment)
    function(*arguments)


def _answer(function: Callable[..., Any], arguments: tuple[Any, ...], send: Connection) -> None:
    try:
        send.send((None, function(*arguments)))
    except BaseException:
        send.send((traceback.format_exc(), None))
