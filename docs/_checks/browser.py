"""The built site in a browser: `python docs/_checks/browser.py build/docs [--pictures FOLDER]`.

Every page loads without an error on its console and without a request to another machine; every picture has a size,
every equation is set, every link within the site leads somewhere, and the search finds a word. Chromium without a
window does it; where there is none, this says so and ends well.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import functools
import http.server
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
WORD = "polariser"
"""Looked for in the search."""
WAIT = 30.0
"""Seconds that a page may take."""
SETTLED = """document.readyState === 'complete'
    && (!document.querySelector('.math') || !!document.querySelector('mjx-container'))"""
LOOKED_AT = """JSON.stringify({
    pictures: [...document.images].filter(one => one.loading !== 'lazy' && !one.naturalWidth).map(one => one.src),
    unset: document.querySelectorAll('.math').length - document.querySelectorAll('.math mjx-container').length,
    wrong: [...document.querySelectorAll('mjx-merror')].map(one => one.textContent)})"""
FOUND = "document.querySelectorAll('#search-results li').length"


class Links(HTMLParser):
    """The links and anchors of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors |= {name for name in (given.get("id"), given.get("name")) if name}
        self.links += [link for link in (given.get("href"), given.get("src")) if link]


def broken_links(site: pathlib.Path) -> list[str]:
    """Links within the site to a file or an anchor that is not there.

    A page links to most of the others, by many links: a page is read once, and a file is looked for once.
    """
    site = site.resolve()
    pages = {os.fspath(page): Links() for page in site.rglob("*.html")}
    for page, links in pages.items():
        links.feed(pathlib.Path(page).read_text(encoding="utf-8"))
    exists = functools.cache(os.path.exists)
    wrong = []
    for page, links in pages.items():
        for link in links.links:
            split = urllib.parse.urlsplit(link)
            if split.scheme or split.netloc:
                continue
            path = urllib.parse.unquote(split.path)
            target = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
            fragment = urllib.parse.unquote(split.fragment)
            if not exists(target) or (fragment and target in pages and fragment not in pages[target].anchors):
                wrong.append(f"{os.path.relpath(page, site)}: {link} leads nowhere")
    return wrong


@contextlib.contextmanager
def served(site: pathlib.Path) -> Iterator[str]:
    """The site at an address of this machine."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing of each request."""

        def do_GET(self) -> None:
            """A browser asks by itself, sometimes, for a picture of the site, which has none."""
            if self.path == "/favicon.ico":
                self.send_response(http.HTTPStatus.NO_CONTENT)
                self.end_headers()
            else:
                super().do_GET()

    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@contextlib.contextmanager
def browser(program: str) -> Iterator[str]:
    """The address of the debugging socket of a page of a browser without a window."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--remote-debugging-port=0",
            "--window-size=1280,1600",
        ]
        started = subprocess.Popen(
            [program, *options, f"--user-data-dir={profile}", "about:blank"], stderr=subprocess.PIPE, text=True
        )
        try:
            said = next(line for line in started.stderr or () if "listening on ws://" in line)
            address = said.split("listening on ws://")[1].split("/")[0]
            with urllib.request.urlopen(f"http://{address}/json/list") as reply:
                yield next(one["webSocketDebuggerUrl"] for one in json.load(reply) if one["type"] == "page")
        finally:
            started.terminate()
            started.wait()


class Page:
    """A page of the browser, spoken to by its debugging protocol."""

    def __init__(self, socket: Any) -> None:
        self.socket, self.numbers, self.events = socket, itertools.count(1), list[dict[str, Any]]()

    async def ask(self, method: str, **given: Any) -> dict[str, Any]:
        """The answer to one request; what happens meanwhile is kept."""
        number = next(self.numbers)
        await self.socket.write_message(json.dumps({"id": number, "method": method, "params": given}))
        while True:
            said = await self.socket.read_message()
            if said is None:
                raise ConnectionError(f"the browser ended at {method}")
            message = json.loads(said)
            if message.get("id") == number:
                return message["result"]
            self.events.append(message)

    async def value(self, expression: str) -> Any:
        """What an expression is on the page."""
        return (await self.ask("Runtime.evaluate", expression=expression))["result"].get("value")

    async def until(self, expression: str) -> bool:
        """Whether an expression becomes true in time."""
        for _ in range(int(WAIT / 0.1)):
            if await self.value(expression):
                return True
            await asyncio.sleep(0.1)
        return False

    async def visit(self, address: str) -> list[str]:
        """Go to a page; what is wrong with it, in sentences."""
        self.events = []
        await self.ask("Page.navigate", url=address)
        host = urllib.parse.urlsplit(address).netloc
        settled = await self.until(f"location.href.startsWith({address!r}) && {SETTLED}")
        wrong = [] if settled else ["it is not ready in time"]
        seen = json.loads(await self.value(LOOKED_AT) or "{}")
        wrong += [f"a picture of no size: {one}" for one in seen.get("pictures", ())]
        wrong += [f"an equation that is none: {one}" for one in seen.get("wrong", ())]
        wrong += [f"{seen['unset']} equations are not set"] if seen.get("unset") else []
        return wrong + [said for event in self.events if (said := trouble(event, host))]


def trouble(event: dict[str, Any], host: str) -> str:
    """What an event says that should not have happened; empty for any other."""
    what, given = event.get("method"), event.get("params", {})
    if what == "Runtime.exceptionThrown":
        return f"an exception: {given['exceptionDetails'].get('text')}"
    if what == "Log.entryAdded" and given["entry"]["level"] == "error":
        return f"on the console: {given['entry']['text']} {given['entry'].get('url', '')}"
    if what == "Runtime.consoleAPICalled" and given["type"] == "error":
        return f"on the console: {given['args'][0].get('value') if given['args'] else ''}"
    if what == "Network.requestWillBeSent":
        address = urllib.parse.urlsplit(given["request"]["url"])
        if address.scheme in ("http", "https", "ws", "wss") and address.netloc != host:
            return f"it asks another machine: {given['request']['url']}"
    return ""


async def looked_at(socket: str, root: str, site: pathlib.Path, pictures: pathlib.Path | None) -> list[str]:
    """Everything that is wrong with the site, a line each."""
    from tornado.websocket import websocket_connect  # late: links are looked at without it

    page = Page(await websocket_connect(socket, max_message_size=2**28))
    for domain in ("Page", "Runtime", "Log", "Network"):
        await page.ask(f"{domain}.enable")
    wrong = []
    names = sorted(str(one.relative_to(site)) for one in site.rglob("*.html"))
    for name in names:
        wrong += [f"{name}: {said}" for said in await page.visit(f"{root}/{name}")]
        if pictures is not None:
            height = await page.value("document.documentElement.scrollHeight")
            clip = {"x": 0, "y": 0, "width": 1280, "height": min(height, 12000), "scale": 1}
            shot = await page.ask("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
            (pictures / f"{name.removesuffix('.html').replace('/', '-')}.png").write_bytes(
                base64.b64decode(shot["data"])
            )
    wrong += [f"search: {said}" for said in await page.visit(f"{root}/search.html?q={WORD}")]
    if not await page.until(f"{FOUND} > 0"):
        wrong.append(f"search.html: nothing found for {WORD!r}")
    print(f"{len(names)} pages; {await page.value(FOUND)} pages found for {WORD!r}")
    return wrong


def main() -> int:
    """Look at a site; 1 where something is wrong with it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", type=pathlib.Path)
    parser.add_argument("--pictures", type=pathlib.Path, help="a folder for a picture of every page")
    given = parser.parse_args()
    if not (given.site / "index.html").exists():
        sys.exit(f"{given.site} holds no index.html; build it first: make docs")
    wrong = broken_links(given.site)
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if program is None:
        print(f"links looked at; the rest is skipped: no browser is installed ({', '.join(BROWSERS)})")
    else:
        if given.pictures is not None:
            given.pictures.mkdir(parents=True, exist_ok=True)
        with served(given.site) as root, browser(program) as socket:
            wrong += asyncio.run(looked_at(socket, root, given.site, given.pictures))
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
