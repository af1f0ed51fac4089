"""The base of everything that the gateway answers, where version 1 had it."""

from auriko.models._base import AurikoResponseModel

__all__ = ["AurikoResponseModel"]
