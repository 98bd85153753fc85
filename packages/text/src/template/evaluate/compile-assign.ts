import { fail } from "../python/failure.ts";
import { itemsOf } from "../python/iterate.ts";
import { typeName } from "../python/kind.ts";
import { Namespace, type Value } from "../python/value.ts";
import type { Target } from "../syntax/node.ts";
import type { Frame } from "./frame.ts";
import { readSlot, writeSlot, type Scope } from "./scope.ts";

/** Writes a value to the target of an assignment. */
export type Assign = (frame: Frame, value: Value) => void;

/** Turns the target of an assignment into a closure. */
export function compileTarget(target: Target, scope: Scope): Assign {
  switch (target.kind) {
    case "store":
      return writeSlot(scope.locate(target.name), scope.function);
    case "member": {
      const read = readSlot(scope.locate(target.name), scope.function);
      const { attribute } = target;
      return (frame, value) => {
        const object = read(frame);
        if (object instanceof Namespace) object.attributes.set(attribute, value);
      };
    }
    case "targets":
      return unpack(target.items.map((item) => compileTarget(item, scope)));
  }
}

function unpack(targets: readonly Assign[]): Assign {
  const expected = targets.length;
  return (frame, value) => {
    const items = itemsOf(value) ?? fail(`cannot unpack non-iterable ${typeName(value)} object`);
    if (items.length > expected) fail(`too many values to unpack (expected ${expected})`);
    if (items.length < expected) {
      fail(`not enough values to unpack (expected ${expected}, got ${items.length})`);
    }
    for (let index = 0; index < expected; index++) targets[index]?.(frame, items[index] ?? null);
  };
}

/** Checks, before the value is computed, that every `name.attribute` target is a namespace. */
export function compileMemberCheck(target: Target, scope: Scope): (frame: Frame) => void {
  const reads = memberNames(target).map((name) => readSlot(scope.locate(name), scope.function));
  return (frame) => {
    for (const read of reads) {
      if (!(read(frame) instanceof Namespace)) fail("cannot assign attribute on non-namespace object");
    }
  };
}

function memberNames(target: Target): readonly string[] {
  if (target.kind === "member") return [target.name];
  return target.kind === "targets" ? target.items.flatMap(memberNames) : [];
}
