"""Engines that could compute the published models: TensorFlow, LiteRT, ONNX Runtime and OpenVINO, beside each other.

From models folders to records:

    comparison       what is measured, in which order
      subjects       the newest versions, and the features that all engines get
      arrays         these in files
      conversion     a version's graph in each engine's own form
      measuring      one round with one model
        asking       a process with one engine and one model
          worker     what runs there
            runtimes each engine's way to load and to compute
      installed      what an engine's packages take on disk
"""
