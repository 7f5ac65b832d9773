"""A sweep's folder belongs to one sweep, and to one process at a time."""

import pytest

from slowpoints.errors import UserError
from slowpoints.sweep.folder import Sweep, working_on


def test_the_same_sweep_is_to_be_waited_for_and_another_to_go_elsewhere(tmp_path):
    one, other = (Sweep(identity, tmp_path, []) for identity in ("one", "other"))
    with working_on(one):
        with pytest.raises(UserError, match=r"sweep one is being run by process .* wait for it"), working_on(one):
            pass
        with pytest.raises(UserError, match=r"sweep one lives there, .* name another folder"), working_on(other):
            pass
    with pytest.raises(UserError, match="sweep one lives there"), working_on(other):
        pass
