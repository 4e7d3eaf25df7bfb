"""Access by API keys: where they are set, all routes except the open ones need one, which may be for some models."""

import time

from flask import Flask, request

from serving.errors import Forbidden, Unauthorized
from serving.gateway.middleware.key_file import KeyFile
from serving.gateway.middleware.rate_limit import RateLimiter
from serving.gateway.middleware.rates import parse_rates
from serving.gateway.middleware.shared_times import SharedTimes
from serving.gateway.open_routes import OPEN_ROUTES
from serving.gateway.request_facts import request_facts
from serving.gateway.routing import is_prediction
from serving.gateway.settings import Settings


def register_access(app: Flask, settings: Settings, full_at: SharedTimes | None) -> None:
    """Make *app* require a key and limit its owner's rate, if *settings* say so.

    All workers share *full_at*; a process on its own needs none.
    """
    if settings.api_keys_file is None:
        return
    keys = KeyFile(settings.api_keys_file)
    rates = parse_rates(settings.rate_limit) if settings.rate_limit else ()
    limiter = RateLimiter(full_at or SharedTimes())

    @app.before_request
    def check() -> None:
        if request.endpoint in OPEN_ROUTES:
            return
        if is_prediction():
            request_facts().started = time.perf_counter()  # a refused request is counted like others
        line = keys.find(_sent_key())
        if line is None:
            raise Unauthorized
        facts = request_facts()
        facts.owner, facts.allowed, facts.reads_captures = line.owner, line.models, line.reads_captures
        if its_rates := line.rates or rates:
            limiter.take(line.owner, its_rates)
        model = (request.view_args or {}).get("model")
        if model is not None and not facts.may_use(model):
            raise Forbidden(model, line.owner, sorted(line.models or ()))


def _sent_key() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else request.headers.get("X-API-Key", "")
