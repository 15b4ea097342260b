"""What the sections of a recipe have in common."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Base of the recipe's sections: closed and frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
