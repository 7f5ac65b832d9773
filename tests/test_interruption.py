"""How a process takes requests to stop."""

import signal

import pytest

from slowpoints.interruption import Interrupted, StopRequest


@pytest.fixture
def stop():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2)}
    request = StopRequest()
    request.listen()
    yield request
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 75), (signal.SIGUSR2, 75)])
def test_a_request_ends_the_process_with_a_code_that_says_why(stop, number, code):
    with pytest.raises(Interrupted) as ended:
        signal.raise_signal(number)
    assert ended.value.code == code


def test_ctrl_c_is_deferred_once(stop):
    stop.deferred = True
    signal.raise_signal(signal.SIGINT)
    assert stop.asked == "SIGINT"
    with pytest.raises(Interrupted):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_held_is_not_stopped_however_often_asked(stop, number):
    stop.asked = "before"
    with stop.held():
        assert stop.asked is None
        signal.raise_signal(number)
        signal.raise_signal(number)
        assert stop.asked == signal.Signals(number).name
    with pytest.raises(Interrupted):
        signal.raise_signal(number)


def test_afterwards_ctrl_c_is_pythons_again(stop):
    stop.rest()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
