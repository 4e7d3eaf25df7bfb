import numpy as np
import pytest

from training.data.datasets import as_json
from training.data.features import prepare
from training.task import find_task, task_names


@pytest.mark.parametrize("name", task_names())
def test_each_sample_is_the_same_each_time_and_has_every_class(name):
    task = find_task(name)
    data = task.load_sample()

    assert data.name == "sample"
    assert data.sha256() == task.load_sample().sha256()
    if data.labels:
        assert set(np.unique(data.train.targets)) == set(range(len(data.labels)))


@pytest.mark.parametrize("name", task_names())
def test_training_and_test_instances_are_read_as_a_caller_sends_them(name):
    task = find_task(name)
    data = task.load_sample()
    record = task.fit(data, data.train.instances, task.sample_recipes["baseline"])
    instances = [*data.train.instances[:3], *data.test.instances[:3]]

    raw, sent = (prepare(record, form) for form in (instances, [as_json(instance) for instance in instances]))
    for feature, spec in record.specs.items():
        assert np.array_equal(raw[feature], sent[feature])
        assert raw[feature].dtype == spec.dtype
        assert raw[feature].shape[1:] == spec.shape[1:]
