"""The schema of the page that shows a running session in browsers of other computers."""

import secrets
from ipaddress import ip_address
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from .load import Section

LEAST_TOKEN = 20
_TOKEN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


class WebSection(Section):
    """The page for browsers of the lab's network: read-only, and closed unless an address is given.

    ``address`` is that of the one network interface of this computer on which the page can be reached; 127.0.0.1 is
    this computer alone. ``token`` lets a browser in: 20 or more letters, digits, ``-``, ``.``, ``_``, ``~``; one that
    is left out is made anew for each session and printed. Engines of this computer with the same address, port and
    token share one page, a tile each. ``pictures`` also sends the camera's picture; ``estimates = false`` leaves out
    whatever is decoded, for experimenters who must not know it. ``every_interface`` allows 0.0.0.0 and ``::``.
    """

    address: str | None = None
    port: Annotated[int, Field(ge=1024, le=65535)] = 8765
    token: Annotated[str | None, Field(repr=False)] = None
    pictures: bool = False
    estimates: bool = True
    every_interface: bool = False

    @field_validator("address")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None:
            ip_address(value)  # raises ValueError
        return value

    @model_validator(mode="after")
    def _is_no_invitation(self) -> "WebSection":
        if self.token is not None and (len(self.token) < LEAST_TOKEN or not set(self.token) <= _TOKEN):
            raise ValueError(
                f"token needs {LEAST_TOKEN} or more letters, digits, '-', '.', '_' and '~', which nobody can guess; "
                "leave it out, and one is made and printed"
            )
        if self.address is not None and ip_address(self.address).is_unspecified and not self.every_interface:
            raise ValueError(
                f"address {self.address} opens the page on every network that this computer is in, a guest's or a "
                "public one too: give the address of its interface in the lab, or, if that is meant, "
                "every_interface = true"
            )
        return self

    def with_token(self) -> "WebSection":
        """Return the section with a token, made now where it has none."""
        return self if self.token is not None else self.model_copy(update={"token": secrets.token_urlsafe(24)})
