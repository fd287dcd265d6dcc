"""The ground under every mapping of the movie file: known keys only, and values that may take several forms."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, ValidationInfo, model_validator

from stackreel.scene.document.values import Name, wrong


class Part(BaseModel):
    """A mapping in the movie file: only known keys, each of its type."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _remember(cls, data: Any, info: ValidationInfo) -> Any:
        """Notes which model reads which mapping, so that a misspelt key can be told its neighbours."""
        if not isinstance(data, (dict, Part)):
            raise wrong(
                f"is not a mapping; write {{key: value, …}} with keys such as {', '.join(cls.written_keys()[:4])}"
            )
        if isinstance(info.context, dict):
            info.context[id(data)] = cls
        return data

    @classmethod
    def written_keys(cls) -> list[str]:
        """The keys as they are written in the file."""
        return [field.alias or name for name, field in cls.model_fields.items()]


def form(**forms: str) -> Discriminator:
    """Chooses between the forms of a value by its kind: text, number, list, mapping."""

    def choose(value: Any) -> str:
        if isinstance(value, (bool, int, float)) and "number" in forms:
            return forms["number"]
        if isinstance(value, (str, bool, int, float)) and "text" in forms:
            return forms["text"]
        if isinstance(value, (list, tuple)) and "list" in forms:
            return forms["list"]
        return forms.get("mapping", next(iter(forms.values())))

    return Discriminator(choose)


def _text_only(value: Any) -> Any:
    if isinstance(value, bool):
        raise wrong(f"{str(value).lower()} is not a name")
    return value


Text = Annotated[Name, BeforeValidator(_text_only)]
