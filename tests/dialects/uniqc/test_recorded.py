"""What the gateway itself answered, word for word."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.dialects.uniqc.gateway import Gateway


@dataclass
class Exchange:
    """A request to an empty gateway, and its answer: status, body."""

    call: str
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    answer: list[str] = field(default_factory=list)


def recorded() -> list[Exchange]:
    exchanges: list[Exchange] = []
    for line in Path(__file__).with_name("recorded.http").read_text().splitlines():
        match line[:2], line[2:]:
            case "##", call:
                exchanges.append(Exchange(call.lstrip("# ")))
            case "> ", body:
                exchanges[-1].body = body
            case "< ", said:
                exchanges[-1].answer.append(said)
            case ("# ", _) | ("", _):
                pass
            case _:
                name, _, value = line.partition(": ")
                exchanges[-1].headers[name] = value
    return exchanges


def test_every_answer_is_the_gateways_own(gateway: Gateway) -> None:
    exchanges = recorded()

    answers = [replayed(gateway, exchange) for exchange in exchanges]

    assert len(exchanges) > 100
    assert answers == exchanges


def replayed(gateway: Gateway, exchange: Exchange) -> Exchange:
    """The same request with our answer."""
    method, path = exchange.call.split(" ", 1)
    content = None if exchange.body is None else exchange.body.encode()
    response = gateway.http.request(method, path, headers=exchange.headers, content=content)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["vary"] == "Origin"
    return replace(exchange, answer=[str(response.status_code), response.text])
