from bench.settings import Settings
from bench.outcome import Outcome

def run(settings: Settings) -> Outcome:
    raise NotImplementedError
