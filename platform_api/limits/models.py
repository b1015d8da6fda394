"""What was counted, where PostgreSQL counts. UNLOGGED: after a crash counting starts anew, which harms nobody."""

from datetime import datetime

from sqlalchemy import BigInteger, Integer
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.core.database import Base


class RateCounter(Base):
    """How much was counted under a key: in a fixed window, or in all since a moving one was last empty."""

    __tablename__ = "rate_counters"
    # No index on `expires_at`: each entry changes it, and without one the row is changed in place.
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012

    key: Mapped[str] = mapped_column(primary_key=True)
    counted: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[datetime]


class RateEntry(Base):
    """When one of the last entries of a moving window was made: a ring of as many slots as the limit allows."""

    __tablename__ = "rate_entries"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012

    key: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    made_at: Mapped[datetime]
