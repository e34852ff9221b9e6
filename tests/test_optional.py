"""Optional dependencies: the error names the extra."""

import pytest

from skko.exceptions import MissingDependencyError
from skko.optional import import_optional


def test_what_is_installed_is_imported():
    assert import_optional("json.decoder", extra="viz", purpose="read").JSONDecoder


def test_a_missing_extra_is_named():
    with pytest.raises(MissingDependencyError, match=r"no_such_module is needed to draw .* 'skko\[viz\]'"):
        import_optional("no_such_module.part", extra="viz", purpose="draw")
