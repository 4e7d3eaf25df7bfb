"""Tiny models that the conformance tests ask. `python -m tests.conformance.models DIR` writes them and their config.

mlp        two versions: features float[b,4] -> sum, diff float[b]; and the second signature `contract`
echo       text string[b] -> text, raw_bytes string[b]: the same strings
pick       ids int32[b,n] -> picked float[b], rows int32[b]: fails if an id is not below 10; rows is the batch's size
busy       steps int32[b] -> done int32[b]: counts up to the largest of the steps, which takes its time
pair       left, right float[b] -> total float[b]
"""

import sys
from pathlib import Path

import tensorflow as tf

NAMES = ("mlp", "echo", "pick", "busy", "pair")


class Mlp(tf.Module):
    def __init__(self, scale: float) -> None:
        super().__init__()
        self.weights = tf.Variable([[scale, scale], [scale, -scale], [scale, scale], [scale, -scale]])
        self.contract_text = tf.constant(f'{{"scale": {scale}}}')

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, "features")])
    def scores(self, features):
        sums = tf.linalg.matmul(features, self.weights)
        return {"sum": sums[:, 0], "diff": sums[:, 1]}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, "request")])
    def contract(self, request):
        return {"contract": tf.fill(tf.shape(request), self.contract_text)}


class Echo(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def serve(self, text):
        return {"text": tf.identity(text), "raw_bytes": tf.identity(text)}


class Pick(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32, "ids")])
    def serve(self, ids):
        picked = tf.reduce_sum(tf.gather(tf.range(10.0), ids), axis=1)
        return {"picked": picked, "rows": tf.fill(tf.shape(picked), tf.shape(picked)[0])}


class Busy(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, "steps")])
    def serve(self, steps):
        count = tf.while_loop(lambda i: i < tf.reduce_max(steps), lambda i: (i + 1,), (tf.constant(0),))[0]
        return {"done": tf.zeros_like(steps) + count}


class Pair(tf.Module):
    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.float32, "left"), tf.TensorSpec([None], tf.float32, "right")]
    )
    def serve(self, left, right):
        return {"total": left + right}


def write_mlp(path: Path, scale: float) -> None:
    model = Mlp(scale)
    signatures = {"serving_default": model.scores, "contract": model.contract}
    tf.saved_model.save(model, str(path), signatures=signatures)


def write_all(folder: Path) -> None:
    """Write every model and `models.config`, which serves them all (and both versions of mlp)."""
    write_mlp(folder / "mlp" / "1", scale=1.0)
    write_mlp(folder / "mlp" / "2", scale=2.0)
    for name, model in (("echo", Echo()), ("pick", Pick()), ("busy", Busy()), ("pair", Pair())):
        tf.saved_model.save(model, str(folder / name / "1"), signatures=model.serve)
    entries = [
        f'config {{ name: "{name}" base_path: "{folder.resolve()}/{name}" model_platform: "tensorflow" '
        f"model_version_policy {{ all {{}} }} }}"
        for name in NAMES
    ]
    (folder / "models.config").write_text("model_config_list { " + "\n".join(entries) + " }\n")


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
