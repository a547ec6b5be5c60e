# SPDX-License-Identifier: GPL-2.0
"""Buckets that move at random."""

import random
import threading
import time

import module

SEED = 7


class Mover(threading.Thread):
    """Moves random buckets to random CPUs until it is stopped. `gone`: errors that are no
    wonder, since CPUs or the module itself go meanwhile."""

    BATCH = 64

    def __init__(self, gone=()):
        super().__init__()
        self.over, self.error, self.gone = threading.Event(), None, gone

    def __enter__(self):
        self.first, self.began = int(module.read("moves/total")), time.monotonic()
        self.start()
        return self

    def run(self):
        rng = random.Random(SEED)
        count = int(module.read("buckets"))
        while not self.over.is_set():
            buckets = rng.sample(range(count), self.BATCH)
            lines = "".join(f"{bucket} {rng.randrange(module.CPUS)}\n" for bucket in buckets)
            try:
                module.write("map", lines.encode())
            except OSError as error:
                if error.errno not in self.gone:
                    self.error = error
                    return

    def __exit__(self, *_):
        self.over.set()
        self.join()
        self.moves = int(module.read("moves/total")) - self.first
        self.rate = self.moves / (time.monotonic() - self.began)
