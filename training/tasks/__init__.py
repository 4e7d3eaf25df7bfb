"""The models that come with Plumbline: each file declares one `TASK`, and its name is the model's name everywhere."""
