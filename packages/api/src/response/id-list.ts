/** The first `count` ids as a JSON array. */
export function idList(ids: ArrayLike<number>, count: number = ids.length): string {
  let result = "[";
  for (let index = 0; index < count; index++) {
    if (index > 0) result += ",";
    result += ids[index] as number;
  }
  return `${result}]`;
}

/** A stop reason as JSON. */
export function stopReasonText(reason: string | number | null): string {
  return typeof reason === "string" ? JSON.stringify(reason) : String(reason);
}
