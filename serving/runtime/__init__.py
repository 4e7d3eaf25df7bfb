"""Runs inference in this process, by LiteRT or TensorFlow's C library. It knows versions on disk, but no servers.

From a folder to outputs:

    model                    one model's life cycle, on its own thread: scan, load, swap, unload
      engine                 a version's folder -> what computes it: LiteRT, or a servable
        lite                 its lite form in LiteRT
      loader                 a version's folder -> a servable, as TensorFlow Serving has it: warmed up, perhaps batched
        servable, signature  one loaded version; checks on names and types
          batching_session   merges waiting requests, where batching is configured
            saved_model      the TensorFlow session
              tensorflow_c   TensorFlow's C API, without TensorFlow's Python

With `serving.local_server`, the only part of `serving` that imports TensorFlow.
"""
