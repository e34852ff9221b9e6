"""Optional dependencies: imported where they are used, with an error that names the extra."""

from importlib import import_module
from types import ModuleType

from skko.exceptions import MissingDependencyError


def import_optional(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import a module that belongs to an extra of skko.

    Parameters
    ----------
    module : str
        Name of the module, e.g. ``"matplotlib.pyplot"``.
    extra : str
        The extra of skko that installs it.
    purpose : str
        What it is needed for, to finish the sentence "... is needed to ...".

    Returns
    -------
    module
        The imported module.

    Raises
    ------
    MissingDependencyError
        If the module is not installed.

    Examples
    --------
    >>> import_optional("json", extra="none", purpose="read JSON").loads("[1]")
    [1]
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise MissingDependencyError(
            f"{package} is needed to {purpose} and cannot be imported ({error}). "
            f"Install it with: pip install 'skko[{extra}]'"
        ) from error
