#!/usr/bin/env python3
"""docs/openapi.yaml is a valid document, its examples are what its schemas say, and it is what the code does: the methods
of the server API and their params are compared with the table that the code is made of (the program named by the first
argument prints it), the other paths with the sources. One line a fact; exits 1 when one does not hold."""
import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import yaml

ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = {"get", "post"}
# Of the server API, but not of the table: they carry the commands of others.
CARRIERS = {"/api", "/api/batch"}
# Where other paths are served; a path is known by its text.
SOURCES = ["appliance/**/*.cc", "gateway/**/*.cc", "plugins/uaa/*.cc"]
NAMED_TYPES = {"position": "Position", "tags": "Tags", "disconnect": "DisconnectReason", "override": "Override"}
INTEGERS = {"uint64", "int64", "int32"}


class UniqueKeys(yaml.SafeLoader):
    """Refuses a mapping with the same key twice, which YAML forbids and its loader does not mind."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.YAMLError(f"line {node.start_mark.line + 1}: the key '{key}' twice")
        return super().construct_mapping(node, deep)


class Checks:
    def __init__(self):
        self.passed, self.failed = 0, []

    def that(self, holds, fact):
        if holds:
            self.passed += 1
        else:
            self.failed.append(fact)

    def equal(self, found, expected, fact):
        self.that(found == expected, f"{fact}: found {found}, expected {expected}")


def resolve(document, node):
    while isinstance(node, dict) and "$ref" in node:
        target = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def walk(node, path=""):
    yield path, node
    if isinstance(node, dict):
        for key, value in node.items():
            yield from walk(value, f"{path}/{key}")
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from walk(value, f"{path}/{i}")


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in OPERATIONS:
                yield path, method, operation


def check_document(document, checks):
    checks.that(document["openapi"].startswith("3.1"), "openapi: expected 3.1")
    for place, node in walk(document):
        if isinstance(node, dict) and isinstance(node.get("$ref"), str):
            try:
                resolve(document, node)
                checks.that(True, place)
            except (KeyError, TypeError):
                checks.that(False, f"{place}: {node['$ref']} leads nowhere")
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    checks.equal(len(ids), len(set(ids)), "operationId: each once")
    tags = {tag["name"] for tag in document["tags"]}
    for path, method, operation in operations(document):
        where = f"{method} {path}"
        checks.that(set(operation.get("tags", [])) <= tags, f"{where}: a tag that is not declared")
        checks.that(operation.get("summary", "").endswith("."), f"{where}: expected a summary that is a sentence")
        checks.that(bool(operation.get("responses")), f"{where}: expected responses")
        for code, response in operation["responses"].items():
            checks.that(code == "default" or re.fullmatch("[1-5][0-9][0-9]", code) is not None, f"{where}: response {code}")
            extra = set(resolve(document, response)) - {"description", "content", "headers", "links"}
            checks.that("description" in resolve(document, response) and not extra, f"{where}: response {code}: {extra or 'no description'}")
        declared = {resolve(document, p)["name"] for p in operation.get("parameters", []) if resolve(document, p)["in"] == "path"}
        checks.equal(declared, set(re.findall(r"{(\w+)}", path)), f"{where}: parameters of the path")
        schemes = {name for need in operation.get("security", document["security"]) for name in need}
        checks.that(schemes <= set(document["components"]["securitySchemes"]), f"{where}: a security scheme that is not declared")


def validator(document, schema):
    """The schema with the document's components where its references look for them."""
    return jsonschema.Draft202012Validator({**schema, "components": document["components"]})


def check_examples(document, checks):
    for name, schema in document["components"]["schemas"].items():
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
            checks.that(True, name)
        except jsonschema.SchemaError as error:
            checks.that(False, f"schema {name}: {error.message}")

    def check_media(where, media, needs_example):
        examples = [media["example"]] if "example" in media else [e["value"] for e in media.get("examples", {}).values()]
        checks.that(bool(examples) or not needs_example, f"{where}: expected an example")
        for example in examples:
            errors = [e.message for e in validator(document, media["schema"]).iter_errors(example)]
            checks.that(not errors, f"{where}: the example {json.dumps(example)}: {errors}")

    for path, method, operation in operations(document):
        bodies = [("request", operation.get("requestBody", {}))]
        bodies += [(code, resolve(document, response)) for code, response in operation["responses"].items()]
        for what, body in bodies:
            for kind, media in body.get("content", {}).items():
                check_media(f"{method} {path} {what} {kind}", media, kind == "application/json")


def type_of(document, param, schema, checks, where):
    """Does the schema say of the param what the code does?"""
    kind = param["type"]
    if kind in NAMED_TYPES:
        checks.equal(schema.get("$ref"), f"#/components/schemas/{NAMED_TYPES[kind]}", f"{where}: $ref")
        return
    expected = {"string": "string", "strings": "array", "bool": "boolean", "json": None}.get(kind, "integer")
    checks.equal(schema.get("type"), expected, f"{where}: type")
    if kind in INTEGERS:
        checks.equal(schema.get("format"), kind, f"{where}: format")
    if kind == "string":
        checks.equal(schema.get("maxLength", 0), param["max"], f"{where}: maxLength")
    if kind == "strings":
        checks.equal(schema.get("maxItems", 0), param["max"], f"{where}: maxItems")
        checks.equal(schema["items"]["type"], "string", f"{where}: items")


def check_methods(document, methods, checks):
    in_code = {method["name"]: method for method in methods}
    paths = {path for path in document["paths"] if path == "/api" or path.startswith("/api/")}
    checks.equal(paths - CARRIERS, {f"/api/{name}" for name in in_code}, "the methods of the server API")
    for carrier in ("Command", "Reply"):
        named = set(document["components"]["schemas"][carrier]["properties"]) - {"error"}
        checks.equal(named, set(in_code), f"schema {carrier}: the methods")
    for name, method in in_code.items():
        operation = document["paths"].get(f"/api/{name}", {}).get("post")
        if operation is None:
            continue  # told above
        checks.equal(operation["operationId"], name, f"/api/{name}: operationId")
        body = operation["requestBody"]["content"]["application/json"]["schema"]
        checks.equal(document["components"]["schemas"]["Command"]["properties"].get(name), body, f"Command: {name}")
        result = operation["responses"]["200"]["content"]["application/json"]["schema"]["properties"]["result"]
        checks.equal(document["components"]["schemas"]["Reply"]["properties"].get(name), result, f"Reply: {name}")
        schema = resolve(document, body)
        params = {param["name"]: param for param in method["params"]}
        checks.equal(set(schema.get("properties", {})), set(params), f"/api/{name}: params")
        required = {param["name"] for param in params.values() if param["required"]}
        checks.equal(set(schema.get("required", [])), required, f"/api/{name}: required")
        for param_name in set(params) & set(schema.get("properties", {})):
            type_of(document, params[param_name], schema["properties"][param_name], checks, f"/api/{name}: {param_name}")


def check_paths(document, checks):
    text = "\n".join(p.read_text() for pattern in SOURCES for p in sorted(ROOT.glob(pattern)) if "test" not in p.name)
    served = set(re.findall(r'"(?:GET |POST )?(/(?:api|rpc|oauth|\.well-known|connection|emulation|health|ready|metrics)[\w./*-]*)"', text))
    documented = {re.sub(r"{\w+}", "*", path) for path in document["paths"]}
    exact = {path for path in documented if not path.startswith("/api/")} - {"/api"}
    for path in sorted(exact):
        checks.that(path in served, f"{path}: is documented, and nothing in the sources serves it")
    # What only says where something begins: the server API, and what is asked of the plugins.
    prefixes = {path for path in served if path.endswith("/") or path in ("/api", "/api/*")}
    for path in sorted(served - prefixes - exact):
        checks.that(False, f"{path}: is served, and not documented")


def main():
    methods = json.loads(subprocess.run([sys.argv[1]], check=True, capture_output=True, text=True).stdout)["methods"]
    document = yaml.load((ROOT / "docs/openapi.yaml").read_text(), UniqueKeys)
    checks = Checks()
    check_document(document, checks)
    check_examples(document, checks)
    check_methods(document, methods, checks)
    check_paths(document, checks)
    for fact in checks.failed:
        print(fact)
    print(f"{checks.passed} passed, {len(checks.failed)} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
