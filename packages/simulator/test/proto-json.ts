/** A value as proto JSON prints it with the names of the `.proto` file and without default values. */
export function protoJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(protoJson);
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return value;
  const result: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    if (isOneof(field)) result[snakeCase(field.$case)] = protoJson(field.value);
    else if (!isDefault(field)) result[snakeCase(name)] = protoJson(field);
  }
  return result;
}

function isOneof(field: unknown): field is { $case: string; value: unknown } {
  return typeof field === "object" && field !== null && "$case" in field;
}

function isDefault(field: unknown): boolean {
  if (Array.isArray(field)) return field.length === 0;
  return field === undefined || field === 0 || field === 0n || field === "" || field === false;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
