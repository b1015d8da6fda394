"""Stores the codes that allow to set up an installation."""

from datetime import datetime

from sqlalchemy import LargeBinary, func
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.core.database import Base


class SetUpCode(Base):
    """Stores the code of one start, as its SHA-256; all end when there is a user."""

    __tablename__ = "set_up_codes"

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
