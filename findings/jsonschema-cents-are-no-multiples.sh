#!/usr/bin/env bash
# Guess: With "multipleOf": 0.01 a schema takes prices in cents, and validators of the same draft agree on them.
# Instead: Python's jsonschema divides the floats: 19.99 / 0.01 is 1998.9999999999998, so one in seven prices
# below 100 is refused. jsonschema-rs takes them all. What passes the gate of one service is refused by the next,
# with the same schema.
# Do: Keep prices in whole cents, or leave "multipleOf" to whole numbers.
# Versions: jsonschema 4.26.0 jsonschema-rs 0.60.3
# Output seen:
#   jsonschema 4.26.0 jsonschema-rs 0.60.3
#   refused of 10000: {'jsonschema': 1363, 'jsonschema-rs': 0} the first: [0.07, 0.14, 0.28, 0.29]
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" jsonschema==4.26.0 jsonschema-rs==0.60.3
cd "$folder"

venv/bin/python - <<'PYTHON'
from importlib.metadata import version

import jsonschema
import jsonschema_rs

print("jsonschema", version("jsonschema"), "jsonschema-rs", version("jsonschema-rs"))
schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "number", "multipleOf": 0.01}
validators = {
    "jsonschema": jsonschema.Draft202012Validator(schema),
    "jsonschema-rs": jsonschema_rs.Draft202012Validator(schema),
}
prices = [cents / 100 for cents in range(10_000)]
refused = {name: [price for price in prices if not it.is_valid(price)] for name, it in validators.items()}
seen = {name: len(each) for name, each in refused.items()}
print(f"refused of {len(prices)}:", seen, "the first:", refused["jsonschema"][:4])
assert 19.99 in refused["jsonschema"] and seen["jsonschema-rs"] == 0
PYTHON
