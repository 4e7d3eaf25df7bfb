"""GET /docs: Swagger UI for /openapi.json, from the files in flask-swagger-ui. Nothing is loaded from elsewhere."""

from importlib.resources import files
from pathlib import Path

from flask import Blueprint, Response, send_from_directory

_FILES = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png", "LICENSE")

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Plumbline API</title>
<link rel="icon" type="image/png" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "openapi.json", dom_id: "#docs", deepLinking: true, validatorUrl: null, tryItOutEnabled: true,
  requestInterceptor: (request) => {
    const key = sessionStorage.getItem("plumbline-key");  // entered on the page at / in this tab
    if (key && !request.headers.Authorization && !request.headers["X-API-Key"]) request.headers["X-API-Key"] = key;
    return request;
  },
});
"""
# Swagger UI sets styles by script, and has its icons in its style sheet. All else comes from this address.
_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"


def docs_routes() -> Blueprint:
    """Make the blueprint."""
    routes = Blueprint("docs", __name__, url_prefix="/docs")
    shipped = Path(str(files("flask_swagger_ui"))) / "dist"

    @routes.get("")
    def page() -> Response:
        return Response(_PAGE, mimetype="text/html", headers={"Content-Security-Policy": _POLICY})

    @routes.get("/start.js")
    def start() -> Response:
        return Response(_START, mimetype="text/javascript")

    @routes.get(f"/<any({', '.join(map(repr, _FILES))}):file>")
    def asset(file: str) -> Response:
        return send_from_directory(shipped, file, max_age=3600)

    return routes
