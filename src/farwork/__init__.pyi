from farwork.sdk import AsyncClient as AsyncClient
from farwork.sdk import Client as Client
from farwork.worker import Worker as Worker
from farwork.worker import track as track

__version__: str
