"""Server-sent events, read as they come: bytes in, frames out."""

from dataclasses import dataclass

from farwork.sdk._errors import BadAnswer

FRAME_BYTES_MAX = 64 << 20


@dataclass(slots=True)
class Frame:
    """One event of the stream. No data: only a new place, `id`."""

    name: str = "message"
    id: str = ""
    data: str = ""


class Frames:
    """Cuts a body into frames, as the HTML standard has it."""

    def __init__(self) -> None:
        self._rest = b""

    def take(self, piece: bytes) -> list[Frame]:
        """The frames that this piece completes. Raises `BadAnswer` when one never ends."""
        *whole, self._rest = (self._rest + piece).replace(b"\r\n", b"\n").split(b"\n\n")
        if len(self._rest) > FRAME_BYTES_MAX:
            raise BadAnswer("The stream holds an event without an end.")
        return [_frame(block) for block in whole]


def _frame(block: bytes) -> Frame:
    frame = Frame()
    data: list[str] = []
    try:
        lines = block.decode().split("\n")
    except UnicodeDecodeError as error:
        raise BadAnswer(f"The stream is not UTF-8: {error}.") from error
    for line in lines:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            frame.name = value
        elif field == "id":
            frame.id = value
        elif field == "data":
            data.append(value)
    frame.data = "\n".join(data)
    return frame
