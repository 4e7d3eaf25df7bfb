"""Flask with TensorFlow in process, for gunicorn's synchronous workers: the simplest fast server."""

from typing import Any

from flask import Flask, request

from benchmarks.rivals.model import load_models

app = Flask(__name__)
_models = load_models()


@app.post("/predict/<name>")
def predict(name: str) -> dict[str, Any]:
    """Answer one instance: JSON, or an image as the body."""
    instance = request.get_json() if request.is_json else {"image": request.get_data()}
    return {"model": name, "predictions": _models[name].answers([instance])}
