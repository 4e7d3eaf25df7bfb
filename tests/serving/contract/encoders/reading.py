"""Reading and encoding columns in tests."""

from serving.contract.faults import Faults


def encode(encoder, values):
    """Read and encode a column that has no fault."""
    faults = Faults()
    column = encoder.read(values, faults)
    assert not faults.count, [str(fault) for fault in faults.first]
    block = encoder.encode(column)
    assert block.shape == (len(values), *encoder.block.shape[1:])
    assert block.dtype.name == encoder.block.dtype
    return block


def faults_of(encoder, values):
    """Read a column; return its faults as texts, each with its row."""
    faults = Faults()
    assert len(encoder.read(values, faults)) == len(values)
    assert {fault.row for fault in faults.first} <= faults.rows
    return [f"{fault.row}: {fault}" for fault in faults.first]
