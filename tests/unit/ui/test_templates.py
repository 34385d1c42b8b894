"""Templates escape what they are given."""

from __future__ import annotations

import pytest
from jinja2 import DictLoader, UndefinedError
from markupsafe import Markup

from album.ui.shared import templates


@pytest.fixture(autouse=True)
def few_templates(monkeypatch):
    texts = {"photo.html": "<b>{{ name }}</b> {{ say('search') }}", "lacks.html": "{{ nothing }}"}
    environment = templates._ENVIRONMENT.overlay(loader=DictLoader(texts))
    monkeypatch.setattr(templates, "_ENVIRONMENT", environment)


def test_values_are_escaped():
    assert templates.render("photo.html", "en", name="<i>&") == "<b>&lt;i&gt;&amp;</b> Search"


def test_markup_is_taken_as_it_stands():
    assert templates.render("photo.html", "en", name=Markup("<i>")).startswith("<b><i></b>")


def test_missing_value_is_an_error():
    with pytest.raises(UndefinedError):
        templates.render("lacks.html", "en")
