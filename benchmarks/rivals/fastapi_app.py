"""FastAPI with TensorFlow in process, as in its tutorial: plain functions, which it runs in threads."""

from typing import Any

from fastapi import FastAPI, UploadFile
from pydantic import BaseModel

from benchmarks.rivals.model import load_models

app = FastAPI()
_models = load_models()


class Review(BaseModel):
    """The body of a request for the text model."""

    text: str


@app.post("/predict/sentiment")
def sentiment(review: Review) -> dict[str, Any]:
    """Answer a review."""
    return {"predictions": _models["sentiment"].answers([{"text": review.text}])}


@app.post("/predict/image")
def image(image: UploadFile) -> dict[str, Any]:
    """Answer an uploaded image."""
    return {"predictions": _models["image"].answers([{"image": image.file.read()}])}
