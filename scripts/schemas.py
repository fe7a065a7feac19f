#!/usr/bin/env python3
"""Turns the API descriptions of Kubernetes and of the Prometheus Operator into JSON schemas.

usage: scripts/schemas.py OUT SWAGGER.json CRD.yaml...

Writes OUT/<kind>-<group>-<version>.json in lower case, one for each kind, each complete in
itself, for kubeconform. A field that the description does not have is an error in them.
Needs Debian's python3-yaml.
"""

import json
import pathlib
import sys

import yaml

PREFIX = "#/definitions/"


def strict(node, reached, root=False):
    """A copy of a schema in which objects take no other fields; notes the definitions it needs."""
    if isinstance(node, list):
        return [strict(item, reached) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("$ref", "").startswith(PREFIX):
        reached.append(node["$ref"].removeprefix(PREFIX))
        return {"$ref": node["$ref"]}
    if node.get("format") == "int-or-string" or node.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    open_ended = node.get("x-kubernetes-preserve-unknown-fields")
    copy = {}
    for key, value in node.items():
        if key == "properties":
            copy[key] = {name: strict(inner, reached) for name, inner in value.items()}
        elif key == "description" or key.startswith("x-kubernetes") or key == "default":
            continue
        elif key in ("items", "additionalProperties", "allOf", "anyOf", "oneOf", "not"):
            copy[key] = strict(value, reached)
        elif key == "format" and value not in ("date-time",):
            continue
        else:
            copy[key] = value
    if "properties" in copy and not open_ended:
        copy.setdefault("additionalProperties", False)
    return copy


def write(out, group, version, kind, schema):
    name = "-".join(part for part in (kind, group.split(".")[0], version) if part).lower()
    (out / f"{name}.json").write_text(json.dumps(schema))


def of_kubernetes(out, path):
    definitions = json.loads(path.read_text())["definitions"]
    for name, definition in definitions.items():
        kinds = definition.get("x-kubernetes-group-version-kind", [])
        # Options and lists are of many groups, and in no manifest.
        if len(kinds) != 1 or "metadata" not in definition.get("properties", {}):
            continue
        kind = kinds[0]
        reached, done = [name], {}
        while reached:
            wanted = reached.pop()
            if wanted not in done:
                done[wanted] = strict(definitions[wanted], reached)
        # Quantities may be written as numbers.
        quantity = "io.k8s.apimachinery.pkg.api.resource.Quantity"
        if quantity in done:
            done[quantity] = {"type": ["string", "number"]}
        done[name]["required"] = sorted({"apiVersion", "kind", *done[name].get("required", [])})
        schema = {"$ref": PREFIX + name, "definitions": done}
        write(out, kind["group"], kind["version"], kind["kind"], schema)


def of_resource(out, path):
    for document in yaml.safe_load_all(path.read_text()):
        spec = document["spec"]
        for version in spec["versions"]:
            schema = strict(version["schema"]["openAPIV3Schema"], [])
            schema["properties"]["metadata"] = {"type": "object"}
            write(out, spec["group"], version["name"], spec["names"]["kind"], schema)


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    of_kubernetes(out, pathlib.Path(sys.argv[2]))
    for path in sys.argv[3:]:
        of_resource(out, pathlib.Path(path))


main()
