"""Law: every field term of the library is in the registry, so that every law here is tested on it."""

import importlib
import pkgutil

import pytest
from tests.physics.terms import TERMS

import llgrad.physics
from llgrad.core.field_term import FieldTerm


def built_in_terms() -> set[type]:
    for module in pkgutil.walk_packages(llgrad.physics.__path__, "llgrad.physics."):
        importlib.import_module(module.name)
    return {kind for kind in FieldTerm.__subclasses__() if kind.__module__.startswith("llgrad.physics.")}


def test_every_built_in_term_is_registered():
    assert built_in_terms() <= {type(member.term) for member in TERMS.values()}


def test_a_term_written_by_a_user_is_registered():
    assert any(not type(member.term).__module__.startswith("llgrad.") for member in TERMS.values())


@pytest.mark.parametrize("name", TERMS)
def test_a_term_says_how_it_rotates(name):
    assert TERMS[name].rotates in ("any", "about z", "by permutation")
