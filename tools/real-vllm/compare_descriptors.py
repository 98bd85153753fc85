#!/usr/bin/env python3
"""Compares our protocol descriptors with those of the gRPC servicer that vLLM installs.

  compare_descriptors.py IMAGE     IMAGE is a FileDescriptorSet (buf build -o IMAGE)

Every message, field (number, type, label, oneof) and method of the servicer's vllm_engine.proto and common.proto must be in
ours, and the other way round. Prints JSON: how many were compared, and the differences in words. Needs the environment's Python.
"""
import json
import sys

from google.protobuf import descriptor_pb2
from smg_grpc_proto.generated import common_pb2, vllm_engine_pb2


def describe(files):
    """name -> description, of everything that matters on the wire."""
    found = {}

    def message(prefix, proto):
        name = f"{prefix}.{proto.name}"
        found[name] = "message"
        for field in proto.field:
            oneof = proto.oneof_decl[field.oneof_index].name if field.HasField("oneof_index") else ""
            found[f"{name}.{field.name}"] = f"{field.number} type {field.type} label {field.label} {field.type_name} {oneof}"
        for nested in proto.nested_type:
            message(name, nested)
        for enum in proto.enum_type:
            enumeration(name, enum)

    def enumeration(prefix, proto):
        for value in proto.value:
            found[f"{prefix}.{proto.name}.{value.name}"] = str(value.number)

    for file in files:
        for proto in file.message_type:
            message(file.package, proto)
        for enum in file.enum_type:
            enumeration(file.package, enum)
        for service in file.service:
            for method in service.method:
                found[f"{file.package}.{service.name}/{method.name}"] = (
                    f"{method.input_type} {method.output_type} {method.client_streaming} {method.server_streaming}")
    return found


def main():
    image = descriptor_pb2.FileDescriptorSet()
    with open(sys.argv[1], "rb") as f:
        image.ParseFromString(f.read())
    packages = {"vllm.grpc.engine", "smg.grpc.common"}
    ours = describe([file for file in image.file if file.package in packages])
    theirs = []
    for module in (common_pb2, vllm_engine_pb2):
        file = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        theirs.append(file)
    theirs = describe(theirs)
    differences = [f"{name}: ours {ours.get(name, 'absent')}, theirs {theirs.get(name, 'absent')}"
                   for name in sorted(ours.keys() | theirs.keys()) if ours.get(name) != theirs.get(name)]
    json.dump({"compared": len(theirs), "differences": differences}, sys.stdout)


if __name__ == "__main__":
    main()
