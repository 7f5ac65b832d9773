"""A small stand-in for the Hugging Face hub: what its client asks for to load a data set, answered from memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"

Files = Mapping[str, bytes]
Page = tuple[int, bytes]  # status and content


@contextmanager
def hub_of(repositories: Mapping[str, Files | Page]) -> Iterator[str]:
    """Serve data sets on a free port: a repository is its files by path, or the page that is always answered."""

    class Handler(_Hub):
        served = repositories

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Hub(BaseHTTPRequestHandler):
    served: Mapping[str, Files | Page]
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        parts = path.strip("/").split("/")
        if path == "/":  # is there a hub?
            return self._send(200, b"")
        is_api = parts[:2] == ["api", "datasets"]
        if not is_api and parts[0] != "datasets":
            return self._missing("EntryNotFound")
        owner, name, *rest = parts[2:] if is_api else parts[1:]
        files = self.served.get(f"{owner}/{name}")
        if files is None:
            return self._missing("RepoNotFound")
        if isinstance(files, tuple):
            return self._send(*files, "text/html")
        return self._api(f"{owner}/{name}", files, rest) if is_api else self._file(files, "/".join(rest[2:]))

    def _api(self, repository: str, files: Files, rest: list[str]) -> None:
        if rest[:1] == ["tree"]:
            return self._json(_children(files, "/".join(rest[2:])))
        siblings = [{"rfilename": path} for path in files]
        return self._json({"id": repository, "sha": COMMIT, "private": False, "tags": [], "siblings": siblings})

    def _file(self, files: Files, path: str) -> None:
        if (content := files.get(path)) is None:
            return self._missing("EntryNotFound")
        headers = {"ETag": f'"{_digest(content)}"', "X-Repo-Commit": COMMIT}
        return self._send(200, content, "application/octet-stream", headers)

    def _json(self, answer: object) -> None:
        self._send(200, json.dumps(answer).encode(), "application/json")

    def _missing(self, code: str) -> None:
        self._send(404, b"", headers={"X-Error-Code": code})

    def _send(
        self, status: int, body: bytes, kind: str = "text/plain", headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _entry(path: str, content: bytes) -> dict[str, object]:
    return {"type": "file", "path": path, "size": len(content), "oid": _digest(content)}


def _children(files: Files, folder: str) -> list[dict[str, object]]:
    """The files and folders in a folder, as the tree of a repository lists them."""
    prefix = f"{folder}/" if folder else ""
    below = [path.removeprefix(prefix) for path in files if path.startswith(prefix)]
    folders = {path.partition("/")[0] for path in below if "/" in path}
    return [
        *({"type": "directory", "path": prefix + name, "size": 0, "oid": COMMIT} for name in sorted(folders)),
        *(_entry(prefix + path, files[prefix + path]) for path in below if "/" not in path),
    ]


def _digest(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()
