"""GET /: the page to try models on, and GET /monitor: the one to see how they do. Both are static files.

They get all data from the gateway's API and its metrics.

Clients of KServe's protocol V1 check there whether the server is alive.
"""

from flask import Blueprint, Response, request

from serving.gateway.replies import json_reply


def page_routes() -> Blueprint:
    """Make the blueprint."""
    routes = Blueprint("page", __name__, static_folder="static", static_url_path="/static")

    @routes.get("/")
    def page() -> Response:
        reply = routes.send_static_file("page.html") if _wants_page() else json_reply({"status": "alive"})
        reply.vary.add("Accept")
        return reply

    @routes.get("/monitor")
    def monitor() -> Response:
        return routes.send_static_file("monitor.html")

    return routes


def _wants_page() -> bool:
    """Return whether the client is a browser, or names no media types. Programs accept anything, or JSON."""
    accepted = request.accept_mimetypes
    return not accepted.provided or any(media.startswith(("text/", "application/xhtml")) for media in accepted.values())
