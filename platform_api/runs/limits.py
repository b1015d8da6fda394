"""Defines what a run may use, as actions set it and runners enforce it."""

from pydantic import BaseModel, ConfigDict, Field


class RunLimits(BaseModel):
    """Limits one run. A limit that is exceeded ends the run with its own cause."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    wall_seconds: int = Field(default=300, ge=1, le=24 * 3600)
    cpu_seconds: int = Field(default=120, ge=1, le=24 * 3600)
    memory_mb: int = Field(default=512, ge=64, le=16 * 1024)
    processes: int = Field(default=64, ge=1, le=1024)
    file_size_mb: int = Field(default=64, ge=1, le=4096)
    output_kb: int = Field(default=4096, ge=1, le=64 * 1024, description="Maximum of what it prints")
    result_kb: int = Field(default=1024, ge=1, le=8 * 1024, description="Size of its value as JSON")
