"""The models that come with Plumbline: each file declares one `TASK`, and its name is the model's name everywhere."""

QUICKEST_FIRST = ("house_price", "topic", "sentiment", "digits", "image")
"""In this order `plumbline train all` trains them, so that the first can answer soon."""
