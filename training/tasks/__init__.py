"""The models that Plumbline brings: each file declares one `TASK`, and the file's name is the model's everywhere."""
