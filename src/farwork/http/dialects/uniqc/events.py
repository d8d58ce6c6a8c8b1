"""`/ws/events`: tells everybody who listens when a task of the caller's project comes into another state."""

import asyncio
from collections.abc import Awaitable, Callable

from litestar import websocket
from litestar.exceptions import WebSocketDisconnect

from farwork.domain.errors import DomainError
from farwork.http.context import Context
from farwork.http.dialects.uniqc.answers import encode
from farwork.http.dialects.uniqc.callers import AnySocket, watcher_of
from farwork.http.dialects.uniqc.translate import event_from
