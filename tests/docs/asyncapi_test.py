#!/usr/bin/env python3
"""docs/asyncapi.yaml is a valid document, its examples are what its schemas say, and it is what the code does: everything
the encoders can write and the reader can read (the program named by the first argument shows it) is described, everything
described is written or read, with the types and field numbers of the Protobuf description, and the codes are those of the
tables. One line a fact that does not hold; exits 1 when there is one."""
import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import yaml

ROOT = Path(__file__).resolve().parents[2]
PROTO = ROOT / "gateway/protocol/oracle/client_protocol.proto"
READERS = ["gateway/protocol/json_command_reader.cc", "gateway/protocol/emulation.cc"]
CODES = ROOT / "broker/api/codes.h"
PATHS = ["gateway/**/*.cc", "gateway/**/*.h", "appliance/*.cc", "appliance/*.h"]
SCALARS = {"string": ("string", None), "bool": ("boolean", None), "uint32": ("integer", "uint32"),
           "int32": ("integer", "int32"), "uint64": ("integer", "uint64"), "int64": ("integer", "int64")}


class UniqueKeys(yaml.SafeLoader):
    """Refuses a mapping with the same key twice, which YAML forbids and its loader does not mind."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.YAMLError(f"line {node.start_mark.line + 1}: the key '{key}' twice")
        return super().construct_mapping(node, deep)


class Document:
    def __init__(self, path):
        self.root = yaml.load(path.read_text(), UniqueKeys)
        self.schemas = self.root["components"]["schemas"]
        self.messages = self.root["components"]["messages"]
        self.passed, self.failed = 0, 0

    def that(self, holds, fact):
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            print("FAILED:", fact)

    def at(self, ref):
        node = self.root
        for part in ref.removeprefix("#/").split("/"):
            node = node[part]
        return node

    def resolved(self, schema):
        while "$ref" in schema:
            schema = self.at(schema["$ref"])
        return schema

    def payload(self, message):
        """The schema that describes a message; what a message requires of it stands beside."""
        payload = self.messages[message]["payload"]
        return self.resolved(payload["allOf"][0] if "allOf" in payload else payload)

    def valid(self, message, instance):
        schema = {**self.messages[message]["payload"], "components": self.root["components"]}
        errors = list(jsonschema.Draft7Validator(schema).iter_errors(instance))
        self.that(not errors, f"{message} {json.dumps(instance)}: {errors[0].message if errors else ''}")


def refs_of(node, path="#"):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield path, value
            else:
                yield from refs_of(value, f"{path}/{key}")
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from refs_of(value, f"{path}/{i}")


def check_structure(doc):
    doc.that(doc.root["asyncapi"] == "3.0.0", "it is AsyncAPI 3.0.0")
    used = set()
    for path, ref in refs_of(doc.root):
        try:
            doc.at(ref)
        except (KeyError, TypeError):
            doc.that(False, f"{path}: {ref} exists")
            continue
        used.add(ref)
    for kind in ("schemas", "messages"):
        for name in doc.root["components"][kind]:
            doc.that(f"#/components/{kind}/{name}" in used, f"components/{kind}/{name} is used")
    for name, channel in doc.root["channels"].items():
        for message in channel["messages"]:
            of_operations = [ref for op in doc.root["operations"].values() for _, ref in refs_of(op)]
            reached = any(ref.endswith(f"/messages/{message}") for ref in of_operations)
            doc.that(reached, f"channels/{name}: an operation has {message}")
    for name, operation in doc.root["operations"].items():
        channel = operation["channel"]["$ref"]
        doc.that(all(m["$ref"].startswith(channel + "/messages/") for m in operation["messages"]),
                 f"operations/{name}: its messages are of its channel")
    for name, schema in doc.schemas.items():
        jsonschema.Draft7Validator.check_schema(schema)
        fields = [p.get("x-field") for p in schema.get("properties", {}).values()]
        doc.that(None not in fields and len(set(fields)) == len(fields), f"{name}: a number for each property")


def check_examples(doc):
    for name, message in doc.messages.items():
        doc.that(message.get("examples"), f"{name} has an example")
        for example in message.get("examples", []):
            doc.valid(name, example["payload"])
            walk(doc, name, doc.payload(name), example["payload"], set())


def check_paths(doc):
    sources = "".join(path.read_text() for pattern in PATHS for path in ROOT.glob(pattern))
    for name, channel in doc.root["channels"].items():
        doc.that(channel["address"] in sources, f"channels/{name}: {channel['address']} is served")


def proto_messages():
    """Message -> field -> (number, type, 'one' | 'list' | 'map')."""
    messages, stack = {}, []
    for line in PROTO.read_text().split("\n"):
        line = line.split("//")[0].strip()
        if opened := re.match(r"message (\w+) \{(.*)", line):
            messages[opened[1]] = {}
            stack.append(opened[1])
            line = opened[2].strip()
        for kind, number_type, name, number in re.findall(r"(repeated )?(map<[\w, ]+>|\w+) (\w+) = (\d+);", line):
            if number_type.startswith("map<"):
                field = (int(number), number_type[4:-1].split(", ")[1], "map")
            else:
                field = (int(number), number_type, "list" if kind else "one")
            messages[stack[-1]][name] = field
        if line.endswith("}"):
            stack.pop()
    return messages


def check_protobuf(doc):
    messages = proto_messages()
    for name, schema in doc.schemas.items():
        if "x-protobuf" not in schema:
            continue
        fields = messages[schema["x-protobuf"]]
        for key, given in schema["properties"].items():
            where = f"{name}.{key}"
            if key not in fields:
                doc.that(False, f"{where} is a field of {schema['x-protobuf']}")
                continue
            number, kind, shape = fields[key]
            doc.that(given["x-field"] == number, f"{where} has the number {number}")
            one = doc.resolved(given)
            if shape == "list":
                doc.that(one.get("type") == "array", f"{where} is a list")
                one = doc.resolved(one.get("items", {}))
            elif shape == "map":
                doc.that(one.get("type") == "object", f"{where} is a map")
                one = doc.resolved(one.get("additionalProperties", {}))
            if kind == "bytes":
                doc.that(one.get("x-bytes") is True, f"{where} is bytes")
            elif kind in SCALARS:
                doc.that((one.get("type"), one.get("format")) == SCALARS[kind], f"{where} is {kind}")
            else:
                doc.that(one.get("x-protobuf") == kind, f"{where} is {kind}")


def walk(doc, where, schema, value, seen):
    """Every member of `value` is described; `seen` gets (schema, property) of each."""
    schema = doc.resolved(schema)
    if schema.get("x-bytes"):
        return
    if isinstance(value, list):
        for one in value:
            walk(doc, where, schema["items"], one, seen)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if "properties" in schema:
                doc.that(key in schema["properties"], f"{where}: '{key}' is described")
                seen.add((id(schema), key))
                if key in schema["properties"]:
                    walk(doc, f"{where}.{key}", schema["properties"][key], inner, seen)
            elif "additionalProperties" in schema:
                walk(doc, f"{where}[]", schema["additionalProperties"], inner, seen)
            else:
                doc.that(False, f"{where}: '{key}' is described")


def reachable(doc, schema, found):
    schema = doc.resolved(schema)
    if id(schema) in found:
        return
    found[id(schema)] = schema
    for inner in [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]:
        if inner:
            reachable(doc, inner, found)


def check_written(doc, written):
    seen, described = set(), {}
    for message, instances in written.items():
        doc.that(message in doc.messages, f"{message} is described")
        if message not in doc.messages:
            continue
        reachable(doc, doc.messages[message]["payload"].get("allOf", [doc.messages[message]["payload"]])[0], described)
        for instance in instances:
            doc.valid(message, instance)
            walk(doc, message, doc.payload(message), instance, seen)
    names = {id(schema): name for name, schema in doc.schemas.items()}
    for identity, schema in described.items():
        for key in schema.get("properties", {}):
            doc.that((identity, key) in seen, f"{names.get(identity)}.{key} is written")
    server = {m for m in doc.messages if m.endswith(("Reply", "Push")) or m == "ping"}
    doc.that(server == set(written), f"written and described are the same messages: {sorted(server ^ set(written))}")


def sample(doc, schema, depth=0):
    """A value of the schema in which nothing has its zero value."""
    schema = doc.resolved(schema)
    if "enum" in schema:
        return schema["enum"][-1]
    if schema.get("x-bytes") and "type" not in schema:
        return {"any": ["thing", 1, None]}
    kind = schema["type"]
    if kind == "object" and "properties" in schema:
        properties = schema["properties"]
        return {key: sample(doc, inner, depth + 1) for key, inner in properties.items()
                if depth < 6 or doc.resolved(inner).get("type") != "array"}
    if kind == "array":
        return [sample(doc, schema["items"], depth + 1)]
    if kind == "object":
        return {"name": sample(doc, schema["additionalProperties"], depth + 1)}
    return {"string": "text", "integer": 7, "boolean": True}[kind]


def without_zeros(value):
    if isinstance(value, dict):
        kept = {key: without_zeros(inner) for key, inner in value.items()}
        return {key: inner for key, inner in kept.items() if inner not in (0, "", [], {}, False) or inner is True}
    if isinstance(value, list):
        return [without_zeros(inner) for inner in value]
    return value


def check_read(doc, program):
    commands = doc.schemas["Command"]["properties"]
    lines, wanted = [], []
    for method, schema in commands.items():
        if method == "id":
            continue
        request = doc.resolved(schema)
        lines.append({"id": 7, method: sample(doc, request)})
        wanted.append({"id": 7, method: {} if request.get("x-ignored") else sample(doc, request)})
    connect = sample(doc, commands["connect"])
    output = run(program, "read", lines) + run(program, "connect", [connect])
    for want, got in zip(wanted + [{"connect": connect}], output):
        method = [key for key in want if key != "id"][0]
        read = without_zeros(json.loads(got)) if got != "malformed" else got
        if not want[method]:
            del want[method]
        doc.that(read == without_zeros(want), f"{method} is read as it is described: {json.dumps(want)} as {json.dumps(read)}")
    # Nothing else is looked at, and every scalar has to be of its type.
    for method, schema in commands.items():
        for key, inner in doc.resolved(schema).get("properties", {}).items():
            kind = doc.resolved(inner).get("type")
            if kind is None or doc.resolved(schema).get("x-ignored"):
                continue
            wrong = {"id": 7, method: {key: True if kind != "boolean" else "x"}}
            doc.that(run(program, "read", [wrong]) == ["malformed"], f"{method}.{key} has to be of type {kind}")
    read = set()
    for source in READERS:
        read |= set(re.findall(r'\b(?:key|inner) == "(\w+)"', (ROOT / source).read_text()))
    described, reached = {"id"}, {}
    for name in ("Command", "EmulationRequest"):
        reachable(doc, doc.schemas[name], reached)
    for schema in reached.values():
        if schema is not doc.schemas["Command"] and not schema.get("x-ignored"):
            described |= set(schema.get("properties", {}))
    doc.that(read == described, f"the keys that are read are those described: {sorted(read ^ described)}")
    methods = set(re.findall(r'\{"(\w+)", Method::', (ROOT / READERS[0]).read_text())) - {"ping"}
    doc.that(methods == set(commands) - {"id"}, "the methods that are read are those described")


def check_codes(doc, tables):
    errors = [{"temporary": False, **row} for row in doc.schemas["Error"]["properties"]["code"]["x-codes"]]
    doc.that(errors == tables["errors"], f"the errors are those of the table: {tables['errors']}")
    disconnects = doc.schemas["Disconnect"]["properties"]["code"]["x-codes"]
    doc.that(disconnects == tables["disconnects"], f"the disconnects are those of the table: {tables['disconnects']}")
    block = re.search(r"namespace unsubscribe_code \{(.*?)\}", CODES.read_text(), re.S)[1]
    unsubscribes = [{"code": int(code), "name": name} for name, code in re.findall(r"(k\w+) = (\d+)", block)]
    doc.that(doc.schemas["Unsubscribe"]["properties"]["code"]["x-codes"] == unsubscribes,
             f"the unsubscribe codes are those of {CODES.name}: {unsubscribes}")
    # What a stock SDK does at each, and why that is right.
    told = (ROOT / "docs/protocol.md").read_text().split("## Codes")[1]
    rows = re.findall(r"^\| ([0-9, ]+) \|", told, re.M)
    judged = {int(code) for row in rows for code in row.split(",")}
    known = {row["code"] for row in errors + disconnects + unsubscribes}
    doc.that(known == judged, f"docs/protocol.md, \"Codes\", judges every code: {sorted(known ^ judged)}")


def run(program, mode=None, lines=()):
    text = "".join(json.dumps(line) + "\n" for line in lines)
    out = subprocess.run([program] + ([mode] if mode else []), input=text, capture_output=True, text=True, check=True)
    return out.stdout.rstrip("\n").split("\n")


def main():
    program = sys.argv[1]
    doc = Document(ROOT / "docs/asyncapi.yaml")
    tables = json.loads(run(program)[0])
    check_structure(doc)
    check_examples(doc)
    check_paths(doc)
    check_protobuf(doc)
    check_written(doc, tables["messages"])
    check_read(doc, program)
    check_codes(doc, tables)
    print(f"{doc.passed} passed, {doc.failed} failed")
    return 1 if doc.failed else 0


if __name__ == "__main__":
    sys.exit(main())
