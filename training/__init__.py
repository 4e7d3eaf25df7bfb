"""Training jobs: one file per model in `training/tasks`, published as versioned SavedModels with their contracts."""
