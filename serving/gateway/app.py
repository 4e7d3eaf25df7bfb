"""The gateway's composition root: the only place that makes its parts from settings."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, Request
from werkzeug.routing import MapAdapter
from werkzeug.wsgi import get_host

from serving.catalog import Catalog, Contracts, ModelRunner, ModelServer, Refresher
from serving.catalog.weights import shares_of
from serving.catalog.weights_file import WeightsFile
from serving.gateway.accepting import register_can_answer
from serving.gateway.captured_mistakes import mistakes_routes
from serving.gateway.connections.limits import ConnectionLimits, register_connection_limits
from serving.gateway.drain import register_drain
from serving.gateway.health import health_routes
from serving.gateway.middleware.access import register_access
from serving.gateway.middleware.compression import register_compression
from serving.gateway.middleware.cors import register_cors
from serving.gateway.middleware.headers import register_headers
from serving.gateway.middleware.log_limit import register_log_limit
from serving.gateway.middleware.shared_times import SharedTimes
from serving.gateway.openapi.docs import docs_routes
from serving.gateway.openapi.routes import openapi_routes
from serving.gateway.overload import Door
from serving.gateway.problems import register_problems
from serving.gateway.protocols.answering import Answering
from serving.gateway.protocols.body import GatewayRequest
from serving.gateway.protocols.explain import explain_routes
from serving.gateway.protocols.feedback import feedback_routes
from serving.gateway.protocols.inference_v2 import inference_v2_routes
from serving.gateway.protocols.predict import predict_routes
from serving.gateway.protocols.tfserving_rest import NameConverter, tfserving_routes
from serving.gateway.scheduling import register_run_queue
from serving.gateway.served_models import models_routes
from serving.gateway.settings import Settings
from serving.gateway.trial_page import page_routes
from serving.model_servers import connect
from serving.monitoring.gateway_metrics import APART, VERSION_GONE, Metrics
from serving.prediction.concurrency import ConcurrencyLimits
from serving.prediction.load import Load
from serving.prediction.micro_batching import Batcher
from serving.prediction.predictor import Predictor
from serving.prediction.run_queue import RunQueue
from serving.prediction.shadowing import Shadows
from serving.process.processors import share
from serving.registry.finding import ModelFinder
from serving.registry.progress import in_training
from serving.registry.signing_keys import read_public_key
from serving.truth.accepting import MOST_CALLS, FeedbackLog
from serving.truth.store import open_store

if TYPE_CHECKING:
    from serving.gateway.capturing import Capturing
    from serving.gateway.middleware.tracing import Tracing
    from serving.gateway.protocols.inference_v2_grpc import OpenInferenceServer

_EXTENSION = "plumbline"


class _Flask(Flask):
    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return *func*. None is async, which Flask would check again at each of five calls a request."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Bind the routes to *request*. They are those of every host, for which Flask reads the header thrice."""
        if request is None:
            return super().create_url_adapter(None)
        request.host = get_host(request.environ)
        place = request.host, request.root_path, "", request.scheme
        return self.url_map.bind(*place, request.method, request.path, request.environ.get("QUERY_STRING"))


@dataclass(frozen=True)
class _Background:
    refresher: Refresher
    weights: WeightsFile
    server: ModelServer
    shadows: Shadows
    metrics: Metrics
    tracing: "Tracing | None"
    grpc: "OpenInferenceServer | None"
    feedback: FeedbackLog | None
    capturing: "Capturing | None"


def create_app(
    settings: Settings | None = None,
    server: ModelServer | None = None,
    contracts: Contracts | None = None,
    full_at: SharedTimes | None = None,
) -> Flask:
    """Make the WSGI application, by default from the environment and with the real client.

    It starts a thread, so call it in the process that serves, after any fork. `close_app` stops it. Workers that share
    the rates of API keys were forked after *full_at* was made.
    """
    settings = settings or Settings.from_env()
    tracing = _tracing(settings)
    metrics = Metrics(settings.metrics_dir, settings.shadow)
    app = _flask(settings)
    run_queue = register_run_queue(app, settings.workers)
    contracts = contracts or Contracts(settings.instance_limits)
    weights = WeightsFile(settings.canary_file, shares_of(settings.canary), settings.shadow)
    server = server or _model_server(settings, metrics, tracing, run_queue, contracts, weights)
    catalog = _catalog(settings, server, metrics, contracts, weights)
    refresher = Refresher(catalog, settings.refresh_seconds)
    drain = register_drain(app, settings.drain_seconds)
    register_can_answer(app, lambda: catalog.tried)
    register_cors(app, settings.cors_origins)
    if tracing:
        tracing.register(app)
    register_access(app, settings, full_at)
    limits = ConcurrencyLimits(settings.max_concurrency, settings.max_queue, metrics.waiting, metrics.shed)
    runner = _runner(settings, server, metrics, tracing, run_queue)
    predictor = _predictor(catalog, runner, metrics, tracing, run_queue, limits)
    is_busy = Load(run_queue, limits, runner).is_busy
    shadows = Shadows(settings.shadow, catalog, server.aside(), metrics.shadows, settings.deadline_seconds, is_busy)
    capturing = _capturing(settings, catalog, metrics)
    answering = Answering(settings, catalog, predictor, metrics, shadows, capturing)
    app.register_blueprint(predict_routes(answering, settings.max_json_depth))
    app.register_blueprint(inference_v2_routes(answering, catalog, metrics, drain, settings.max_json_depth))
    app.register_blueprint(tfserving_routes(answering, catalog, settings.max_json_depth))
    explainer = _predictor(catalog, server.aside(), metrics, None, run_queue, ConcurrencyLimits())
    app.register_blueprint(explain_routes(settings, catalog, explainer, metrics))
    feedback = _feedback_log(settings)
    app.register_blueprint(feedback_routes(settings, catalog, feedback, metrics))
    if settings.capture:
        app.register_blueprint(mistakes_routes(settings.capture, catalog))
    app.register_blueprint(_models_routes(settings, catalog))
    app.register_blueprint(_openapi_routes(settings, catalog))
    app.register_blueprint(docs_routes())
    app.register_blueprint(health_routes(catalog, metrics, drain))
    app.register_blueprint(page_routes())
    door = Door(limits, metrics)
    connected, refused = metrics.connected, metrics.refused_connection
    register_connection_limits(app, ConnectionLimits.of(settings, connected, refused, door.enter, door.leave))
    register_problems(app, register_log_limit(app, metrics.left_out_of_log))
    register_compression(app)
    register_headers(app)
    grpc = _open_inference(app, settings)
    app.extensions[_EXTENSION] = _Background(
        refresher, weights, server, shadows, metrics, tracing, grpc, feedback, capturing
    )
    weights.start(partial(_weigh, weights, catalog, metrics))
    refresher.start()
    metrics.start()
    return app


def close_app(app: Flask) -> None:
    """Stop the threads and close the connections that `create_app` opened."""
    background = app.extensions[_EXTENSION]
    if background.grpc:
        background.grpc.close()
    background.weights.close()
    background.refresher.close()
    background.shadows.close()
    if background.feedback:
        background.feedback.close()
    background.server.close()
    if background.capturing:
        background.capturing.close()
    background.metrics.close()
    if background.tracing:
        background.tracing.close()


def _weigh(file: WeightsFile, catalog: Catalog, metrics: Metrics) -> None:
    if file.weights is not None:
        catalog.weigh(file.weights)
    served = {model: it for model, it in (file.weights or {}).items() if model in catalog.models}
    metrics.weighed(served, file.is_usable)


def _tracing(settings: Settings) -> "Tracing | None":
    if not settings.tracing:
        return None
    from serving.gateway.middleware.tracing import Tracing  # here, since OpenTelemetry may not be installed

    return Tracing()


def _capturing(settings: Settings, catalog: Catalog, metrics: Metrics) -> "Capturing | None":
    if not settings.capture:
        return None
    from serving.gateway.capturing import Capturing  # here, so that a gateway that captures nothing takes no memory

    return Capturing.of(settings, catalog, metrics)


def _open_inference(app: Flask, settings: Settings) -> "OpenInferenceServer | None":
    if not settings.grpc_port:
        return None
    from serving.gateway.protocols.inference_v2_grpc import OpenInferenceServer  # here, since gRPC takes memory

    return OpenInferenceServer(app, settings)


def _model_server(
    settings: Settings,
    metrics: Metrics,
    tracing: "Tracing | None",
    run_queue: RunQueue,
    contracts: Contracts,
    weights: WeightsFile,
) -> ModelServer:
    if settings.models_dir and settings.runs_models:
        models = () if settings.follows_folder else settings.models
        trusted = [read_public_key(path) for path in settings.require_signature]
        at_once = share(settings.workers)
        return connect.embedded(settings.models_dir, models, at_once, metrics.rpc, contracts, trusted, weights.named)
    trace = tracing.call if tracing else None
    return connect.remote(settings.model_server, settings.model_server_tls, trace, metrics.rpc, run_queue)


def _catalog(
    settings: Settings, server: ModelServer, metrics: Metrics, contracts: Contracts, weights: WeightsFile
) -> Catalog:
    if not (settings.models_dir and settings.follows_folder):
        return Catalog(server, settings.models, metrics.refreshed, weights.weights, contracts)
    metrics.show(())
    finder = ModelFinder(settings.models_dir)
    return Catalog(server, (), metrics.refreshed, weights.weights, contracts, finder, metrics.show)


def _models_routes(settings: Settings, catalog: Catalog) -> Blueprint:
    limits = (settings.max_instances, settings.max_body_bytes)
    if not (settings.models_dir and settings.follows_folder):
        return models_routes(catalog, *limits)
    return models_routes(catalog, *limits, partial(in_training, settings.models_dir))


def _runner(
    settings: Settings, server: ModelServer, metrics: Metrics, tracing: "Tracing | None", run_queue: RunQueue
) -> ModelRunner:
    if settings.max_batch_rows == 1 and not settings.max_large_calls:
        return server
    batch = (settings.max_batch_rows, settings.max_batch_calls, settings.max_batch_bytes)
    maxima = (*batch, settings.max_large_calls)
    retried = partial(metrics.retried, reason=APART)
    return Batcher(server, *maxima, metrics.called, retried, tracing, run_queue)


def _feedback_log(settings: Settings) -> FeedbackLog | None:
    if not settings.capture:
        return None
    # Calls that wait for the disk must leave most threads to predictions.
    return FeedbackLog(open_store(settings.capture), max(1, min(MOST_CALLS, settings.threads // 4)))


def _openapi_routes(settings: Settings, catalog: Catalog) -> Blueprint:
    needs_key, takes_feedback = settings.api_keys_file is not None, bool(settings.capture)
    return openapi_routes(catalog, settings.max_instances, needs_key, takes_feedback, settings.explain_budget)


def _predictor(
    catalog: Catalog,
    runner: ModelRunner,
    metrics: Metrics,
    tracing: "Tracing | None",
    run_queue: RunQueue,
    limits: ConcurrencyLimits,
) -> Predictor:
    on_stage = tracing.stage if tracing else None
    return Predictor(catalog, runner, limits, partial(metrics.retried, reason=VERSION_GONE), on_stage, run_queue)


def _flask(settings: Settings) -> Flask:
    app = _Flask("serving.gateway", static_folder=None)
    app.request_class = GatewayRequest
    app.url_map.converters["name"] = NameConverter
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.config["MAX_FORM_PARTS"] = settings.max_instances + 1  # one too many is counted and reported, more are refused
    return app
