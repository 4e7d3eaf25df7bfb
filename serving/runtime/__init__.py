"""Runs SavedModels in this process by TensorFlow's C library; it knows versions on disk, and nothing of servers.

From a folder to outputs:

    model                    one model's life cycle, on a thread of its own: scan, load, swap, unload
      loader                 a version's folder -> a servable that is ready for requests, warmed up
        servable, signature  one loaded version; checks on names and types
          batching_session   merges waiting requests, where batching is configured
            saved_model      the TensorFlow session
              tensorflow_c   TensorFlow's C API, with no Python of TensorFlow's in between

With `serving.local_server`, the only part of `serving` that imports TensorFlow.
"""
