"""Which models besides the demo's own the host allows visitors to open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from model.artifacts import HUB_ID, HUB_IDS
from model.errors import TrazoError
from ui.i18n import UserError


@dataclass(frozen=True)
class AllowedModels:
    """Which models the host allows.

    Attributes:
        listed: their names.
        owners: of whom all models are allowed that everybody may read.
        any_owner: whether that holds for all owners.
    """

    listed: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()
    any_owner: bool = False

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> AllowedModels:
        """Return what `MODELS` says: `owner/name`, `owner/*` and `*`, separated by commas.

        Raises:
            TrazoError: if it holds anything else.

        Example:
            >>> AllowedModels.from_environ({"MODELS": "ana/digits, class/*"}).allows("class/letters")
            True
        """
        given = [one.strip() for one in environ.get("MODELS", "").split(",") if one.strip()]
        owners = {one.removesuffix("/*") for one in given if one.endswith("/*")}
        listed = {one for one in given if HUB_ID.fullmatch(one)}
        for one in given:
            if not HUB_IDS.fullmatch(one):
                raise TrazoError(f"MODELS has {one!r}; write owner/name, owner/* or *, separated by commas")
        return cls(frozenset(listed), frozenset(owners), "*" in given)

    def allows(self, name: str) -> bool:
        """Return whether a model may be opened."""
        return self.any_owner or name in self.listed or name.split("/")[0] in self.owners

    def check(self, name: str) -> None:
        """Refuse a model that is not allowed.

        Raises:
            UserError: with what the host can do.
        """
        if not self.allows(name):
            is_closed = self == AllowedModels()
            raise UserError("model_closed") if is_closed else UserError("model_not_allowed", model=name[:100])
