from pathlib import Path

from tests.training.report import records
from training.report.writing import write_report


def read(folder: Path) -> list[tuple[str, int, float]]:
    import tensorflow as tf

    events = [
        tf.compat.v1.Event.FromString(raw.numpy())
        for path in sorted(folder.glob("events*"))
        for raw in tf.data.TFRecordDataset(str(path))
    ]
    values = [(value, event.step) for event in events for value in event.summary.value]
    assert {value.metadata.plugin_data.plugin_name for value, _ in values} == {"scalars"}
    return [(value.tag, step, round(float(tf.make_ndarray(value.tensor)), 6)) for value, step in values]


def test_a_report_has_logs_of_each_fold_and_of_the_last_training(tmp_path):
    from training.report.tensorboard import write_logs

    record = records.binary()
    page = write_report(record, tmp_path / "new")
    logs = tmp_path / "new" / "tensorboard"
    write_logs(record, logs)  # a second report leaves no curve of the first

    assert page.exists()
    runs = {str(path.parent.relative_to(logs)) for path in logs.rglob("events*")}
    assert runs == {"fold-1/train", "fold-1/validation", "fold-2/train", "fold-2/validation", "final/train"}
    assert read(logs / "fold-2" / "validation")[:3] == [
        ("epoch_loss", 0, 0.8),
        ("epoch_loss", 1, 0.6),
        ("epoch_loss", 2, 0.7),
    ]
    assert read(logs / "final" / "train") == [
        ("epoch_loss", 0, 0.8),
        ("epoch_loss", 1, 0.4),
        ("epoch_accuracy", 0, 0.6),
        ("epoch_accuracy", 1, 0.8),
    ]
