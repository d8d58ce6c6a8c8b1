"""Webhooks go over TLS to whoever shows a good certificate for its name, and to nobody else."""

import ssl
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from farwork.notifications.post import Poster
from farwork.notifications.schedule import Reply
from farwork.service.targets import Guard

pytestmark = pytest.mark.anyio
BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
AGES = timedelta(days=40_000)


@dataclass(frozen=True)
class Authority:
    """A certificate authority of our own."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def new(cls, name: str) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        made = certificate(
            name, name, key.public_key(), x509.BasicConstraints(ca=True, path_length=0)
        )
        return cls(key, made.sign(key, hashes.SHA256()))

    def write(self, folder: Path) -> Path:
        file = folder / "authority.pem"
        file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        return file

    def server(self, folder: Path, host: str) -> ssl.SSLContext:
        """What a server with this name shows."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = self.certificate.subject.rfc4514_string().removeprefix("CN=")
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        made = certificate(host, issuer, key.public_key(), names).sign(self.key, hashes.SHA256())
        file = folder / f"{host}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def certificate(
    subject: str, issuer: str, key: ec.EllipticCurvePublicKey, extension: Any
) -> x509.CertificateBuilder:
    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    return (
        x509.CertificateBuilder()
        .subject_name(named(subject))
        .issuer_name(named(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGIN)
        .not_valid_after(BEGIN + AGES)
        .add_extension(extension, critical=True)
    )


@contextmanager
def listening(context: ssl.SSLContext) -> Generator[tuple[int, list[bytes]]]:
    """A server behind TLS, and what was sent to it."""
    taken: list[bytes] = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            pass

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """Peers that do not trust us go."""

    with Quiet(("127.0.0.1", 0), Taker) as server:
        # The shake of hands is made by the thread of the connection, not by the one that accepts.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield server.server_address[1], taken
        finally:
            server.shutdown()


async def sent(port: int) -> Reply:
    poster = Poster(Guard(["127.0.0.0/8", "::1"]))
    try:
        return await poster.post(f"https://localhost:{port}/in", [("webhook-id", "1")], b"{}")
    finally:
        poster.close()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority that this process trusts, and no other."""
    made = Authority.new("ours")
    monkeypatch.setenv("SSL_CERT_FILE", str(made.write(tmp_path)))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    return made


async def test_a_receiver_with_a_certificate_for_its_name_is_sent_to(
    authority: Authority, tmp_path: Path
) -> None:
    with listening(authority.server(tmp_path, "localhost")) as (port, taken):
        reply = await sent(port)
    assert (reply.status, reply.error, taken) == (204, None, [b"{}"])


async def test_a_certificate_for_another_name_is_not_taken(
    authority: Authority, tmp_path: Path
) -> None:
    with listening(authority.server(tmp_path, "elsewhere.example")) as (port, taken):
        reply = await sent(port)
    assert (reply.ok, taken) == (False, [])
    assert str(reply.error).startswith("No secure connection: ")


@pytest.mark.usefixtures("authority")
async def test_a_certificate_of_somebody_unknown_is_not_taken(tmp_path: Path) -> None:
    stranger = Authority.new("theirs")
    with listening(stranger.server(tmp_path, "localhost")) as (port, taken):
        reply = await sent(port)
    assert (reply.ok, taken) == (False, [])
    assert str(reply.error).startswith("No secure connection: ")
