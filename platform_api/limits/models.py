"""Maps the counters in PostgreSQL. Their tables are UNLOGGED: after a crash counting restarts, which is harmless."""

from datetime import datetime

from sqlalchemy import BigInteger, Integer
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.core.database import Base


class RateCounter(Base):
    """Counts hits under a key: in a fixed window, or since a moving window was last empty."""

    __tablename__ = "rate_counters"
    # No index on `expires_at`: each entry changes it, and without one the row is changed in place.
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012

    key: Mapped[str] = mapped_column(primary_key=True)
    counted: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[datetime]


class RateEntry(Base):
    """Stores when an entry of a moving window was made: a ring with as many slots as the limit allows."""

    __tablename__ = "rate_entries"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012

    key: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    made_at: Mapped[datetime]
