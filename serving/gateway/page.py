"""GET /: the page to try the models on. It is static files only; all that it shows comes from the gateway's API."""

from flask import Blueprint, Response


def page_routes() -> Blueprint:
    """Make the blueprint."""
    routes = Blueprint("page", __name__, static_folder="static", static_url_path="/static")

    @routes.get("/")
    def page() -> Response:
        return routes.send_static_file("page.html")

    return routes
