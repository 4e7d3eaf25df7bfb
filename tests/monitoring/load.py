"""Mixed load on a gateway: questions from the samples, batches, mistakes, bursts, and what happens to a system."""

import contextlib
import http.client
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tests.stack import Stack

Instances = Mapping[str, Sequence[dict[str, Any]]]

HUNG_UP = (OSError, http.client.HTTPException)
"""What a worker that is killed does to those who ask, before or within its answer."""

MISTAKES: Sequence[tuple[str, object]] = (
    ("sentiment", {"text": 5}),
    ("sentiment", b"{"),
    ("house_price", {"RM": "six"}),
    ("digits", {"image": "%%%"}),
    ("nobody", {"text": "a film"}),
)


@contextlib.contextmanager
def asking(gateway: Stack, instances: Instances, threads: int = 4) -> Iterator[None]:
    """Ask without pause from several threads for as long as the block lasts; answers of all kinds are expected."""
    stop = threading.Event()

    def work(seed: int) -> None:
        chance = random.Random(seed)
        while not stop.is_set():
            with contextlib.suppress(*HUNG_UP):
                ask_once(gateway, instances, chance)
            stop.wait(chance.uniform(0.0, 0.05))

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        stop.set()
        for worker in workers:
            worker.join()


def ask_once(gateway: Stack, instances: Instances, chance: random.Random) -> None:
    if chance.random() < 0.06:
        model, body = chance.choice(MISTAKES)
        gateway.post(f"/predict/{model}", body)
        return
    model = chance.choice(list(instances))
    if chance.random() < 0.02:
        gateway.post(f"/explain/{model}?budget=64", chance.choice(instances[model]))
        return
    rows = chance.choice((1, 1, 2, 8, 32))
    gateway.post(f"/predict/{model}", {"instances": chance.choices(instances[model], k=rows)})


def burst(gateway: Stack, model: str, instances: Sequence[dict[str, Any]], threads: int = 40) -> None:
    """Ask more at once than may wait."""

    def ask() -> None:
        with contextlib.suppress(*HUNG_UP):
            gateway.post(f"/predict/{model}", {"instances": list(instances[:32])})

    askers = [threading.Thread(target=ask) for _ in range(threads)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()


def happening(seconds: float, events: Sequence[tuple[float, Callable[[], None]]]) -> None:
    """Let events happen, each at its share of the time."""
    start = time.monotonic()
    for share, event in events:
        time.sleep(max(0.0, start + share * seconds - time.monotonic()))
        event()
    time.sleep(max(0.0, start + seconds - time.monotonic()))
