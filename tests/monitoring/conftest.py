"""A whole system that is watched: model server, gateway, jobs' files, exporters, Prometheus; and what happens to it."""

import base64
import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from serving import registry
from serving.registry import model_names, scan
from tests.monitoring.load import asking, burst, happening
from tests.monitoring.prometheus import Prometheus, node_exporter, prometheus, wait_until_open, written_exporter
from tests.stack import PLUMBLINE, Stack, free_port, process
from training.errors import TrainingError
from training.jobs.run_metrics import recording_metrics
from training.publishing.export import export
from training.publishing.publish import publish
from training.task import find_task

EXPORTERS = Path(__file__).parent / "exporters"
SECONDS = 20.0

BATCHING = """
max_batch_size { value: 512 }
batch_timeout_micros { value: 1000 }
max_enqueued_batches { value: 100 }
allowed_batch_sizes: 4
allowed_batch_sizes: 16
allowed_batch_sizes: 512
"""
MONITORING = 'prometheus_config { enable: true path: "/monitoring/prometheus/metrics" }'


@dataclass(frozen=True)
class Watched:
    """What Prometheus saw between two Unix times."""

    prometheus: Prometheus
    models: tuple[str, ...]
    start: float
    end: float


@pytest.fixture(scope="module")
def watched(request, trained, published, tmp_path_factory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    system = System(trained, folder, folder / "models")
    shutil.copytree(published, system.models_dir)
    system.publish_one_that_takes_missing_values()
    system.publish_a_canary()
    seconds = request.config.getoption("--overview-seconds") if request.config.getoption("--overview") else SECONDS
    with contextlib.ExitStack() as processes:
        targets = {
            "gateway": [system.start_gateway(processes)],
            "model-server": [
                system.rest_port,
                processes.enter_context(written_exporter(EXPORTERS / "tensorflow-serving.prom")),
            ],
            "live": [system.start_live(processes)],
            "job-metrics": [processes.enter_context(node_exporter(folder, system.write_job_metrics()))],
            "dcgm": [processes.enter_context(written_exporter(EXPORTERS / "dcgm.prom"))],
            "cert-manager": [processes.enter_context(written_exporter(EXPORTERS / "cert-manager.prom"))],
            "kube-state-metrics": [processes.enter_context(written_exporter(EXPORTERS / "kube-state-metrics.prom"))],
        }
        seen = processes.enter_context(prometheus(folder, targets))
        system.start_model_server()
        processes.callback(system.stop_model_server)
        system.gateway.wait_for("/readyz", lambda reply: reply.status == 200)
        system.score_a_file()
        seen.wait_until('sum(plumbline_gateway_model_ready) == 5 and on () up{job="job-metrics"} == 1')
        start = time.time()
        system.live_through(seconds, seen)
        # What was waited for last has a sample from just now: asked by the second, it would lie after the last one.
        yield Watched(seen, tuple(trained), start, time.time() + 1)


class System:
    """Model server and gateway over the sample models, with short queues, so that they overflow."""

    def __init__(self, trained, folder: Path, models_dir: Path) -> None:
        self.trained = trained
        self.folder = folder
        self.models_dir = models_dir
        self.port, self.rest_port = free_port(), free_port()
        self._server = contextlib.ExitStack()
        self.gateway: Stack

    def publish_one_that_takes_missing_values(self) -> None:
        result = self.trained["house_price"]
        fields = {
            name: dataclasses.replace(encoder, missing="mean", fill=encoder.scaling.offset)
            for name, encoder in result.contract.record.fields.items()
        }
        contract = dataclasses.replace(
            result.contract, record=dataclasses.replace(result.contract.record, fields=fields)
        )
        publish(self.models_dir, "house_price", lambda folder: export(result.model, contract, folder))

    def publish_a_canary(self) -> None:
        shutil.copytree(self.models_dir / "digits" / "1", self.models_dir / "digits" / "2")

    def publish_one_that_computes_something_else(self) -> None:
        """As if training had computed other scores, and export had not looked."""
        result = self.trained["sentiment"]
        examples = [
            dataclasses.replace(each, outputs={"scores": each.outputs["scores"] * 0.5})
            for each in result.contract.examples
        ]
        contract = dataclasses.replace(result.contract, examples=tuple(examples))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("training.publishing.export.check_export", lambda *_: None)
            publish(self.models_dir, "sentiment", lambda folder: export(result.model, contract, folder))

    def publish_one_that_cannot_be_loaded(self) -> None:
        def write(folder: Path) -> None:
            shutil.copytree(self.models_dir / "house_price" / "2", folder)
            (folder / "saved_model.pb").write_bytes(b"no model")

        registry.publish(self.models_dir, "house_price", write)

    def replace_one_that_is_asked(self, version: int) -> None:
        """The model server keeps only the newest of `topic`, so requests under way find theirs gone."""
        shutil.copytree(self.models_dir / "topic" / "1", self.models_dir / "topic.new")
        (self.models_dir / "topic.new").rename(self.models_dir / "topic" / str(version))

    def write_job_metrics(self) -> Path:
        """Write what training runs of all models do, one of which fails."""
        files = self.folder / "job-metrics"
        files.mkdir()
        for name, result in self.trained.items():
            with recording_metrics(files / f"train-{name}.prom", name) as told:
                told.trained(result.contract)
                told.published(self.models_dir / name / str(max(scan(self.models_dir / name))))
        with contextlib.suppress(TrainingError), recording_metrics(files / "train-topic.prom", "topic"):
            raise TrainingError("as the gate would")
        return files

    def score_a_file(self) -> None:
        rows = "".join(f"{number},a film of wonders\n" for number in range(200))
        (self.folder / "reviews.csv").write_text(f"id,text\n{rows}200,\n")
        command = [*PLUMBLINE, "score", self.folder / "reviews.csv", "--model=sentiment", "--max-rejects=1"]
        command += [f"--model-server=127.0.0.1:{self.port}", f"--output={self.folder / 'scored.csv'}"]
        subprocess.run([*command, f"--metrics-file={self.folder / 'job-metrics' / 'batch.prom'}"], check=True)

    def start_gateway(self, processes: contextlib.ExitStack) -> int:
        port = free_port()
        settings = {
            "MODEL_SERVER": f"127.0.0.1:{self.port}",
            "MODELS": ",".join(model_names(self.models_dir)),
            "MAX_CONCURRENCY": "2",
            "MAX_QUEUE": "4",
            "REFRESH_SECONDS": "2",
            "CANARY": "digits:2=20",
            "SHADOW": "house_price:1=100",
            "CAPTURE": str(self.folder / "captures"),
            "CAPTURE_PART_SECONDS": "1",
            "PORT": str(port),
        }
        log = self.folder / "gateway.log"
        with pytest.MonkeyPatch.context() as patch:
            for name, value in settings.items():
                patch.setenv(name, value)
            gateway = processes.enter_context(process([*PLUMBLINE, "serve"], log))
        self.gateway = Stack(f"http://127.0.0.1:{port}", gateway, log)
        self.gateway.wait_for("/healthz", lambda reply: reply.status == 200)
        return port

    def start_live(self, processes: contextlib.ExitStack) -> int:
        port = free_port()
        command = [*PLUMBLINE, "live", f"--captures={self.folder / 'captures'}", f"--listen=127.0.0.1:{port}"]
        log = self.folder / "live.log"
        processes.enter_context(process([*command, "--every=1s"], log))
        wait_until_open(port, log)
        return port

    def tell_the_truth(self, instances: dict[str, list[dict[str, Any]]]) -> None:
        """Ask about a label and a value, and tell what is true."""
        for model, truth in (("sentiment", "positive"), ("house_price", 24.5)):
            for number, instance in enumerate(instances[model][1:9]):
                request_id = f"{model}-{number}"
                answered = self.gateway.post(f"/predict/{model}", instance, request_id=request_id)
                told = self.gateway.post(f"/feedback/{model}", {"request_id": request_id, "truth": truth})
                assert (answered.status, told.status) == (200, 202), (answered.body, told.body)

    def start_model_server(self) -> None:
        policies = dict.fromkeys(model_names(self.models_dir), 2) | {"topic": 1}
        blocks = (
            f'config {{ name: "{name}" base_path: "{self.models_dir / name}" model_platform: "tensorflow"'
            f" model_version_policy {{ latest {{ num_versions: {versions} }} }} }}"
            for name, versions in policies.items()
        )
        files = {
            "model_config_file": f"model_config_list {{ {' '.join(blocks)} }}",
            "batching_parameters_file": BATCHING,
            "monitoring_config_file": MONITORING,
        }
        command = [sys.executable, "-m", "serving.local_server", "--host=127.0.0.1", "--enable_batching"]
        command += [f"--port={self.port}", f"--rest_api_port={self.rest_port}", "--file_system_poll_wait_seconds=0.2"]
        command += ["--max_num_load_retries=0"]
        for flag, text in files.items():
            (self.folder / flag).write_text(text)
            command.append(f"--{flag}={self.folder / flag}")
        log = self.folder / "model-server.log"
        self._server.enter_context(process(command, log))
        wait_until_open(self.port, log, 120)

    def stop_model_server(self) -> None:
        self._server.close()

    def restart_model_server(self) -> None:
        self.stop_model_server()
        self.start_model_server()

    def lose_a_worker(self) -> None:
        os.kill(self.gateway.children()[0], signal.SIGKILL)

    def live_through(self, seconds: float, seen: Prometheus) -> None:
        instances = {
            name: [_as_json(each) for each in find_task(name).load_sample().test.instances] for name in self.trained
        }
        for house in instances["house_price"][::5]:
            house.pop("RM")
        events = [
            (0.2, lambda: burst(self.gateway, "image", instances["image"])),
            (0.25, lambda: self.replace_one_that_is_asked(2)),
            (0.3, self.publish_one_that_computes_something_else),
            (0.35, lambda: burst(self.gateway, "image", instances["image"])),
            (0.4, lambda: self.replace_one_that_is_asked(3)),
            (0.5, self.lose_a_worker),
            (0.6, self.restart_model_server),
            (0.7, self.publish_one_that_cannot_be_loaded),  # after it, for the server would not start again
        ]
        self.tell_the_truth(instances)
        with asking(self.gateway, instances):
            happening(seconds, events)
            # On a busy machine the events take longer than planned, and a rule sees one only after the next scrape.
            for alert in ("PlumblineParityFailure", "PlumblineVersionNotLive"):
                seen.wait_until(f'ALERTS{{alertname="{alert}", model="sentiment"}}', 120)
            seen.wait_until('ALERTS{alertname="PlumblineLoadFailed", model="house_price"}', 120)
            seen.wait_until("sum(plumbline_gateway_model_ready) == 5")
            seen.wait_until("count(plumbline_live_measure_low) == 2")


def _as_json(instance: dict[str, Any]) -> dict[str, Any]:
    return {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in instance.items()
    }
