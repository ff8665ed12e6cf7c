"""The product and the platforms' sandbox as processes, a customer's web site beside them, and their hands."""

import json
import os
import random
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx

from tests.faults.installation import free_port

PASSWORD = "correct horse battery"
PATIENCE = 60.0
SWITCHBOARD = (sys.executable, "-c", "from switchboard.app.cli import main; main()")
STOOD_IN = ("whatsapp", "messenger", "line", "line_data", "line_stickers", "aliyun")
CHIEF, BEN = "ann@example.com", "ben@example.com"
NAMES = {CHIEF: "Ann Archer", BEN: "Ben Okafor"}


class House:
    """One installation on a database of its own. The server can be killed and comes back on the same port."""

    def __init__(self, data: Path, dsn: str) -> None:
        self._data = data
        self._dsn = dsn
        self._port = free_port(random.Random())
        self._server: subprocess.Popen[bytes] | None = None
        self._sandbox: subprocess.Popen[str] | None = None
        self._site = Site()
        self.url = f"http://127.0.0.1:{self._port}"
        self.sandbox_url = ""
        self.number = ""
        self.chief = httpx.Client(base_url=f"{self.url}/api/v1", trust_env=False, timeout=20)

    @property
    def shop(self) -> str:
        """Address of the customer's web site, which carries the widget."""
        return self._site.url

    def open(self) -> None:
        """Start everything, found the workspace, hire Ben, connect the widget and a WhatsApp number."""
        self._start_sandbox()
        words = [
            "create",
            "--workspace",
            "Harbour",
            "--email",
            CHIEF,
            "--name",
            NAMES[CHIEF],
            "--locale",
            "en",
        ]
        made = subprocess.run(
            [*SWITCHBOARD, *words], env=self._environment(), capture_output=True, text=True, timeout=PATIENCE,
            check=False,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        self.start()
        answer = self._ask("POST", "/sessions", email=CHIEF, password=PASSWORD)
        self.chief.headers["Authorization"] = f"Bearer {answer['token']}"
        self._hire(BEN)
        web = self._ask("POST", "/connections", kind="web", name="Harbour", config={"name": "Harbour"})
        self._site.open(str(web["channels"][0]["widget_script"]))
        self._connect_number()

    def close(self) -> None:
        """End what was started, the server in order."""
        self.chief.close()
        self._site.close()
        for process in (self._server, self._sandbox):
            if process is not None and process.poll() is None:
                process.terminate()
                process.wait(30)
        if self._sandbox is not None and self._sandbox.stdout is not None:
            self._sandbox.stdout.close()

    def start(self) -> None:
        """Serve, and wait until the database is reached."""
        with (self._data / "serve.log").open("ab") as log:
            self._server = subprocess.Popen(
                [*SWITCHBOARD, "serve", "--port", str(self._port)],
                env=self._environment(),
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._server.poll() is None:
            try:
                if httpx.get(f"{self.url}/ready", trust_env=False, timeout=3).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.05)
        raise RuntimeError(f"The server does not answer: {(self._data / 'serve.log').read_text()[-3000:]}")

    def kill(self) -> None:
        """SIGKILL, as when the power fails."""
        assert self._server is not None
        self._server.kill()
        self._server.wait()

    def play(self, **wish: Any) -> dict[str, Any]:
        """Let a customer of the sandbox act on the WhatsApp number."""
        return self.sandbox("POST", "/sandbox/play", platform="whatsapp", account=self.number, **wish)

    def sandbox(self, method: str, path: str, **fields: Any) -> dict[str, Any]:
        """Ask the sandbox's control API."""
        answer = httpx.request(
            method, self.sandbox_url + path, json=fields or None, trust_env=False, timeout=20
        )
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def contact(self, name: str, **identities: str) -> str:
        """Add a contact by hand; return its id."""
        typed = [{"space": space, "value": value} for space, value in identities.items()]
        return str(self._ask("POST", "/contacts", name=name, identities=typed)["id"])

    def _ask(self, method: str, path: str, **fields: Any) -> dict[str, Any]:
        answer = self.chief.request(method, path, json=fields or None)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def _hire(self, email: str) -> None:
        invited = self._ask("POST", "/invitations", email=email, name=NAMES[email], role="agent")
        token = str(invited["link"]).partition("token=")[2]
        self._ask("POST", "/invitations/accept", token=token, name=NAMES[email], password=PASSWORD)

    def _connect_number(self) -> None:
        number = self.sandbox("POST", "/sandbox/whatsapp/numbers", receipts="delivered")
        self.number = str(number["id"])
        config = {
            "waba_id": number["waba_id"], "access_token": number["token"], "app_secret": number["app_secret"],
            "verify_token": number["verify_token"],
        }  # fmt: skip
        made = self._ask("POST", "/connections", kind="whatsapp", name="WhatsApp", config=config)
        assert made["status"] == "green", made

    def _environment(self) -> dict[str, str]:
        given = {key: value for key, value in os.environ.items() if not key.startswith("SWITCHBOARD_")}
        return given | {
            "SWITCHBOARD_DATA": str(self._data),
            "SWITCHBOARD_DATABASE_URL": self._dsn,
            "SWITCHBOARD_PASSWORD": PASSWORD,
            "SWITCHBOARD_PUBLIC_URL": self.url,
            "SWITCHBOARD_OUTBOUND_ALLOW": self.sandbox_url.removeprefix("http://"),
            "SWITCHBOARD_BASE_URLS": ",".join(f"{name}={self.sandbox_url}" for name in STOOD_IN),
        }

    def _start_sandbox(self) -> None:
        words = [sys.executable, "-m", "switchboard.sandbox", "--receipt-delay-seconds", "0.05"]
        words += ["--retry-first-seconds", "0.2", "--retry-longest-seconds", "1"]
        with (self._data / "sandbox.log").open("ab") as log:
            self._sandbox = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self._sandbox.stdout is not None
        self.sandbox_url = str(json.loads(self._sandbox.stdout.readline())["url"])


class Site:
    """A shop's page with the script line that administrators copy from the desk."""

    def __init__(self) -> None:
        self.url = ""
        self._server: ThreadingHTTPServer | None = None
        self._thread: Thread | None = None

    def open(self, script: str) -> None:
        """Serve on any free port; `?name=` becomes the visitor's name, as a shop with accounts would say."""

        class Pages(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.partition("?name=")[2].replace("+", " ")
                tag = script.replace("<script ", f'<script data-lang="en" data-name="{name}" ', 1)
                body = f"<!doctype html><title>Shop</title><h1>Harbour shop</h1>{tag}".encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that it has there
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
