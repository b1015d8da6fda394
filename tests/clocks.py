"""A process whose clock is off."""

import datetime as datetime_module
import time


def shift_clock(seconds: float) -> None:
    """Sets this process's clock; to be called before anything of the platform is imported."""
    true_time, true_datetime = time.time, datetime_module.datetime
    shift = datetime_module.timedelta(seconds=seconds)

    class AnyDatetime(type):
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, true_datetime)

    class Shifted(true_datetime, metaclass=AnyDatetime):
        @classmethod
        def now(cls, tz=None):
            return true_datetime.now(tz) + shift

        @classmethod
        def utcnow(cls):
            return true_datetime.utcnow() + shift

    datetime_module.datetime = Shifted
    time.time = lambda: true_time() + seconds
