"""The files of workers, as prometheus_client writes them, and what is read from them."""

from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict, mmap_key

from serving.monitoring.worker_files import read


def write_worker(folder: Path, pid: int, series: int = 1) -> None:
    """Count 2 in each of *series* series of a counter and a histogram, and 1 in a gauge."""
    for kind, suffix in (("counter", "_total"), ("histogram", "_sum")):
        values = MmapedDict(str(folder / f"{kind}_{pid}.db"))
        for number in range(series):
            labels = {"model": f"m{number}"}
            key = mmap_key(f"a_{kind}", f"a_{kind}{suffix}", [*labels], [*labels.values()], "A.")
            values.write_value(key, values.read_value(key)[0] + 2.0, 0.0)
        values.close()
    alive = MmapedDict(str(folder / f"gauge_livesum_{pid}.db"))
    alive.write_value(mmap_key("alive", "alive", [], [], "Alive."), 1.0, 0.0)
    alive.close()


def told(folder: Path) -> dict[str, float]:
    """Give the samples by their name and labels' values."""
    return {
        sample.name + "".join(sorted(sample.labels.values())): sample.value
        for metric in read(folder)[0]
        for sample in metric.samples
    }
