"""What `make docs` does beside Sphinx: llms.txt, and the look at the site, on small sites of its own."""

import importlib.util
import sys

import pytest
from tests.docs.test_pages import DOCS, MADE, PAGES


def loaded(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


BROWSER = loaded(DOCS / "_checks" / "browser.py")
LLMS = loaded(DOCS / "_extensions" / "llms.py")


def test_llms_txt_has_every_page_in_a_section(tmp_path):
    pages = [str(page.with_suffix("")) for page in PAGES]
    text = LLMS.text_of(DOCS, {page: page for page in pages})
    listed = {page for page in pages if f"](_sources/{page}.md.txt)" in text}
    assert {page for page in pages if page != "index"} == listed
    assert set(MADE) < set(LLMS.SECTIONS) and text.startswith("# llgrad\n\n> ")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            "---\na: b\n---\n# A title\nFor [you](x.md) and\nme: whatever it is that is here. More.\n",
            "For you and me: whatever it is that is here.",
        ),
        ("# A title\n```python\n1\n```\n", ""),
        ("# A title\n| a |\n|---|\n", ""),
        ("# A title\n" + "word " * 100, ("word " * 40).strip() + " …"),
    ],
)
def test_what_is_said_of_a_page(source, said):
    assert LLMS.first_words(source) == said


def test_each_page_is_read_once_and_each_file_looked_for_once(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(BROWSER.os.path, "exists", lambda path: asked.append(path) or True)
    for page in "abcd":
        (tmp_path / f"{page}.html").write_text("".join(f"<a href='{to}.html'>x</a>" * 5 for to in "abcd"))
    assert BROWSER.broken_links(tmp_path) == []
    assert sorted(asked) == [str(tmp_path / f"{page}.html") for page in "abcd"]


def test_links_that_lead_nowhere_are_told(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.html").write_text("<h1 id='top'>B</h1><a href='../a.html#here'>a</a><a href='#top'>t</a>")
    (tmp_path / "a.html").write_text(
        "<p id='here'><a href='sub/b.html#top'>b</a><a href='https://example.org/x'>x</a><img src='gone.png'>"
        "<a href='sub/b.html#bottom'>b</a>"
    )
    assert BROWSER.broken_links(tmp_path) == [
        "a.html: gone.png leads nowhere",
        "a.html: sub/b.html#bottom leads nowhere",
    ]


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"method": "Network.requestWillBeSent", "params": {"request": {"url": "http://here/x.js"}}}, ""),
        (
            {"method": "Network.requestWillBeSent", "params": {"request": {"url": "https://cdn.example/x.js"}}},
            "it asks another machine: https://cdn.example/x.js",
        ),
        (
            {"method": "Log.entryAdded", "params": {"entry": {"level": "error", "text": "404", "url": "u"}}},
            "on the console: 404 u",
        ),
        ({"method": "Log.entryAdded", "params": {"entry": {"level": "info", "text": "hello"}}}, ""),
        ({"method": "Runtime.exceptionThrown", "params": {"exceptionDetails": {"text": "x"}}}, "an exception: x"),
        ({"method": "Page.loadEventFired"}, ""),
    ],
)
def test_what_should_not_happen_on_a_page_is_told(event, said):
    assert BROWSER.trouble(event, "here") == said
