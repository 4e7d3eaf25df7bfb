"""Runs SavedModels in this process with TensorFlow's C library. It knows versions on disk, but no servers.

From a folder to outputs:

    model                    one model's life cycle, on its own thread: scan, load, swap, unload
      loader                 a version's folder -> a servable, warmed up and ready for requests
        servable, signature  one loaded version; checks on names and types
          batching_session   merges waiting requests, where batching is configured
            saved_model      the TensorFlow session
              tensorflow_c   TensorFlow's C API, without TensorFlow's Python

With `serving.local_server`, the only part of `serving` that imports TensorFlow.
"""
