"""Operations of a graph that no model server should run, or can."""

from pathlib import Path
from typing import Any

from training.importing.errors import CannotImport

_PYTHON = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}
_FILES = {"ReadFile", "WriteFile", "MatchingFiles", "Save", "SaveV2", "SaveSlices", "Restore", "RestoreV2"}


def check_operations(path: Path, function: Any) -> None:
    """Raise CannotImport if a traced *function* calls Python, or reads or writes files when it is asked."""
    graph = function.graph.as_graph_def()
    within = [node.op for each in graph.library.function for node in each.node_def]
    operations = {node.op for node in graph.node} | set(within)
    if python := sorted(operations & _PYTHON):
        raise CannotImport(
            f"{path}: refused: the graph has the operation {python[0]}, which calls Python, and no model server has "
            "the function that it calls: write the layer with operations of keras.ops or TensorFlow"
        )
    if files := sorted(operations & _FILES):
        raise CannotImport(
            f"{path}: refused: the graph has the operation {files[0]}, which reads or writes files of the server: "
            "export the model without it"
        )
