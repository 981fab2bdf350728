"""Checks JSON from standard input against the JSON Schema named as argument.

Exit status: 0 valid, 1 not (with the reason), 77 no jsonschema package here.
"""
import json
import sys

try:
    import jsonschema
except ImportError:
    sys.exit(77)


def main() -> int:
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft7Validator.check_schema(schema)
    text = sys.stdin.buffer.read().decode("utf-8")  # strict: bad UTF-8 is an error
    errors = list(jsonschema.Draft7Validator(schema).iter_errors(json.loads(text)))
    for error in errors[:5]:
        print(f"{list(error.absolute_path)}: {error.message}", file=sys.stderr)
    return 1 if errors else 0


sys.exit(main())
